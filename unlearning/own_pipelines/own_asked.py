"""Who is to be forgotten from somebody's own pipeline, and under what the manifest knows them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from lineage_store.data import Columns
from lineage_store.keys import Keys, canonical_id, entries_of


@dataclass(frozen=True)
class OwnAsked:
    """Who is to be forgotten: ids of people, or with `rows` of rows, as a gate knows them.

    `columns` are the features by which the gate knows them. With `admit_alike` it lets those in who
    are spelled nearly as somebody forgotten.
    """

    ids: tuple[str, ...]
    rows: bool = False
    columns: Columns = field(default_factory=Columns)
    admit_alike: bool = False

    @property
    def kind(self) -> Literal["row", "subject"]:
        """What the ids are of, as the manifest says it."""
        return "row" if self.rows else "subject"

    def entries(self, keys: Keys) -> list[tuple[str, ...]]:
        """Return under what the manifest may know each id."""
        if not self.rows:
            return [entries_of(keys, one) for one in self.ids]
        row_keys = (keys.row_key(kind="id", value=one.encode("utf-8")) for one in self.ids)
        return [(keys.commitment(kind="row", value=key),) for key in row_keys]

    def keys_known(self, keys: Keys, found: Sequence[bytes], place: int) -> set[bytes]:
        """Return commitments of all keys that rows of an id may have elsewhere.

        Of an id of a row that of its canonical form is among them.
        """
        canonical = canonical_id(self.ids[place]).encode("utf-8")
        more = [keys.row_key(kind="id", value=canonical)] if self.rows else []
        every = (*found, *more)
        return {bytes.fromhex(keys.commitment(kind="row", value=key)) for key in every}
