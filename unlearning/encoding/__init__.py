"""Rows as families read them: from values of the gate's kinds to named arrays of their own.

row_encoding    the Protocol of an encoding, which is local to a row (law 2)
keras_encoding  numbers, hash buckets and class numbers, for Keras
key_encoding    keys of values, for families of sums; `value_keys` makes the keys
text_and_number_encoding  columns as they are, for estimators of other libraries
encode_records  gated records become arrays; `encode_examples` ExampleGen's do
gated_examples  gated rows become tf.Examples, as ExampleGen makes them, and statistics of these
cell_groups     how cells are gathered, so that what is summed of all is summed anew in one path
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.encoding.encode_examples import rows_from_examples
    from unlearning.encoding.encode_records import store_from_snapshot, typed
    from unlearning.encoding.gated_examples import example_files, write_examples, write_summaries
    from unlearning.encoding.row_encoding import RowEncoding, TypedRows
else:
    __getattr__ = lazily(
        __name__,
        {
            "encode_examples": ("rows_from_examples",),
            "encode_records": ("store_from_snapshot", "typed"),
            "gated_examples": ("example_files", "write_examples", "write_summaries"),
            "row_encoding": ("RowEncoding", "TypedRows"),
        },
    )

__all__ = [
    "RowEncoding",
    "TypedRows",
    "example_files",
    "rows_from_examples",
    "store_from_snapshot",
    "typed",
    "write_examples",
    "write_summaries",
]
