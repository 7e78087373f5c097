"""The rows of a model as arrays, by shard and slice.

arrays      rows in memory: keys, and named arrays in a family's encoding
slice_file  the rows of one cell on disk, to be read at any place
slice_set   several cells as one set in row-key order
row_store   the store of a model: training and evaluation rows
writer      writes a store from a stream of rows in any order
known_files what is known of a store's files, by which they are taken over
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.rows.arrays import (
        GROUP,
        LABEL,
        WEIGHT,
        Rows,
        RowSet,
        group_pieces,
        in_key_order,
        joined,
        label_name,
        pieces,
        without_contents,
    )
    from lineage_store.rows.known_files import keep_known, known_cells, same_evaluation, same_files
    from lineage_store.rows.row_store import FORMAT, RowStore, fields_of, open_rows
    from lineage_store.rows.slice_file import TEXT, Field
    from lineage_store.rows.writer import NO_CELLS, Unchanged, write_rows
else:
    __getattr__ = lazily(
        __name__,
        {
            "arrays": (
                "GROUP",
                "LABEL",
                "WEIGHT",
                "RowSet",
                "Rows",
                "group_pieces",
                "in_key_order",
                "joined",
                "label_name",
                "pieces",
                "without_contents",
            ),
            "known_files": ("keep_known", "known_cells", "same_evaluation", "same_files"),
            "row_store": ("FORMAT", "RowStore", "fields_of", "open_rows"),
            "slice_file": ("TEXT", "Field"),
            "writer": ("NO_CELLS", "Unchanged", "write_rows"),
        },
    )

__all__ = [
    "FORMAT",
    "GROUP",
    "LABEL",
    "NO_CELLS",
    "TEXT",
    "WEIGHT",
    "Field",
    "RowSet",
    "RowStore",
    "Rows",
    "Unchanged",
    "fields_of",
    "group_pieces",
    "in_key_order",
    "joined",
    "keep_known",
    "known_cells",
    "label_name",
    "open_rows",
    "pieces",
    "same_evaluation",
    "same_files",
    "without_contents",
    "write_rows",
]
