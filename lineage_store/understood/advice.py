"""What looks odd in a table, each with the option that says otherwise.

Told by rules of thumb from counts; a model is trained all the same. Options are named in backticks,
as Python calls them.
"""

import re
from collections.abc import Iterator, Mapping

from lineage_store.counted import counted, of_them
from lineage_store.data.columns import Columns
from lineage_store.data.record import EVAL, TRAIN, UNLABELLED
from lineage_store.data.schema import Label, Schema
from lineage_store.understood.column_watch import ColumnWatch
from lineage_store.understood.table_watch import TableWatch

CODES = "id|code|zip|plz|postcode|type|class|category|group|kind"
CODE_NAME = re.compile(rf"(^|[_\W])({CODES})s?$", re.IGNORECASE)
TIME_NAME = re.compile("time|date|stamp", re.IGNORECASE)
FEWEST, UNIQUE, NEARLY = 100, 0.98, 0.5
ROWS_OF_A_SHARD, ROWS_OF_A_CLASS = 200, 10
NOBODYS = 0.01
LONG_HISTORY = 1_000  # as in `items.histories`, which this folder must not import


def advice_on(
    watch: TableWatch,
    columns: Columns,
    *,
    schema: Schema,
    by_split: Mapping[str, int],
    shards: int,
    class_rows: Mapping[str, int],
    batch_size: int | None = None,
) -> tuple[str, ...]:
    """Return what should be looked at, a sentence each."""
    found = [
        *_on_people(watch, columns),
        *_on_groups(watch, batch_size),
        *_on_histories(watch, schema),
        *_on_label(watch, columns, schema, by_split),
        *_on_shards(by_split, shards, class_rows),
    ]
    for column in schema.all:
        beyond = watch.columns[column.name].first_beyond
        if column.kind == "number" and beyond is not None:
            found.append(
                f"The column {column.name!r} holds a number beyond a float32 in {beyond}, the "
                f"first of them: such numbers are taken for missing ones."
            )
    for column in schema.columns:
        if schema.said.kind_of(column.name) is None and column.name not in schema.words:
            found += _on_column(column.name, column.kind, watch.columns[column.name])
    return tuple(found)


def _on_people(watch: TableWatch, columns: Columns) -> Iterator[str]:
    if not columns.subjects_or_id:
        yield (
            "Nobody can ever be forgotten from this model: name the column that says whose a row "
            "is as `subject`, or one with an id of each row as `row_id`."
        )
    elif watch.nobodys > NOBODYS * watch.rows:
        share = watch.nobodys / watch.rows
        reach = (
            "can be forgotten by its row id alone" if columns.row_id else "can never be forgotten"
        )
        yield (
            f"{counted(watch.nobodys, 'row')} ({share:.0%}) "
            f"{'names' if watch.nobodys == 1 else 'name'} nobody: such a row {reach}."
        )
    if watch.sides.on_both:
        why = "rows of several people stand with the first of them"
        if columns.place_by_row or columns.group is not None:
            why = f"rows are placed by {'themselves' if columns.place_by_row else 'their groups'}"
        yield (
            f"{counted(watch.sides.on_both, 'person has', 'people have')} rows that are "
            f"learnt from and rows that the "
            f"model is judged by, since {why}: its metrics are too good."
        )


def _on_groups(watch: TableWatch, batch_size: int | None) -> Iterator[str]:
    largest = max(watch.groups.values(), default=0)
    if batch_size is not None and largest > batch_size:
        yield (
            f"The largest group has {counted(largest, 'row')}, and a batch has {batch_size:,} "
            f"on average: "
            f"no group is cut, and the batch with this one is larger; give a greater `batch_size`."
        )


def _on_histories(watch: TableWatch, schema: Schema) -> Iterator[str]:
    longest = max(watch.groups.values(), default=0)
    if schema.said.items is not None and longest > LONG_HISTORY:
        yield (
            f"The longest history has {counted(longest, 'row')}: of one with more than "
            f"{LONG_HISTORY:,} "
            f"items so many count, drawn by hashes of the history and the item."
        )


def _on_label(
    watch: TableWatch, columns: Columns, schema: Schema, by_split: Mapping[str, int]
) -> Iterator[str]:
    missing = by_split.get(UNLABELLED, 0)
    if missing:
        share = missing / max(1, sum(by_split.values()))
        yield (
            f"{counted(missing, 'row')} ({share:.0%}) {'has' if missing == 1 else 'have'} "
            f"no label: nothing is learnt from them."
        )
    for label in schema.labels:
        if label.kind != "text" and schema.said.task_of(label.name) is None:
            alone = len(schema.labels) == 1
            yield from _on_numbers(label, watch.columns[label.name], alone=alone)


def _on_numbers(label: Label, seen: ColumnWatch, *, alone: bool) -> Iterator[str]:
    whose = "The label's" if alone else f"The {label.name!r} label's"
    which = "" if alone else f"{label.name}="
    if label.task == "classification" and len(label.classes) > 2:
        yield (
            f"{whose} {len(label.classes)} whole numbers are taken for classes: give `task` "
            f"{which}regression if they are amounts."
        )
    elif label.task == "regression" and seen.is_whole and seen.share_different < 0.1:
        yield (
            f"{whose} whole numbers are taken for amounts: give `task` "
            f"{which}classification if they are classes."
        )


def _on_shards(
    by_split: Mapping[str, int], shards: int, class_rows: Mapping[str, int]
) -> Iterator[str]:
    if shards > 1 and by_split[TRAIN] < shards * ROWS_OF_A_SHARD:
        yield (
            f"A shard has about {counted(by_split[TRAIN] // shards, 'row')} to learn from: "
            f"give fewer "
            f"`shards`, and a deletion costs more."
        )
    few = sum(count < shards * ROWS_OF_A_CLASS for count in class_rows.values())
    if few:
        yield (
            f"{of_them(few, len(class_rows), 'class', 'classes')} have fewer than "
            f"{ROWS_OF_A_CLASS} rows in a "
            f"shard: the model can hardly tell them."
        )
    if not by_split.get(EVAL):
        yield "No row is left to judge the model by: there are few people, or few rows."


def _on_column(name: str, kind: str, seen: ColumnWatch) -> Iterator[str]:
    if seen.present < FEWEST:
        return
    if kind == "number" and seen.is_whole:
        if seen.share_different >= UNIQUE and not TIME_NAME.search(name):
            yield (
                f"The column {name!r} looks like an id of rows: name it as `row_id`, or leave it "
                f"out with `drop`."
            )
        elif CODE_NAME.search(name):
            yield (
                f"The column {name!r} looks like codes, and is taken for amounts: name it in "
                f"`category_columns` if they are."
            )
    elif kind == "text" and seen.spells_dates:
        yield (
            f"The column {name!r} looks like days or times that are spelled otherwise, and is "
            f"taken for text: spell them as ISO 8601 does (2026-11-30) to have them as dates."
        )
    elif kind == "text" and seen.spells_numbers:
        yield (
            f"The column {name!r} looks like numbers that are spelled otherwise, and is taken for "
            f"text: give the `decimal` sign and that between `thousands`, or correct it."
        )
    elif kind == "text" and seen.share_different >= NEARLY:
        yield (
            f"The column {name!r} is text that hardly repeats: a model learns little from it, and "
            f"remembers rows by it; leave it out with `drop`, or name it in `text_columns`."
        )
