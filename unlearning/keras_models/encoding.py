"""The fixed encoding of columns: the same for training and for the served model.

A number is float32, its absence a mask. A string is hashed, with its column's name in front, into
one of a fixed number of buckets (FarmHash, as TensorFlow computes it): no vocabulary, so nothing
is learnt here, and a deletion changes nothing.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.texts import ARRAY_WIDTHS

SEPARATOR = "\x1f"
SIGN = 3
"""The letters before an array's numbers."""


def bucket_ids(strings: Any, *, columns: Sequence[str], buckets: int) -> Any:
    """Hash strings (a tensor of shape (n, M), one column a name) into int32 buckets."""
    import tensorflow as tf

    strings = tf.convert_to_tensor(strings)
    named = [
        tf.strings.join([column + SEPARATOR, strings[:, place]])
        for place, column in enumerate(columns)
    ]
    hashed = tf.strings.to_hash_bucket_fast(tf.stack(named, axis=1), buckets)
    return tf.cast(hashed, tf.int32)


def encode_strings(
    values: npt.NDArray[Any], *, columns: Sequence[str], buckets: int
) -> npt.NDArray[np.int32]:
    """Hash rows of strings (n, M) into an array of that shape."""
    if not columns or not len(values):
        return np.zeros((len(values), len(columns)), np.int32)
    hashed: npt.NDArray[np.int32] = bucket_ids(values, columns=columns, buckets=buckets).numpy()
    return hashed


def model_inputs(numbers: Any, categories: Any, *, wanted: Sequence[str]) -> dict[str, Any]:
    """Return the inputs a model wants, from numbers with NaN where missing and hash buckets.

    Takes NumPy arrays or tensors, shapes (n, N) and (n, M).
    """
    import tensorflow as tf

    missing = tf.math.is_nan(numbers)
    made = {
        "numbers": tf.where(missing, tf.zeros_like(numbers), numbers),
        "missing": tf.cast(missing, tf.float32),
        "categories": categories,
    }
    return {name: made[name] for name in wanted}


def numbers_of_arrays(texts: Any, size: int, *, column: str) -> Any:
    """Return the numbers (n, size) float32 of arrays as `array_texts` spells them, NaN if missing.

    An array of another size ends the graph with an error that names the column.
    """
    import tensorflow as tf

    kinds = tf.strings.substr(texts, 0, SIGN)
    places, numbers = [tf.where(tf.equal(texts, ""))[:, 0]], []
    numbers.append(tf.fill([tf.size(places[0]), size], tf.constant(float("nan"))))
    for kind, width in ARRAY_WIDTHS.items():
        here = tf.where(tf.equal(kinds, f"{kind}:"))[:, 0]
        some, length = tf.gather(texts, here), 4 * math.ceil(size * width / 3)
        ends = tf.strings.substr(some, SIGN + length, 1)  # behind it stands the shape
        told = [f"an array of the column {column!r} has not the {size} numbers of its input"]
        fits = tf.debugging.Assert(tf.reduce_all(tf.equal(ends, ":")), told)
        with tf.control_dependencies([fits]):
            data = tf.io.decode_base64(tf.strings.substr(some, SIGN, length))
        whole = tf.reduce_all(tf.equal(tf.strings.length(data), size * width))
        with tf.control_dependencies([tf.debugging.Assert(whole, told)]):
            read = tf.io.decode_raw(data, tf.uint8 if width == 1 else tf.float32)
        places.append(here)
        numbers.append(tf.cast(tf.reshape(read, (-1, size)), tf.float32))
    return tf.dynamic_stitch([tf.cast(one, tf.int32) for one in places], numbers)


def first_values(columns: Sequence[Any], missing: Any) -> Any:
    """Return the first values of ragged columns as (n, M), `missing` where a row has none.

    A tf.Example may say that a value is missing by an absent feature or by one without values.
    All columns are read by a few operations together: some for each would make a served graph of
    hundreds of columns slow to write and to load.
    """
    import tensorflow as tf

    splits = tf.stack([column.row_splits for column in columns])
    starts, ends, sizes = splits[:, :-1], splits[:, 1:], splits[:, -1]
    spare = tf.constant([missing], columns[0].dtype)
    values = tf.concat([*(column.values for column in columns), spare], axis=0)
    before = tf.cumsum(sizes, exclusive=True)
    places = tf.where(ends > starts, starts + before[:, tf.newaxis], tf.reduce_sum(sizes))
    return tf.transpose(tf.gather(values, places))
