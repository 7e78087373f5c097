"""The served graph of every model of items, made once by TensorFlow and shipped as it is.

How such a graph is filled says `shipped_graph`; `build` makes the shipped folder anew (`python -m
unlearning.items.item_graph FOLDER`). It takes histories and recommends to each, in two signatures:

    serving_default(examples: string (n,))   tf.Examples: all values of the feature that is named
                                             as the column of items are one history
    histories(items: string (n, M))          a history in each row; "" is no item

Both return `items` string (n, 10), best first, and "" where there are fewer, and `scores` float32
(n, 10). Items that the model does not know are passed over, and one that is given twice counts
once.

The first line of the file is int64 values in this order, with I items, E entries of lists, and P
parts:

    I N P · I + 2 ends of names · fingerprints of items, sorted (I), and whose they are (I)
    · ends of lists (I + 1) · others (E) · steps (E)

The second is the names' bytes in one: items, and the column.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearning.items.neighbours import STEPS_OF_ONE
from unlearning.serving.shipped_graph import (
    Taking,
    feature_of,
    line_of,
    names_in,
    write_signatures,
)

FILE = "items.txt"


def build(folder: Path) -> None:
    """Write the SavedModel without any model's lists; needs TensorFlow."""

    def signatures(tf: Any, table: Any) -> dict[str, Any]:
        def by_example(examples: Any) -> dict[str, Any]:
            told = _Told(tf, table)
            values, starts = feature_of(tf, examples, told.column, tf.string)
            return _answers(tf, told, values, starts)

        def by_history(items: Any) -> dict[str, Any]:
            rows, width = tf.unstack(tf.shape(items, tf.int64))
            starts = tf.range(rows + 1) * width
            return _answers(tf, _Told(tf, table), tf.reshape(items, [-1]), starts)

        return {
            "serving_default": tf.function(
                by_example, input_signature=[tf.TensorSpec([None], tf.string, name="examples")]
            ),
            "histories": tf.function(
                by_history, input_signature=[tf.TensorSpec([None, None], tf.string, name="items")]
            ),
        }

    write_signatures(folder, file=FILE, lines=2, signatures=signatures)


class _Told:
    """What a model's file says, as tensors; read in the file's order."""

    def __init__(self, tf: Any, table: Any) -> None:
        values = line_of(tf, table, 0, tf.int64)
        self.count, self.told, self.parts = (values[place] for place in range(3))
        take = Taking(tf, values, start=3).take
        names = names_in(tf, line_of(tf, table, 1, tf.string), take(self.count + 2))
        self.names, self.column = names[:-1], names[-1]
        self.prints, self.whose = take(self.count), take(self.count)
        ends = take(self.count + 1)
        self.starts, self.ends = ends[:-1], ends[1:]
        self.others, self.steps = take(ends[-1]), take(ends[-1])


def _answers(tf: Any, told: _Told, items: Any, starts: Any) -> dict[str, Any]:
    """Return what is recommended to each history of items; `starts` (n + 1,) bound them."""
    places = _places(tf, told, items)

    def of_one(row: Any) -> Any:
        held = places[starts[row] : starts[row + 1]]
        held, _ = tf.unique(tf.boolean_mask(held, held >= 0))
        spans = tf.ragged.range(tf.gather(told.starts, held), tf.gather(told.ends, held)).values
        scores = tf.math.unsorted_segment_sum(
            tf.gather(told.steps, spans), tf.gather(told.others, spans), told.count
        )
        scores = tf.tensor_scatter_nd_update(scores, held[:, tf.newaxis], tf.zeros_like(held))
        most = tf.cast(tf.minimum(told.told, told.count), tf.int32)
        best, where = tf.math.top_k(scores, most)  # of equal ones the first
        spare = tf.cast(told.told, tf.int32) - most
        return tf.pad(best, [[0, spare]]), tf.pad(tf.cast(where, tf.int64), [[0, spare]])

    kinds = (tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.int64))
    rows = tf.range(tf.size(starts, tf.int64) - 1)
    scores, where = tf.map_fn(of_one, rows, fn_output_signature=kinds)
    names = tf.gather(tf.concat([told.names, [""]], 0), where)
    each = tf.cast(scores, tf.float64) / STEPS_OF_ONE / tf.cast(told.parts, tf.float64)
    return {
        "items": tf.where(scores > 0, names, tf.zeros_like(names)),
        "scores": tf.cast(each, tf.float32),
    }


def _places(tf: Any, told: _Told, items: Any) -> Any:
    """Return the places of items (n,) among the model's, or -1."""
    wanted = tf.bitcast(tf.fingerprint(items, "farmhash64"), tf.int64)
    near = tf.searchsorted(told.prints, tf.reshape(wanted, [-1]), out_type=tf.int64)
    near = tf.minimum(near, tf.maximum(told.count - 1, 0))
    place = tf.gather(tf.concat([told.whose, [0]], 0), near)
    name = tf.gather(tf.concat([told.names, [""]], 0), place)
    hit = tf.equal(name, items) & tf.not_equal(items, "")
    return tf.where(hit, place, -tf.ones_like(place))


def main(arguments: Sequence[str]) -> None:
    """Write the shipped folder anew."""
    build(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
