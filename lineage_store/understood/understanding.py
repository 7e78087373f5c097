"""What is told of a table once the gate has read it: kinds and why, people, classes by number.

It holds names of columns, numbers of lines and counts, and no value: not the name of a class, which
`classes` gives apart, to whoever may see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.data.columns import Columns
from lineage_store.data.schema import Column, Label, Schema, Task
from lineage_store.texts.text_rows import Kind
from lineage_store.understood.advice import advice_on
from lineage_store.understood.column_watch import ColumnWatch
from lineage_store.understood.table_watch import TableWatch


@dataclass(frozen=True)
class ColumnTold:
    """A column: its kind, why it is of that kind, and the place that tells it, if one does."""

    name: str
    kind: Kind
    why: str
    place: str | None = None


@dataclass(frozen=True)
class LabelTold:
    """A label: what it makes of the model, and why."""

    name: str
    task: Task
    why: str


@dataclass(frozen=True)
class Understanding:
    """What was understood of a table.

    `class_rows` is the number of rows of each class, in the order of their names; `subjects` is how
    many people have rows, None where no column names any, and `on_both_sides` how many of them have
    rows that are learnt from and others that the model is judged by. `alike` are rows of ids that
    are spelled nearly as forgotten ones. `sources` are what the files were taken for. `classes` are
    the names of the classes, which are values. `weight` and `group` name the columns of weights and
    of groups, of which there are `groups`.
    """

    rows: int
    by_split: Mapping[str, int]
    excluded: int
    alike: int
    sources: Mapping[str, str]
    label: str | None
    task: str | None
    why_task: str | None
    class_rows: tuple[int, ...]
    columns: tuple[ColumnTold, ...]
    subjects: int | None
    without_subject: int
    on_both_sides: int
    shards: int
    slices: int
    warnings: tuple[str, ...]
    classes: tuple[str, ...] = ()
    weight: str | None = None
    group: str | None = None
    groups: int = 0
    biggest_group: int = 0
    further_labels: tuple[LabelTold, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, without any value."""
        further = [{"name": one.name, "task": one.task} for one in self.further_labels]
        return {
            "rows": self.rows,
            "rows_by_split": dict(self.by_split),
            "excluded": self.excluded,
            "alike": self.alike,
            "sources": list(self.sources.values()),
            "label": self.label,
            "task": self.task,
            "why_task": self.why_task,
            "classes": len(self.class_rows),
            "class_rows": list(self.class_rows),
            "columns": [
                {"name": one.name, "kind": one.kind, "why": one.why} for one in self.columns
            ],
            "weight_column": self.weight,
            "group_column": self.group,
            "groups": self.groups,
            "biggest_group": self.biggest_group,
            "subjects": self.subjects,
            "without_subject": self.without_subject,
            "on_both_sides": self.on_both_sides,
            "shards": self.shards,
            "slices": self.slices,
            "warnings": list(self.warnings),
        } | ({"further_labels": further} if further else {})


def understanding_of(
    watch: TableWatch,
    columns: Columns,
    *,
    schema: Schema,
    by_split: Mapping[str, int],
    excluded: int,
    alike: int = 0,
    partition: tuple[int, int],
    batch_size: int | None = None,
) -> Understanding:
    """Return what was understood of a table that was watched, and gated to a schema.

    `partition` are the shards and slices of the model, `batch_size` the mean rows of its batches,
    if it has any.
    """
    shards, slices = partition
    labels = [LabelTold(one.name, one.task, _why_task(one, schema, watch)) for one in schema.labels]
    first = labels[0] if labels else None
    found = _class_rows(watch, schema)
    return Understanding(
        rows=watch.rows,
        by_split=by_split,
        excluded=excluded,
        alike=alike,
        sources=watch.descriptions,
        label=None if first is None else first.name,
        task=None if first is None else first.task,
        why_task=None if first is None else first.why,
        class_rows=tuple(found.values()),
        columns=tuple(_column_told(one, watch.columns[one.name], schema) for one in schema.columns),
        subjects=len(watch.people) if watch.ids else None,
        without_subject=watch.nobodys if watch.ids else 0,
        on_both_sides=watch.sides.on_both,
        shards=shards,
        slices=slices,
        warnings=advice_on(
            watch,
            columns,
            schema=schema,
            by_split=by_split,
            shards=shards,
            class_rows=found,
            batch_size=batch_size,
        ),
        classes=tuple(found),
        weight=columns.weight,
        group=columns.group,
        groups=0 if columns.group is None else len(watch.groups),
        biggest_group=0 if columns.group is None else max(watch.groups.values(), default=0),
        further_labels=tuple(labels[1:]),
    )


def _class_rows(watch: TableWatch, schema: Schema) -> dict[str, int]:
    """Return the rows of each class as the gate spells it, in the order of their names."""
    label = schema.first_label
    if label is None or label.task != "classification":
        return {}
    found = dict.fromkeys(label.classes, 0)
    for text, count in watch.classes.items():
        name = label.canonical(text)
        if name in found:
            found[name] += count
    return found


def _column_told(column: Column, seen: ColumnWatch, schema: Schema) -> ColumnTold:
    place = None
    if schema.said.kind_of(column.name) is not None:
        why = "it was said, or the source declares it"
    elif not seen.present:
        why = "it has no value"
    elif column.kind == "number":
        why = "all values are numbers"
    elif column.kind == "date":
        why = "all values are days or times in ISO 8601"
    else:
        place = seen.first_text
        why = f"the value in {place} is no number"
    return ColumnTold(column.name, column.kind, why, place)


def _why_task(label: Label, schema: Schema, watch: TableWatch) -> str:
    if schema.said.task_of(label.name) is not None:
        return "it was said"
    seen = watch.columns[label.name]
    if label.kind == "text":
        return f"the label in {seen.first_text or 'some rows'} is a text"
    if label.task == "classification":
        return f"its values are {len(label.classes)} different whole numbers"
    if not seen.is_whole:
        return "its values are numbers with fractions"
    return "its values are more whole numbers than classes are told from"
