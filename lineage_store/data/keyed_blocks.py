"""A table as the user gives it, read as a stream of blocks for the gate.

Row keys are computed from the text as given: the keyed digest of the id column (without white space
around it), or without one of the fields' text and the number of its occurrence, so that equal lines
have different keys and the order of the lines does not matter. Occurrences and ids seen are counted
on disk (`keys_seen`), not in memory. What follows from a text alone (a subject's pseudonym and
place, whether the manifest names it, its band of risk) is asked once a block for each different
text.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.data.columns import Columns, TableHeader
from lineage_store.data.keys_seen import KeysSeen
from lineage_store.data.number_arrays import first_of_no_kind
from lineage_store.data.record import EVALUATION_PERCENT, Block, joined
from lineage_store.data.risk import bands_of
from lineage_store.data.row_weights import first_wrong_weight
from lineage_store.data.schema import FIRST_RULES
from lineage_store.errors import BadInput
from lineage_store.keys.exclusions import Exclusions, GivenRows
from lineage_store.keys.secret import Keys
from lineage_store.keys.subject_ids import canonical_id, is_nobody
from lineage_store.placement import I64, U64, evaluated, in_bands, placed_in_evaluation
from lineage_store.sources.source import Source
from lineage_store.texts.text_rows import (
    SEPARATOR,
    Progress,
    TextRows,
    bytes_of,
    coded,
    rows_with_more,
    texts_of,
)

RowKeys = npt.NDArray[np.uint8]
FIRST = b"1\x1f"


class Naming(Protocol):
    """Who gives subjects their pseudonyms, on which no bit of a model depends."""

    def get_all(self, subjects: Sequence[str]) -> list[bytes]:
        """Return subjects' pseudonyms (16 bytes each), new ones for subjects not seen before."""


def read_blocks_of(
    sources: Sequence[Source],
    *,
    columns: Columns,
    header: TableHeader,
    keys: Keys,
    pseudonyms: Naming,
    exclusions: Exclusions,
    temporary: Path,
    progress: Progress | None = None,
) -> Iterator[Block]:
    """Yield the rows of the sources, but for those that the exclusion manifest names, in blocks.

    They are read as one: which of them a row stands in changes nothing. Raises BadInput, naming
    file and line, for a line that does not fit the header, text that is not UTF-8, and a row id
    that is empty or given twice.
    """
    folder = temporary / "keys-seen"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
    folder.mkdir(mode=0o700)
    try:
        with KeysSeen(folder) as seen:
            keying = _Keying(columns, header, keys, pseudonyms, exclusions, seen)
            for source, rows in _all_rows(sources, progress):
                block = keying.block(source, rows)
                if len(block):
                    yield block
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class _Subjects:
    """Who is named in some rows: the different names, and for each row those of its columns.

    `codes` are places in `names`, (columns, n); `empty` is that of the empty name, or -1.
    """

    names: list[str]
    codes: I64

    @property
    def empty(self) -> int:
        return self.names.index("") if "" in self.names else -1

    def of(self, rows: I64) -> "_Subjects":
        """Return those of some rows alone."""
        used, codes = np.unique(self.codes[:, rows], return_inverse=True)
        names = [self.names[place] for place in used.tolist()]
        return _Subjects(names, codes.reshape(len(self.codes), len(rows)))

    def meant(self) -> "_Subjects":
        """Return them without white space around, and the empty name for a mark of no name."""
        each = ["" if is_nobody(name) else name.strip() for name in self.names]
        places = {name: place for place, name in enumerate(dict.fromkeys(each))}
        codes = np.array([places[name] for name in each], np.int64)
        return _Subjects(list(places), codes[self.codes])


@dataclass(frozen=True)
class _Keying:
    """Makes blocks of rows as they are read."""

    columns: Columns
    header: TableHeader
    keys: Keys
    pseudonyms: Naming
    exclusions: Exclusions
    seen: KeysSeen

    def block(self, source: Source, rows: TextRows) -> Block:
        """Return the rows that the manifest does not name."""
        import pyarrow as pa

        self._must_be_as_said(source, rows)
        row_keys, text_keys = self._row_keys(source, rows)
        subjects = self._subjects(rows)
        values = rows.values
        if self.exclusions.commitments:
            kept = np.flatnonzero(~self._kept_out(rows, row_keys, text_keys, subjects))
            if len(kept) < len(rows):
                row_keys, values = row_keys[kept], values.take(pa.array(kept))
                subjects = subjects.of(kept)
        subjects = subjects.meant()
        names = self.header.roles.all
        chosen = [values.column(self.header.names.index(name)) for name in names]
        places = self._places(values, row_keys, subjects)
        return Block(
            row_keys,
            self._pseudonyms(subjects, len(row_keys)),
            places,
            self._evaluated(row_keys, places),
            pa.RecordBatch.from_arrays(chosen, names=list(names)),
        )

    def _evaluated(self, row_keys: RowKeys, places: U64) -> npt.NDArray[np.bool_]:
        """Say which rows are to judge a model by: no person's, of whom it learns others."""
        if self.columns.rules == FIRST_RULES:
            return evaluated(row_keys, percent=EVALUATION_PERCENT)
        return placed_in_evaluation(places, percent=EVALUATION_PERCENT)

    def _must_be_as_said(self, source: Source, rows: TextRows) -> None:
        """Raise BadInput for the first value that is not of the kind that the user says."""
        said = dict(self.columns.kinds)
        for label in self.columns.labels:
            if self.header.roles.said.task_of(label) == "regression":
                said.setdefault(label, "number")
        for name, kind in said.items():
            values = rows.values.column(self.header.names.index(name))
            if (wrong := first_of_no_kind(values, kind)) is not None:
                raise BadInput(
                    f"{source.unit.capitalize()} {rows.numbers[wrong]} of {source.name}: the value "
                    f"in column {name!r} is no {kind}, and it was said to hold {kind}s."
                )
        for name in self.columns.weights:
            values = rows.values.column(self.header.names.index(name))
            if (found := first_wrong_weight(values, self.columns.weighing)) is not None:
                wrong, why = found
                raise BadInput(
                    f"{source.unit.capitalize()} {rows.numbers[wrong]} of {source.name}: the value "
                    f"in the weight column {name!r} {why}."
                )

        for name in self.columns.groups:
            names, codes = coded(rows.values.column(self.header.names.index(name)))
            nothing = np.array(list(map(is_nobody, names)), np.bool_)[codes]
            if nothing.any():
                raise BadInput(
                    f"{source.unit.capitalize()} {rows.numbers[int(np.argmax(nothing))]} of "
                    f"{source.name} is of no group in column {name!r}: name one; a row that is "
                    f"alone has a group of its own."
                )

    def _row_keys(self, source: Source, rows: TextRows) -> tuple[RowKeys, RowKeys | None]:
        """Return the keys of rows, and those by their text if they have no ids or it is asked."""
        if self.columns.row_id is None:
            found = self._keys_of_texts(rows)
            return found, found
        by_text = self._keys_of_texts(rows) if self.exclusions.by_text else None
        return self._keys_of_ids(source, rows, self.columns.row_id), by_text

    def _keys_of_texts(self, rows: TextRows) -> RowKeys:
        """Return the keys of rows by their text and the number of its occurrence."""
        texts = _joined(rows)
        found = self.keys.row_keys(kind="text", values=texts)
        times = self.seen.count(found)
        again = np.flatnonzero(times > 1).tolist()
        numbered = [b"%d" % times[row] + texts[row][1:] for row in again]
        found[again] = self.keys.row_keys(kind="text", values=numbered)
        return found

    def _keys_of_ids(self, source: Source, rows: TextRows, column: str) -> RowKeys:
        """Return the keys of rows by their ids; raises BadInput for one that is empty or again."""
        ids = texts_of(rows.values.column(self.header.names.index(column)))
        found = self.keys.row_keys(kind="id", values=(one.strip().encode("utf-8") for one in ids))
        empty = next((row for row, text in enumerate(ids) if is_nobody(text)), len(ids))
        again = np.flatnonzero(self.seen.count(found[:empty]) > 1)
        if len(again):
            raise BadInput(
                f"A row id stands twice in column {column!r} of {source.name}: "
                f"the second is in {source.unit} {rows.numbers[again[0]]}."
            )
        if empty < len(ids):
            raise BadInput(
                f"The row id in {source.unit} {rows.numbers[empty]} of {source.name} is empty."
            )
        return found

    def _subjects(self, rows: TextRows) -> _Subjects:
        import pyarrow as pa

        named = [
            rows.values.column(self.header.names.index(name))
            for name in self.columns.subjects_or_id
        ]
        if not named:
            return _Subjects([], np.zeros((0, len(rows)), np.int64))
        names, codes = coded(pa.concat_arrays(named))
        return _Subjects(names, codes.reshape(len(named), -1))

    def _kept_out(
        self, rows: TextRows, row_keys: RowKeys, text_keys: RowKeys | None, subjects: _Subjects
    ) -> npt.NDArray[np.bool_]:
        def column(name: str) -> tuple[Sequence[str], I64] | None:
            if name not in self.header.names:
                return None
            return coded(rows.values.column(self.header.names.index(name)))

        given = GivenRows(
            row_keys, column, (subjects.names, subjects.codes), self.columns.row_id, text_keys
        )
        return self.exclusions.keep_out(given, self.keys)

    def _pseudonyms(self, subjects: _Subjects, rows: int) -> list[bytes]:
        """Return the pseudonyms of each row, one after another."""
        known = [name for name in subjects.names if name]
        by_name = dict(zip(known, self.pseudonyms.get_all(known), strict=True))
        each = [by_name.get(name, b"") for name in subjects.names]
        if not len(subjects.codes):
            return [b""] * rows
        if len(subjects.codes) == 1:
            return [each[code] for code in subjects.codes[0].tolist()]
        return [
            b"".join(each[code] for code in dict.fromkeys(row)) for row in subjects.codes.T.tolist()
        ]

    def _places(self, values: Any, row_keys: RowKeys, subjects: _Subjects) -> U64:
        """Return the place of each row: its first subject's, or its own, with its band.

        Rows with groups are placed by these: in one slice of one shard, one split, and one batch.
        """
        if self.columns.group is not None:
            column = values.column(self.header.names.index(self.columns.group))
            groups, codes = coded(column)
            given = (canonical_id(group).encode("utf-8") for group in groups)
            return self.keys.places(kind="group", values=given)[codes]
        places = np.empty(len(row_keys), np.uint64)
        named = subjects.codes != subjects.empty
        by_subject = np.zeros(len(row_keys), np.bool_)
        if len(named) and not self.columns.place_by_row:
            by_subject = named.any(axis=0)
            names = (canonical_id(name).encode("utf-8") for name in subjects.names)
            first = subjects.codes[named.argmax(axis=0), np.arange(len(row_keys))]
            places[by_subject] = self.keys.places(kind="subject", values=names)[first[by_subject]]
        own = row_keys[~by_subject].tobytes()
        alone = (own[start : start + 16] for start in range(0, len(own), 16))
        places[~by_subject] = self.keys.places(kind="row", values=alone)
        if self.columns.risk:
            asked = [self.header.names.index(rule.column) for rule in self.columns.risk]
            bands = bands_of(self.columns.risk, [coded(values.column(place)) for place in asked])
            places = in_bands(places, bands)
        return places


def _joined(rows: TextRows) -> list[bytes]:
    """Return the text of each row, as its first occurrence: see `record.joined`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = rows.values.columns
    whole = pc.binary_join_element_wise("1", *columns, SEPARATOR)
    texts = bytes_of(whole.cast(pa.binary()))
    for row in rows_with_more(whole, len(columns)):
        texts[row] = FIRST + joined([column[row].as_py() for column in columns])
    return texts


def _all_rows(
    sources: Sequence[Source], progress: Progress | None
) -> Iterator[tuple[Source, TextRows]]:
    before = 0
    for source in sources:
        empty = True
        ahead = None if progress is None else _ahead(progress, before)
        for rows in source.batches(ahead):
            empty = False
            yield source, rows
        if empty:
            raise BadInput(f"The file {source.name} has column names, but no rows.")
        before += source.size


def _ahead(progress: Progress, before: int) -> Progress:
    return lambda place: progress(before + place)
