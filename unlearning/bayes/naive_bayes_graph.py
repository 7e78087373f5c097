"""The served graph of every naive Bayes model, made once by TensorFlow and shipped as it is.

How such a graph is filled says `shipped_graph`. `build` makes the shipped folder anew (`python -m
unlearning.bayes.naive_bayes_graph FOLDER`).

The first line of its file is int64 values in this order, with P parts, K classes, N numbers, M
strings and C = N + M columns:

    P K N M rule · N + M + K + 1 ends of names · column of each number (N), of each string (M)
    · for each part: rows of each class (K) · for each part and column: entries, as ends (P C)
    · keys of all entries · rows of all entries by class (entries x K)

The second is the names' bytes in one: numbers, strings, classes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearning.encoding.value_keys import MISSING, SEPARATOR, STEP_BITS
from unlearning.serving.shipped_graph import Taking, line_of, names_in, write_graph

SUMS_FILE = "sums.txt"
RULES = ("mean", "vote")


def build(folder: Path) -> None:
    """Write the SavedModel without any model's sums; needs TensorFlow."""
    write_graph(folder, file=SUMS_FILE, lines=2, read=_Told, answers=_answers)


class _Told:
    """What a model's file says, as tensors; read in the file's order."""

    def __init__(self, tf: Any, table: Any) -> None:
        values = line_of(tf, table, 0, tf.int64)
        self.parts, classes, numbers, strings, self.rule = (values[place] for place in range(5))
        columns = numbers + strings
        take = Taking(tf, values, start=5).take
        names = names_in(tf, line_of(tf, table, 1, tf.string), take(columns + classes + 1))
        self.numbers, self.strings = names[:numbers], names[numbers:columns]
        self.classes = names[columns:]
        self.number_columns, self.string_columns = take(numbers), take(strings)
        self.class_counts = tf.reshape(take(self.parts * classes), [self.parts, classes])
        segments = take(self.parts * columns + 1)
        self.starts = tf.reshape(segments[:-1], [self.parts, columns])
        self.ends = tf.reshape(segments[1:], [self.parts, columns])
        entries = segments[-1]
        self.keys = take(entries)
        self.counts = tf.reshape(take(entries * classes), [entries, classes])


def _answers(tf: Any, told: _Told, numbers: Any, strings: Any) -> dict[str, Any]:
    """Return the probabilities and the likeliest class of each row."""
    of_columns = _keys(tf, told, numbers, strings)

    def part(number: Any) -> Any:
        counts = tf.cast(told.class_counts[number], tf.float64)
        classes = tf.cast(tf.shape(counts)[0], tf.float64)
        prior = tf.math.log(counts + 1.0) - tf.math.log(tf.reduce_sum(counts) + classes)

        def column(place: Any) -> Any:
            start, end = told.starts[number, place], told.ends[number, place]
            keys, wanted = told.keys[start:end], of_columns[place]
            near = tf.searchsorted(keys, wanted, out_type=tf.int64)
            last = tf.maximum(end - start - 1, 0)
            near = tf.minimum(near, last)
            hit = tf.equal(tf.gather(tf.concat([keys, tf.zeros([1], tf.int64)], 0), near), wanted)
            seen = tf.logical_and(hit, end > start)
            table = tf.cast(told.counts[start:end], tf.float64)
            table = tf.concat([table, tf.zeros_like(counts)[tf.newaxis]], 0)
            rows = tf.gather(table, tf.where(seen, near, end - start))
            return tf.math.log(rows + 1.0) - tf.math.log(
                counts + tf.cast(end - start + 1, tf.float64)
            )

        places = tf.range(tf.shape(of_columns, tf.int64)[0])
        each = tf.map_fn(column, places, fn_output_signature=tf.float64)
        return tf.nn.softmax(prior + tf.reduce_sum(each, axis=0), axis=1)

    members = tf.map_fn(part, tf.range(told.parts), fn_output_signature=tf.float64)
    mean = tf.reduce_mean(members, axis=0)
    votes = tf.one_hot(tf.argmax(members, axis=2), tf.shape(members)[2], dtype=tf.float64)
    by_vote = tf.equal(told.rule, RULES.index("vote"))
    outputs = tf.where(by_vote, tf.reduce_mean(votes, axis=0), mean)
    scores = tf.where(by_vote, tf.reduce_sum(votes, axis=0) + mean / 2, mean)
    return {
        "probabilities": tf.cast(outputs, tf.float32),
        "classes": tf.gather(told.classes, tf.argmax(scores, axis=1)),
    }


def _keys(tf: Any, told: _Told, numbers: Any, strings: Any) -> Any:
    """Return the keys of all values, (C, n) int64, in the order of the model's columns."""
    bits = tf.bitcast(numbers + 0.0, tf.int32)
    ordered = tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, 0x7FFFFFFF), bits)
    steps = tf.bitwise.right_shift(ordered, tf.constant(STEP_BITS, tf.int32))
    tokens = tf.where(
        tf.math.is_nan(numbers), MISSING, tf.strings.join(["#", tf.strings.as_string(steps)])
    )
    of_numbers = _fingerprints(tf, told.numbers, tf.transpose(tokens))
    of_strings = _fingerprints(tf, told.strings, tf.strings.join(["=", tf.transpose(strings)]))
    order = tf.argsort(tf.concat([told.number_columns, told.string_columns], 0))
    return tf.gather(tf.concat([of_numbers, of_strings], 0), order)


def _fingerprints(tf: Any, names: Any, tokens: Any) -> Any:
    heads = tf.repeat(names, tf.shape(tokens)[1])
    together = tf.strings.join([heads, SEPARATOR, tf.reshape(tokens, [-1])])
    prints = tf.fingerprint(together, "farmhash64")
    return tf.reshape(tf.bitcast(prints, tf.int64), tf.shape(tokens))


def main(arguments: Sequence[str]) -> None:
    """Write the shipped folder anew."""
    build(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
