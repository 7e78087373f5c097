"""Rows of text by columns, which every source of rows gives, and how other values become text.

text_rows         some rows of a source, by columns, with their numbers
row_source        the Protocol that every source follows
array_texts       an array of numbers as one text
value_texts       how a value of any type is spelled
arrow_columns     the columns of an Arrow schema, and its record batches as rows of text
example_messages  the message types of a tf.Example, without TensorFlow
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.texts.array_texts import ARRAY_WIDTHS, array_of_text
    from lineage_store.texts.text_rows import Kind, TextRows
else:
    __getattr__ = lazily(
        __name__,
        {"array_texts": ("ARRAY_WIDTHS", "array_of_text"), "text_rows": ("Kind", "TextRows")},
    )

__all__ = ["ARRAY_WIDTHS", "Kind", "TextRows", "array_of_text"]
