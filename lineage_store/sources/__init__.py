"""Where rows come from: tables of text, each kind of file behind one Protocol.

source        which source a table is that a user names
reading       how a table is to be read, as far as a user says it
unpacked      the bytes of a file that may be packed
text_bytes    its text as UTF-8, whatever it is written in
csv_dialect   what a CSV file is like, as its first lines tell
csv_file      a CSV file as a source
csv_pieces    what Arrow reads of it, where it is sure to read it as Python does

columnar_files  Parquet and Arrow files
data_frame      tables in memory: pandas, polars, Arrow, NumPy
array_files     NumPy's files
tf_examples     TFRecords of tf.Examples
database_query  the rows of a query
table_folder    a folder of any of these files as one table
pictures        a folder of small pictures
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.sources.database_query import (
        DatabaseQuery,
    )
    from lineage_store.sources.reading import (
        AS_IT_IS,
        Reading,
    )
    from lineage_store.sources.source import (
        Given,
        Source,
        open_source,
        open_sources,
        records_of,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "database_query": ("DatabaseQuery",),
            "reading": ("AS_IT_IS", "Reading"),
            "source": ("Given", "Source", "open_source", "open_sources", "records_of"),
        },
    )

__all__ = [
    "AS_IT_IS",
    "DatabaseQuery",
    "Given",
    "Reading",
    "Source",
    "open_source",
    "open_sources",
    "records_of",
]
