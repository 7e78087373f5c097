"""What was understood of a table, as text for people, before a model learns from it."""

from collections.abc import Iterator

from lineage_store.counted import counted
from lineage_store.understood import ColumnTold, Understanding

KINDS = (("number", "numbers"), ("date", "dates"), ("text", "texts"), ("array", "arrays"))
MOST_COLUMNS = 12
MOST_CLASSES = 10


def understood_lines(told: Understanding, *, values: bool) -> Iterator[str]:
    """Yield what was understood, line by line; with `values`, the names of classes too."""
    yield f"Read {counted(told.rows, 'row')} ({'; '.join(sorted(set(told.sources.values())))})."
    if told.excluded:
        yield (
            f"  kept out   {counted(told.excluded, 'row')} of what was forgotten here, or "
            f"is restricted"
        )
    if told.alike:
        said = (
            f"{counted(told.alike, 'row is', 'rows are')} of ids spelled nearly as forgotten ones"
        )
        yield f"  alike      {said} (--admit-alike lets them in)"
    yield f"  label      {_label(told)}"
    for one in told.further_labels:
        yield f"             {one.name!r}: a {one.task}, since {one.why}"
    if told.class_rows:
        yield f"  classes    {_classes(told, values=values)}"
    for kind, word in KINDS:
        of_kind = [column for column in told.columns if column.kind == kind]
        if of_kind:
            yield f"  {word:<10} {_columns(of_kind)}"
    if told.weight is not None:
        yield f"  weights    {told.weight!r}, of all that is learnt and of metrics"
    if told.group is not None:
        yield (
            f"  groups     {told.group!r}: {told.groups:,} of at most "
            f"{counted(told.biggest_group, 'row')}"
        )
    if told.subjects is not None:
        yield (
            f"  people     {told.subjects:,}; "
            f"{counted(told.without_subject, 'row names', 'rows name')} nobody"
        )
    if told.on_both_sides:
        yield f"             {told.on_both_sides:,} of them are learnt from and judged by"
    yield f"  partition  {counted(told.shards, 'shard')} of {counted(told.slices, 'slice')}"


def _label(told: Understanding) -> str:
    if told.label is None:
        return "none"
    return f"{told.label!r}: a {told.task}, since {told.why_task}"


def _classes(told: Understanding, *, values: bool) -> str:
    shown = list(zip(told.classes, told.class_rows, strict=True))[:MOST_CLASSES]
    each = (f"{name!r} {count:,}" if values else f"{count:,}" for name, count in shown)
    more = len(told.class_rows) - len(shown)
    rest = f" and {more} more" if more > 0 else ""
    return f"{len(told.class_rows)}, of {', '.join(each)}{rest} rows"


def _columns(columns: list[ColumnTold]) -> str:
    shown = [f"{one.name!r}{_place(one)}" for one in columns[:MOST_COLUMNS]]
    more = len(columns) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _place(column: ColumnTold) -> str:
    """Say what a text is told from: the first value that is no number."""
    return f" ({column.place})" if column.kind == "text" and column.place else ""
