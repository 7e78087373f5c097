"""Where rows come from: tables of text, each kind of file behind one Protocol.

source       the Protocol, and which source a file is
text_rows    some rows of a source, by columns, with their numbers
csv_file     a CSV file as a source
csv_pieces   what Arrow reads of it, where it is sure to read it as Python does
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.sources.source import (
        Given,
        Source,
        open_source,
        open_sources,
        records_of,
    )
    from lineage_store.sources.text_rows import (
        Kind,
        TextRows,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "source": ("Given", "Source", "open_source", "open_sources", "records_of"),
            "text_rows": ("Kind", "TextRows"),
        },
    )

__all__ = [
    "Given",
    "Kind",
    "Source",
    "TextRows",
    "open_source",
    "open_sources",
    "records_of",
]
