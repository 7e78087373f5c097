"""Back from row keys to ids: possible only with the source file, which holds the ids.

A workspace keeps no id of a row. Whoever has the file that a model was trained on can compute the
key of each of its ids again, and so tell which ids a list of keys means.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lineage_store.data.columns import Columns, read_headers
from lineage_store.keys.secret import Keys
from lineage_store.sources.source import Source, records_of


@dataclass(frozen=True)
class SourceRow:
    """A row of a file: its id, and which source it is of, numbered as they first occur."""

    id: str
    source: int


def rows_by_key(
    sources: Sequence[Source], *, row_id: str, label: str, keys: Keys, source: str | None = None
) -> dict[bytes, SourceRow]:
    """Return the rows of sources of one table by their keys.

    `source` is the column that names the sources; without one all rows are of source 0. Raises
    BadInput for a file that cannot be read or a column that is not there.
    """
    drop = () if source is None or source in (row_id, label) else (source,)
    header = read_headers(sources, Columns(label, row_id=row_id, drop=drop))
    id_place, source_place = header.place_of(row_id), header.place_of(source)
    numbers: dict[str, int] = {}
    found = {}
    for one in sources:
        for _, fields in records_of(one):
            name = "" if source_place is None else fields[source_place]
            number = numbers.setdefault(name, len(numbers))
            text = fields[id_place or 0]
            key = keys.row_key(kind="id", value=text.encode("utf-8"))
            found[key] = SourceRow(text, number)
    return found
