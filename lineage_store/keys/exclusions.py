"""What a training keeps out: rows of people whom the manifest names, and rows that it names.

People are asked for by their ids, as given and as canonical. Rows are asked for by the key that the
training gives them, and by those that they had where they were deleted: of the ids in a column,
whatever that column is for now, as programs usually spell them; or of the whole row's text. So who
was forgotten does not come back where the same file is read with other columns.

An id that is another one, and spelled nearly as that of somebody who was forgotten, is kept out as
well, and counted apart, unless whoever trains says that these are others (`admit_alike`): a person
who comes back under another spelling cannot be taken out again by whom nobody knows any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lineage_store.keys.secret import Keys, keyed_all
from lineage_store.keys.subject_ids import alike_entry, entries_of, is_nobody, usual_spellings
from lineage_store.placement import I64

RowKeys = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class KnownRows:
    """Commitments of keys of deleted rows: of the ids in a column, or (None) of the rows' text."""

    row_id: str | None
    commitments: frozenset[bytes]


@dataclass(frozen=True)
class GivenRows:
    """Rows as far as the manifest is asked about them.

    `keys` are theirs, (n, 16). `column` gives the different texts of a column and which of them
    each row has (n,), or None if there is no such column. `subjects` are the different names and
    those that each row has, (columns, n); an empty name is nobody's. `row_id` is the column that
    the keys are of, or None; `text_keys` (n, 16) are there if they are asked for.
    """

    keys: RowKeys
    column: Callable[[str], tuple[Sequence[str], I64] | None]
    subjects: tuple[Sequence[str], I64]
    row_id: str | None
    text_keys: RowKeys | None


@dataclass
class Exclusions:
    """What the exclusion manifest names, by commitments, and how many rows it has kept out.

    `known_rows` are asked for besides: rows of people whom the training's columns do not name.
    `alike` are commitments of folded ids, and `alike_rows` counts rows that nothing else names.
    """

    commitments: frozenset[str] = frozenset()
    known_rows: tuple[KnownRows, ...] = ()
    alike: frozenset[str] = frozenset()
    admit_alike: bool = False
    rows: int = 0
    alike_rows: int = 0

    @property
    def by_text(self) -> bool:
        """Whether rows are asked for by their text."""
        return any(known.row_id is None for known in self.known_rows)

    def keep_out(self, rows: GivenRows, keys: Keys) -> Mask:
        """Say which rows the manifest names (n,), and count them."""
        named = self._names(rows, keys)
        for known in self.known_rows:
            named |= _known_under(rows, known.row_id, known.commitments, keys)
        alike = self._alike(rows, keys) & ~named
        self.alike_rows += int(np.count_nonzero(alike))
        if not self.admit_alike:
            named |= alike
        self.rows += int(np.count_nonzero(named))
        return named

    def _names(self, rows: GivenRows, keys: Keys) -> Mask:
        named = _committed(rows.keys, self._digests, keys)
        if rows.row_id is not None:
            named |= _known_under(rows, rows.row_id, self._digests, keys)
        names, codes = rows.subjects
        out = [not self.commitments.isdisjoint(_entries(keys, name)) for name in names]
        of_rows: Mask = np.array(out, np.bool_)[codes].any(axis=0)
        return named | of_rows

    def _alike(self, rows: GivenRows, keys: Keys) -> Mask:
        """Say which rows are of an id that is spelled nearly as a forgotten one (n,)."""
        names, codes = rows.subjects
        if not self.alike:
            return np.zeros(len(rows.keys), np.bool_)
        near = [not is_nobody(name) and alike_entry(keys, name) in self.alike for name in names]
        of_rows: Mask = np.array(near, np.bool_)[codes].any(axis=0)
        return of_rows

    @cached_property
    def _digests(self) -> frozenset[bytes]:
        return frozenset(map(bytes.fromhex, self.commitments))


def _entries(keys: Keys, subject: str) -> Sequence[str]:
    return entries_of(keys, subject) if subject else ()


def _committed(row_keys: RowKeys, commitments: frozenset[bytes], keys: Keys) -> Mask:
    """Say which keys of rows (n, 16) there are commitments of."""
    found = keyed_all(keys.manifest, "row", map(bytes, row_keys))
    each = (found[start : start + 32] in commitments for start in range(0, len(found), 32))
    return np.fromiter(each, np.bool_, len(row_keys))


def _known_under(
    rows: GivenRows, column: str | None, commitments: frozenset[bytes], keys: Keys
) -> Mask:
    """Say which rows are named by their text (None), or by an id in a column, usually spelled."""
    nothing = np.zeros(len(rows.keys), np.bool_)
    if column is None:
        if rows.text_keys is None:
            return nothing
        return _committed(rows.text_keys, commitments, keys)
    given = rows.column(column)
    if given is None:
        return nothing
    texts, codes = given
    forms = [
        (place, form)
        for place, text in enumerate(texts)
        for form in dict.fromkeys((text, *usual_spellings(text)))
    ]
    row_keys = keys.row_keys(kind="id", values=(form.encode("utf-8") for _, form in forms))
    known = np.zeros(len(texts), np.bool_)
    places = np.array([place for place, _ in forms], np.int64)
    known[places[_committed(row_keys, commitments, keys)]] = True
    of_rows: Mask = known[codes]
    return of_rows
