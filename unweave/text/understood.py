"""What was understood of a table, as text for people, before a model learns from it."""

from collections.abc import Iterator

from lineage_store.counted import counted
from lineage_store.understood import ColumnTold, Understanding

KINDS = (("number", "numbers"), ("date", "dates"), ("text", "texts"), ("array", "arrays"))
MOST_COLUMNS = 12
MOST_CLASSES = 10


def understood_lines(table: Understanding, *, values: bool) -> Iterator[str]:
    """Yield what was understood, line by line; with `values`, the names of classes too."""
    yield f"Read {counted(table.rows, 'row')} ({'; '.join(sorted(set(table.sources.values())))})."
    if table.excluded:
        yield (
            f"  kept out   {counted(table.excluded, 'row')} of what was forgotten here, or "
            f"is restricted"
        )
    if table.alike:
        alike = (
            f"{counted(table.alike, 'row is', 'rows are')} of ids spelled nearly as forgotten ones"
        )
        yield f"  alike      {alike} (--admit-alike lets them in)"
    yield f"  label      {_label(table)}"
    for one in table.further_labels:
        yield f"             {one.name!r}: a {one.task}, since {one.why}"
    if table.class_rows:
        yield f"  classes    {_classes(table, values=values)}"
    for kind, word in KINDS:
        of_kind = [column for column in table.columns if column.kind == kind]
        if of_kind:
            yield f"  {word:<10} {_columns(of_kind)}"
    if table.weight is not None:
        yield f"  weights    {table.weight!r}, of all that is learnt and of metrics"
    if table.group is not None:
        yield (
            f"  groups     {table.group!r}: {table.groups:,} of at most "
            f"{counted(table.biggest_group, 'row')}"
        )
    if table.subjects is not None:
        yield (
            f"  people     {table.subjects:,}; "
            f"{counted(table.without_subject, 'row names', 'rows name')} nobody"
        )
    if table.on_both_sides:
        yield f"             {table.on_both_sides:,} of them are learnt from and judged by"
    yield f"  partition  {counted(table.shards, 'shard')} of {counted(table.slices, 'slice')}"


def _label(table: Understanding) -> str:
    if table.label is None:
        return "none"
    return f"{table.label!r}: a {table.task}, since {table.why_task}"


def _classes(table: Understanding, *, values: bool) -> str:
    shown = list(zip(table.classes, table.class_rows, strict=True))[:MOST_CLASSES]
    each = (f"{name!r} {count:,}" if values else f"{count:,}" for name, count in shown)
    more = len(table.class_rows) - len(shown)
    rest = f" and {more} more" if more > 0 else ""
    return f"{len(table.class_rows)}, of {', '.join(each)}{rest} rows"


def _columns(columns: list[ColumnTold]) -> str:
    shown = [f"{one.name!r}{_place(one)}" for one in columns[:MOST_COLUMNS]]
    more = len(columns) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _place(column: ColumnTold) -> str:
    """Say what a text is told from: the first value that is no number."""
    return f" ({column.place})" if column.kind == "text" and column.place else ""
