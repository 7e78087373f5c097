"""The served graph of every naive Bayes model, made once by TensorFlow and shipped as it is.

All that a model knows stands in one text file among its assets; the graph reads names, columns,
classes and sums from there, so it is the same for all models, and serving one that forgot takes no
TensorFlow: the shipped graph is linked and the file is written. `build` makes the shipped folder
anew (`python -m unlearning.families.naive_bayes_graph FOLDER`).

The file has two lines of web-safe Base64. The first is int64 values, little endian, in this order,
with P parts, K classes, N numbers, M strings and C = N + M columns:

    P K N M rule · N + M + K + 1 ends of names · column of each number (N), of each string (M)
    · for each part: rows of each class (K) · for each part and column: entries, as ends (P C)
    · keys of all entries · rows of all entries by class (entries x K)

The second is the names' bytes in one: numbers, strings, classes. The file is read through a table,
which the loaders of TensorFlow Serving fill as well: a path would be known while loading alone.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearning.encoding.value_keys import MISSING, SEPARATOR, STEP_BITS

SUMS_FILE = "sums.txt"
RULES = ("mean", "vote")


def build(folder: Path) -> None:
    """Write the SavedModel without any model's sums; needs TensorFlow."""
    import tempfile

    import tensorflow as tf

    module = tf.Module()
    folder = folder.absolute()
    with tempfile.TemporaryDirectory() as there:
        os.chdir(there)  # this is a program of its own
        empty = Path(SUMS_FILE)  # its path becomes part of the table's name: no path of a machine
        empty.write_bytes(b"-\n-\n")
        module.asset = tf.saved_model.Asset(str(empty))
        module.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                module.asset.asset_path,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
            ),
            "",
        )
        signatures = {
            "serving_default": tf.function(
                lambda examples: _by_example(tf, module.table, examples),
                input_signature=[tf.TensorSpec([None], tf.string, name="examples")],
            ),
            "columns": tf.function(
                lambda numbers, strings: _by_column(tf, module.table, numbers, strings),
                input_signature=[
                    tf.TensorSpec([None, None], tf.float32, name="numbers"),
                    tf.TensorSpec([None, None], tf.string, name="strings"),
                ],
            ),
        }
        tf.saved_model.save(module, str(folder), signatures=signatures)


class _Told:
    """What a model's file says, as tensors; read in the file's order."""

    def __init__(self, tf: Any, table: Any) -> None:
        values = tf.io.decode_raw(
            tf.io.decode_base64(table.lookup(tf.constant(0, tf.int64))), tf.int64
        )
        blob = tf.io.decode_base64(table.lookup(tf.constant(1, tf.int64)))
        self.parts, classes, numbers, strings, self.rule = (values[place] for place in range(5))
        columns = numbers + strings
        at = tf.constant(5, tf.int64)

        def take(count: Any) -> Any:
            nonlocal at
            found = values[at : at + count]
            at += count
            return found

        ends = take(columns + classes + 1)
        names = tf.strings.substr(
            tf.fill([columns + classes], blob), ends[:-1], ends[1:] - ends[:-1]
        )
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


def _by_example(tf: Any, table: Any, examples: Any) -> dict[str, Any]:
    told = _Told(tf, table)

    def column(name: Any, dtype: Any, missing: Any) -> Any:
        parsed = tf.raw_ops.ParseExampleV2(
            serialized=examples,
            names=tf.zeros([0], tf.string),
            sparse_keys=tf.zeros([0], tf.string),
            dense_keys=tf.zeros([0], tf.string),
            ragged_keys=tf.reshape(name, [1]),
            dense_defaults=[],
            num_sparse=0,
            sparse_types=[],
            ragged_value_types=[dtype],
            ragged_split_types=[tf.int64],
            dense_shapes=[],
        )
        values, splits = parsed.ragged_values[0], parsed.ragged_row_splits[0]
        spare = tf.concat([values, tf.constant([missing], dtype)], axis=0)
        there = splits[1:] > splits[:-1]
        return tf.gather(spare, tf.where(there, splits[:-1], splits[-1]))

    def columns(names: Any, dtype: Any, missing: Any) -> Any:
        each = tf.map_fn(
            lambda name: column(name, dtype, missing), names, fn_output_signature=dtype
        )
        return tf.transpose(tf.reshape(each, [tf.shape(names)[0], tf.shape(examples)[0]]))

    numbers = columns(told.numbers, tf.float32, float("nan"))
    return _answers(tf, told, numbers, columns(told.strings, tf.string, ""))


def _by_column(tf: Any, table: Any, numbers: Any, strings: Any) -> dict[str, Any]:
    return _answers(tf, _Told(tf, table), numbers, strings)


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
