"""What a training keeps out: rows of people whom the manifest names, and rows that it names.

People are asked for by their ids, as given and as canonical. Rows are asked for by the key that the
training gives them, and by those that they had where they were deleted: of the ids in a column,
whatever that column is for now, as programs usually spell them; or of the whole row's text. So who
was forgotten does not come back where the same file is read with other columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineage_store.keys.secret import Keys
from lineage_store.keys.subject_ids import entries_of, usual_spellings


@dataclass(frozen=True)
class KnownRows:
    """Commitments of keys of deleted rows: of the ids in a column, or (None) of the rows' text."""

    row_id: str | None
    commitments: frozenset[bytes]


@dataclass(frozen=True)
class GivenRow:
    """A row as far as the manifest is asked about it.

    `row_id` is the column that its key is of, or None; `text_key` is there if it is asked for.
    """

    key: bytes
    fields: Mapping[str, str]
    subjects: Sequence[str]
    row_id: str | None
    text_key: bytes | None


@dataclass
class Exclusions:
    """What the exclusion manifest names, by commitments, and how many rows it has kept out.

    `known_rows` are asked for besides: rows of people whom the training's columns do not name.
    """

    commitments: frozenset[str] = frozenset()
    known_rows: tuple[KnownRows, ...] = ()
    rows: int = 0

    @property
    def by_text(self) -> bool:
        """Whether rows are asked for by their text."""
        return any(known.row_id is None for known in self.known_rows)

    def keep_out(self, row: GivenRow, keys: Keys) -> bool:
        """Say whether the manifest names a row, and count it if so."""
        named = self._names(row, keys) or any(
            bytes.fromhex(keys.commitment(kind="row", value=key)) in known.commitments
            for known in self.known_rows
            for key in _keys_under(row, known.row_id, keys)
        )
        self.rows += named
        return named

    def _names(self, row: GivenRow, keys: Keys) -> bool:
        own = (row.key, *(() if row.row_id is None else _keys_under(row, row.row_id, keys)))
        known = any(keys.commitment(kind="row", value=key) in self.commitments for key in own)
        entries = (entry for subject in row.subjects for entry in entries_of(keys, subject))
        return known or not self.commitments.isdisjoint(entries)


def _keys_under(row: GivenRow, column: str | None, keys: Keys) -> Iterator[bytes]:
    """Yield the keys that a row has by its text, or by its id in a column, usually spelled."""
    if column is None:
        if row.text_key is not None:
            yield row.text_key
        return
    text = row.fields.get(column)
    for form in () if text is None else dict.fromkeys((text, *usual_spellings(text))):
        yield keys.row_key(kind="id", value=form.encode("utf-8"))
