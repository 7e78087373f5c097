"""A table as its rows go by: its columns, its classes, and whose rows they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lineage_store.data.columns import TableHeader
from lineage_store.keys.subject_ids import canonical_id, is_nobody
from lineage_store.sources.source import Source
from lineage_store.texts.text_rows import Kind, Progress, TextRows, coded
from lineage_store.understood.column_watch import ColumnWatch
from lineage_store.understood.side_watch import MOST_PEOPLE, SideWatch

MOST_CLASSES = 1_000


@dataclass
class TableWatch:
    """What was seen so far of a table with such a header, whose `ids` name people.

    `people` are those that have a row, more than MOST_PEOPLE at most; `nobodys` the rows of nobody.
    `classes` are the label's values and how often each stands, more than MOST_CLASSES at most;
    `groups` the rows of each group, or, if rows are of items, of each person: of about the first
    MOST_PEOPLE. `sides` are watched where the
    gate lets rows through.
    """

    header: TableHeader
    ids: Sequence[str]
    columns: dict[str, ColumnWatch] = field(default_factory=dict)
    rows: int = 0
    nobodys: int = 0
    people: set[int] = field(default_factory=set)
    classes: dict[str, int] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    sides: SideWatch = field(default_factory=SideWatch)

    def see(self, source: Source, rows: TextRows) -> None:
        """Look at some rows."""
        self.descriptions.setdefault(source.name, source.description)
        self.rows += len(rows)
        for name in self.header.roles.all:
            column = rows.values.column(self.header.names.index(name))
            watch = self.columns.setdefault(name, ColumnWatch())
            watch.see(column, rows.numbers, where=source.unit)
        self._see_people(rows)
        self._see_label(rows)
        self._see_groups(rows)

    def _see_people(self, rows: TextRows) -> None:
        named = np.zeros(len(rows), np.bool_)
        for name in self.ids:
            texts, codes = coded(rows.values.column(self.header.names.index(name)))
            known = [not is_nobody(text) for text in texts]
            if len(self.people) <= MOST_PEOPLE:
                self.people |= {hash(text.strip()) for text in texts if not is_nobody(text)}
            named |= np.array(known, np.bool_)[codes]
        self.nobodys += int(np.count_nonzero(~named))

    def _see_label(self, rows: TextRows) -> None:
        label = self.header.roles.label
        if label is None or len(self.classes) > MOST_CLASSES:
            return
        texts, codes = coded(rows.values.column(self.header.names.index(label)))
        for text, count in zip(texts, np.bincount(codes, minlength=len(texts)), strict=True):
            self.classes[text] = self.classes.get(text, 0) + int(count)

    def _see_groups(self, rows: TextRows) -> None:
        roles = self.header.roles
        people = () if roles.said.items is None else tuple(self.ids[:1])
        for name in roles.groups or people:
            texts, codes = coded(rows.values.column(self.header.names.index(name)))
            rows_of = np.bincount(codes, minlength=len(texts)).tolist()
            for group, count in zip(map(hash, map(canonical_id, texts)), rows_of, strict=True):
                if group in self.groups or len(self.groups) < MOST_PEOPLE:
                    self.groups[group] = self.groups.get(group, 0) + count


@dataclass(frozen=True)
class Watched:
    """A source whose rows are watched as they are read."""

    source: Source
    watch: TableWatch

    @property
    def name(self) -> str:
        """That of the source, as is all else."""
        return self.source.name

    @property
    def unit(self) -> str:
        """What the numbers of its rows count."""
        return self.source.unit

    @property
    def description(self) -> str:
        """What it was taken for."""
        return self.source.description

    @property
    def size(self) -> int:
        """How much there is to read."""
        return self.source.size

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return self.source.columns()

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds that it declares."""
        return self.source.kinds()

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows, each batch once it was looked at."""
        for rows in self.source.batches(progress):
            self.watch.see(self.source, rows)
            yield rows
