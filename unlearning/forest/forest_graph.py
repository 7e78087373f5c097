"""The served graphs of every forest, of classes and of values: made once and shipped.

How such a graph is filled says `shipped_graph`; `build` makes the two shipped folders anew
(`python -m unlearning.forest.forest_graph FOLDER`). The first line of the file is int64 values in
this order, with P parts, K classes (none for values), N numbers, M strings and T trees that hold
rows:

    P K N M rule T · N + M + K + 1 ends of names · P + 1 ends of parts in trees · roots of trees (T)

The second is the names' bytes in one: numbers, strings, classes. Then come the nodes of all trees,
one after another: as int32 values the feature that each splits by, numbers before strings, or -1,
and its right child, or a leaf's number; as int64 values their thresholds. The last is float64
values: the answers of all leaves, shares of classes or one value each.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearning.encoding.value_keys import SEPARATOR
from unlearning.forest.forest_rows import MISSING
from unlearning.serving.shipped_graph import Taking, line_of, names_in, write_graph

FILE = "trees.txt"
RULES = {"classification": ("mean", "vote"), "regression": ("mean", "median")}
GRAPHS = {task: f"forest_{task}.saved_model" for task in RULES}


def build(folder: Path) -> None:
    """Write the SavedModels without any model's trees; needs TensorFlow."""
    there = folder.absolute()
    for task, answers in (("classification", _classes), ("regression", _values)):
        write_graph(there / GRAPHS[task], file=FILE, lines=5, read=_Told, answers=answers)


class _Told:
    """What a model's file says, as tensors; read in the file's order."""

    def __init__(self, tf: Any, table: Any) -> None:
        values = line_of(tf, table, 0, tf.int64)
        self.parts, classes, numbers, strings, self.rule, trees = (
            values[place] for place in range(6)
        )
        columns = numbers + strings
        take = Taking(tf, values, start=6).take
        names = names_in(tf, line_of(tf, table, 1, tf.string), take(columns + classes + 1))
        self.numbers, self.strings = names[:numbers], names[numbers:columns]
        self.classes = names[columns:]
        self.ends, self.roots = take(self.parts + 1), take(trees)
        nodes = tf.reshape(line_of(tf, table, 2, tf.int32), [2, -1])
        self.feature, self.after = (tf.cast(nodes[place], tf.int64) for place in range(2))
        self.threshold = line_of(tf, table, 3, tf.int64)
        answers = line_of(tf, table, 4, tf.float64)
        self.answers = tf.reshape(answers, [-1, tf.maximum(classes, 1)])


def _features(tf: Any, told: _Told, numbers: Any, strings: Any) -> Any:
    """Return rows as trees compare them, (n, N + M) int64."""
    zeros = tf.zeros_like(numbers)
    bits = tf.bitcast(tf.where(tf.equal(numbers, zeros), zeros, numbers), tf.int32)
    ordered = tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, 0x7FFFFFFF), bits)
    missing = tf.constant(MISSING, tf.int64)
    whole = tf.where(tf.math.is_nan(numbers), missing, tf.cast(ordered, tf.int64))
    names = tf.broadcast_to(told.strings, tf.shape(strings))
    together = tf.strings.join([names, tf.constant(SEPARATOR + "="), strings])
    prints = tf.fingerprint(tf.reshape(together, [-1]), "farmhash64")
    keys = tf.reshape(tf.bitcast(prints, tf.int64), tf.shape(strings))
    return tf.concat([whole, keys], axis=1)


def _members(tf: Any, told: _Told, numbers: Any, strings: Any) -> Any:
    """Return what each part says of each row, (parts, n, answers) float64."""
    features = _features(tf, told, numbers, strings)
    rows, width = tf.shape(features, tf.int64)[0], tf.shape(features, tf.int64)[1]
    flat, first = tf.reshape(features, [-1]), tf.range(rows) * width
    texts = tf.shape(numbers, tf.int64)[1]

    def walk(at: Any) -> tuple[Any]:
        feature = tf.gather(told.feature, at)
        value = tf.gather(flat, first + tf.maximum(feature, 0))
        threshold = tf.gather(told.threshold, at)
        left = tf.where(feature >= texts, tf.equal(value, threshold), value <= threshold)
        below = tf.where(left, at + 1, tf.gather(told.after, at))
        return (tf.where(feature < 0, at, below),)

    def tree(number: Any, total: Any) -> tuple[Any, Any]:
        (at,) = tf.while_loop(
            lambda at: tf.reduce_any(tf.gather(told.feature, at) >= 0),
            walk,
            (tf.fill([rows], told.roots[number]),),
        )
        return number + 1, total + tf.gather(told.answers, tf.gather(told.after, at))

    def part(number: Any) -> Any:
        start, end = told.ends[number], told.ends[number + 1]
        classes = tf.shape(told.answers, tf.int64)[1]
        _, total = tf.while_loop(
            lambda one, total: one < end, tree, (start, tf.zeros([rows, classes], tf.float64))
        )
        alike = tf.where(tf.size(told.classes) > 0, 1 / classes, tf.zeros([], tf.float64))
        trees = tf.cast(end - start, tf.float64)
        return tf.where(end > start, total / tf.maximum(trees, 1), tf.zeros_like(total) + alike)

    return tf.map_fn(part, tf.range(told.parts), fn_output_signature=tf.float64)


def _classes(tf: Any, told: _Told, numbers: Any, strings: Any) -> dict[str, Any]:
    """Return the shares and the likeliest class of each row."""
    members = _members(tf, told, numbers, strings)
    mean = tf.reduce_mean(members, axis=0)
    votes = tf.one_hot(tf.argmax(members, axis=2), tf.shape(members)[2], dtype=tf.float64)
    by_vote = tf.equal(told.rule, RULES["classification"].index("vote"))
    outputs = tf.where(by_vote, tf.reduce_mean(votes, axis=0), mean)
    scores = tf.where(by_vote, tf.reduce_sum(votes, axis=0) + mean / 2, mean)
    return {
        "probabilities": tf.cast(outputs, tf.float32),
        "classes": tf.gather(told.classes, tf.argmax(scores, axis=1)),
    }


def _values(tf: Any, told: _Told, numbers: Any, strings: Any) -> dict[str, Any]:
    """Return the value of each row."""
    members = _members(tf, told, numbers, strings)[:, :, 0]
    ordered, count = tf.sort(members, axis=0), tf.shape(members)[0]
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    by_median = tf.equal(told.rule, RULES["regression"].index("median"))
    values = tf.where(by_median, middle, tf.reduce_mean(members, axis=0))
    return {"values": tf.cast(values, tf.float32)}


def main(arguments: Sequence[str]) -> None:
    """Write the shipped folders anew."""
    build(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
