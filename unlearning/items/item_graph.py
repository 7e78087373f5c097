"""The served graph of every model of items, made once by TensorFlow and shipped as it is.

How such a graph is filled says `shipped_graph`; `build` makes the shipped folder anew (`python -m
unlearning.items.item_graph FOLDER`). It takes histories and recommends to each, in two signatures:

    serving_default(examples: string (n,))   tf.Examples: all values of the feature that is named
                                             as the column of items are one history
    histories(items: string (n, M))          a history in each row; "" is no item

Both return `items` string (n, 10), best first, and "" where there are fewer, and `scores` float32
(n, 10). Items that the model does not know are passed over, and one that is given twice counts
once.

A line of the file is a name and, after a tab, int64 values, each in Base64. The first two lines are
called by names that no item can have in Base64:

    !     how many items are recommended, and of how many parts the scores are
    !!    the bytes of the column's name, in place of values

Then comes a line an item, in the order of their names: for each item in its list, the place of that
one among the items, and its steps. An answer looks up the items that a history holds and those in
their lists, so what it costs does not grow with the number of items.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearning.items.neighbours import STEPS_OF_ONE
from unlearning.serving.shipped_graph import feature_of, table_of, write_signatures

FILE = "items.txt"
SIZES, COLUMN = b"!", b"!!"
ABOVE = 2
"""The lines above those of items."""


def build(folder: Path) -> None:
    """Write the SavedModel without any model's lists; needs TensorFlow."""

    def signatures(tf: Any, tables: Any) -> dict[str, Any]:
        told = _Told(tf, tables)

        def by_example(examples: Any) -> dict[str, Any]:
            values, starts = feature_of(tf, examples, told.column(), tf.string)
            return _answers(tf, told, values, starts)

        def by_history(items: Any) -> dict[str, Any]:
            rows, width = tf.unstack(tf.shape(items, tf.int64))
            starts = tf.range(rows + 1) * width
            return _answers(tf, told, tf.reshape(items, [-1]), starts)

        return {
            "serving_default": tf.function(
                by_example, input_signature=[tf.TensorSpec([None], tf.string, name="examples")]
            ),
            "histories": tf.function(
                by_history, input_signature=[tf.TensorSpec([None, None], tf.string, name="items")]
            ),
        }

    empty = b"".join(name + b"\t\n" for name in (SIZES, COLUMN))
    write_signatures(folder, file=FILE, empty=empty, tables=_tables, signatures=signatures)


def _tables(tf: Any, path: Any) -> list[Any]:
    """Return the tables: lines by names, names by lines, and values by lines."""
    line, name, values = (
        (tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
        *((tf.string, column) for column in (0, 1)),
    )
    return [
        table_of(tf, path, name, line, otherwise=-1),
        table_of(tf, path, line, name, otherwise=""),
        table_of(tf, path, line, values, otherwise=""),
    ]


class _Told:
    """What a model's file says, as tensors, each when it is asked for."""

    def __init__(self, tf: Any, tables: Sequence[Any]) -> None:
        self._tf = tf
        self._lines, self._names, self._values = tables

    def column(self) -> Any:
        """Return the name of the column of items."""
        return self._tf.io.decode_base64(self._values.lookup(self._tf.constant(1, self._tf.int64)))

    def sizes(self) -> Any:
        """Return how many items are recommended, and the number of parts."""
        tf = self._tf
        values = tf.io.decode_base64(self._values.lookup(tf.constant(0, tf.int64)))
        return tf.unstack(tf.io.decode_raw(values, tf.int64)[:2], num=2)

    def places(self, items: Any) -> Any:
        """Return the places of items (n,), below 0 for those that there are not."""
        coded = self._tf.io.encode_base64(items)
        return self._tf.where(items == "", self._tf.constant(-1, self._tf.int64),
                              self._lines.lookup(coded) - ABOVE)  # fmt: skip

    def names(self, places: Any) -> Any:
        """Return the names of the items at places (n,); of one below 0, nothing."""
        coded = self._names.lookup(places + ABOVE)
        return self._tf.io.decode_base64(self._tf.where(places < 0, "", coded))

    def lists(self, places: Any) -> Any:
        """Return what stands in the lists of items at places (n,): places and steps, (m, 2)."""
        tf = self._tf
        each = tf.io.decode_base64(self._values.lookup(places + ABOVE))
        return tf.reshape(tf.io.decode_raw(tf.strings.reduce_join(each), tf.int64), [-1, 2])


def _answers(tf: Any, told: _Told, items: Any, starts: Any) -> dict[str, Any]:
    """Return what is recommended to each history of items; `starts` (n + 1,) bound them."""
    places, (most, parts) = told.places(items), told.sizes()

    def of_one(row: Any) -> Any:
        held = places[starts[row] : starts[row + 1]]
        held, _ = tf.unique(tf.boolean_mask(held, held >= 0))
        listed = told.lists(held)
        new = tf.reduce_all(listed[:, :1] != held[tf.newaxis], axis=1)
        listed = tf.boolean_mask(listed, new)
        listed = tf.gather(listed, tf.argsort(listed[:, 0], stable=True))
        found, which = tf.unique(listed[:, 0])  # in the order of names
        scores = tf.math.unsorted_segment_sum(listed[:, 1], which, tf.size(found))
        count = tf.minimum(tf.cast(most, tf.int32), tf.size(found))
        best, where = tf.math.top_k(scores, count)  # of equal ones the first
        spare = [[0, tf.cast(most, tf.int32) - count]]
        where = tf.pad(tf.gather(found, where), spare, constant_values=-1)
        return tf.pad(best, spare), where

    kinds = (tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.int64))
    rows = tf.range(tf.size(starts, tf.int64) - 1)
    scores, where = tf.map_fn(of_one, rows, fn_output_signature=kinds)
    each = tf.cast(scores, tf.float64) / STEPS_OF_ONE / tf.cast(parts, tf.float64)
    return {"items": told.names(where), "scores": tf.cast(each, tf.float32)}


def main(arguments: Sequence[str]) -> None:
    """Write the shipped folder anew."""
    build(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
