"""The served graphs of every ridge model, of classes and of values: made once and shipped.

How such a graph is filled says `shipped_graph`; `build` makes the two shipped folders anew
(`python -m unlearning.linear.ridge_graph FOLDER`). The first line of the file is int64 values in
this order, with P parts, K classes (none for values), N numbers, M strings and C = N + M columns:

    P K N M rule · N + M + K + 1 ends of names · column of each number (N), of each string (M)
    · for each part and column: entries, as ends (P C) · keys of all entries

The second is the names' bytes in one: numbers, strings, classes. The third is float64 values, with
L = K, or one for values:

    scales of the numbers (N) and of the label · for each part: intercepts (L), weights of
    numbers (N x L) · weights of all entries (entries x L)
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearning.encoding.value_keys import MISSING, SEPARATOR
from unlearning.linear.grid import LIMIT, STEPS_OF_ONE
from unlearning.linear.ridge_solve import LEAST
from unlearning.serving.shipped_graph import Taking, line_of, names_in, write_graph

FILE = "weights.txt"
RULES = {"classification": ("mean", "vote"), "regression": ("mean", "median")}
GRAPHS = {task: f"ridge_{task}.saved_model" for task in RULES}


def build(folder: Path) -> None:
    """Write the SavedModels without any model's weights; needs TensorFlow."""
    there = folder.absolute()
    for task, answers in (("classification", _classes), ("regression", _values)):
        write_graph(there / GRAPHS[task], file=FILE, lines=3, read=WeightsTold, answers=answers)


class WeightsTold:
    """What a model's file says, as tensors; read in the file's order."""

    def __init__(self, tf: Any, table: Any) -> None:
        values = line_of(tf, table, 0, tf.int64)
        self.parts, classes, numbers, strings, self.rule = (values[place] for place in range(5))
        columns, labels = numbers + strings, tf.maximum(classes, 1)
        take = Taking(tf, values, start=5).take
        names = names_in(tf, line_of(tf, table, 1, tf.string), take(columns + classes + 1))
        self.numbers, self.strings = names[:numbers], names[numbers:columns]
        self.classes = names[columns:]
        self.order = tf.argsort(take(columns))  # to the table's order of columns
        segments = take(self.parts * columns + 1)
        self.starts = tf.reshape(segments[:-1], [self.parts, columns])
        self.ends = tf.reshape(segments[1:], [self.parts, columns])
        entries = segments[-1]
        self.keys = take(entries)
        floats = Taking(tf, line_of(tf, table, 2, tf.float64)).take
        self.scales, self.label_scale = floats(numbers), floats(1)[0]
        parts = tf.reshape(floats(self.parts * (1 + numbers) * labels), [self.parts, -1, labels])
        self.intercepts, self.number_weights = parts[:, 0], parts[:, 1:]
        self.entry_weights = tf.reshape(floats(entries * labels), [entries, labels])


def members_of(tf: Any, told: WeightsTold, numbers: Any, strings: Any) -> Any:
    """Return what each part says of each row, (parts, n, labels) float64."""
    missing = tf.math.is_nan(numbers)
    exact = tf.cast(tf.where(missing, tf.zeros_like(numbers), numbers), tf.float64)
    steps = tf.round(exact / told.scales * STEPS_OF_ONE)
    steps = tf.clip_by_value(steps, -float(LIMIT), float(LIMIT))
    there = tf.concat([missing, tf.ones_like(strings, tf.bool)], axis=1)
    none = tf.fill(tf.shape(numbers), MISSING)
    tokens = tf.concat([none, tf.strings.join(["=", strings])], axis=1)
    names = tf.broadcast_to(tf.concat([told.numbers, told.strings], 0), tf.shape(tokens))
    together = tf.strings.join([names, tf.constant(SEPARATOR), tokens])
    prints = tf.fingerprint(tf.reshape(together, [-1]), "farmhash64")
    keys = tf.reshape(tf.bitcast(prints, tf.int64), tf.shape(tokens))
    keys, there = (tf.transpose(tf.gather(one, told.order, axis=1)) for one in (keys, there))

    def part(number: Any) -> Any:
        def column(place: Any) -> Any:
            start, end = told.starts[number, place], told.ends[number, place]
            known, wanted = told.keys[start:end], keys[place]
            near = tf.searchsorted(known, wanted, out_type=tf.int64)
            near = tf.minimum(near, tf.maximum(end - start - 1, 0))
            known = tf.concat([known, tf.zeros([1], tf.int64)], 0)
            hit = tf.equal(tf.gather(known, near), wanted) & there[place] & (end > start)
            weights = told.entry_weights[start:end]
            weights = tf.concat([weights, tf.zeros_like(told.intercepts[:1])], 0)
            return tf.gather(weights, tf.where(hit, near, end - start))

        places = tf.range(tf.shape(keys, tf.int64)[0])
        entries = tf.map_fn(column, places, fn_output_signature=tf.float64)
        by_number = tf.matmul(steps, told.number_weights[number])
        return told.intercepts[number] + by_number + tf.reduce_sum(entries, axis=0)

    return tf.map_fn(part, tf.range(told.parts), fn_output_signature=tf.float64)


def _classes(tf: Any, told: WeightsTold, numbers: Any, strings: Any) -> dict[str, Any]:
    """Return the shares and the likeliest class of each row."""
    cut = tf.maximum(members_of(tf, told, numbers, strings), tf.constant(LEAST, tf.float64))
    return aggregated(tf, told, cut / tf.reduce_sum(cut, axis=2, keepdims=True))


def aggregated(tf: Any, told: WeightsTold, members: Any) -> dict[str, Any]:
    """Return what parts that tell shares (parts, n, classes) answer together."""
    mean = tf.reduce_mean(members, axis=0)
    votes = tf.one_hot(tf.argmax(members, axis=2), tf.shape(members)[2], dtype=tf.float64)
    by_vote = tf.equal(told.rule, RULES["classification"].index("vote"))
    outputs = tf.where(by_vote, tf.reduce_mean(votes, axis=0), mean)
    scores = tf.where(by_vote, tf.reduce_sum(votes, axis=0) + mean / 2, mean)
    return {
        "probabilities": tf.cast(outputs, tf.float32),
        "classes": tf.gather(told.classes, tf.argmax(scores, axis=1)),
    }


def _values(tf: Any, told: WeightsTold, numbers: Any, strings: Any) -> dict[str, Any]:
    """Return the value of each row."""
    steps = members_of(tf, told, numbers, strings)[:, :, 0]
    members = steps / STEPS_OF_ONE * told.label_scale
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
