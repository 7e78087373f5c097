"""The built-in model for tables of numbers and strings.

Its source is copied into the ledger of every model that it makes, as that of a user's module is: so
a model keeps the rule by which it was trained, whatever becomes of this file. (`tabular` is the one
before it, which ledgers of earlier versions do not hold.)

Nothing that it learns before training depends on more than a shard's first slice: numbers and, in
a regression, the label are centred and scaled by that slice's mean and deviation. Numbers are then
compressed (x becomes asinh(x), so that outliers do not rule), and read a second time, piece by
piece between that slice's quantiles (Gorishniy et al. 2022, "On Embeddings for Numerical Features
in Tabular Deep Learning", equation 1), since what they mean may rise and fall. Strings are hashed
into a fixed number of buckets and embedded. So a deletion changes no vocabulary, and a scale only
in a shard that retrains from its start.

A column of words is read a second time, word by word: in small letters, without what is neither
letter nor digit, each hashed into one of more buckets, their embeddings added up and divided by the
root of their number. Nothing is learnt over rows there either: there is no vocabulary.

The learning rate and the dropout behind the embeddings were chosen by measurement (`benchmarks
builtin-model`): small tables take too few steps at a lower rate, and without the dropout codes of
people are learnt by heart. So would be text that no two rows share, which is left out.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

BINS, OF_ALL_COLUMNS, ROWS_OF_A_BIN = 16, 512, 128
EMBEDDING = 8
WORDS = 16384
UNITS = (64, 32)
DROPPED = 0.2
UNIQUE = 0.9
LEARNING_RATE = 3e-3


class ScaledNumbers(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Centres and scales numbers by constants that `adapt` sets, and compresses them by asinh."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the constants: the shard's weights, though no step changes them."""
        width = (shape[-1],)
        self.mean = self.add_weight(name="mean", shape=width, initializer="zeros", trainable=False)
        self.factor = self.add_weight(
            name="factor", shape=width, initializer="ones", trainable=False
        )

    def call(self, numbers: Any) -> Any:
        """Scale a batch of numbers, shape kept."""
        return keras.ops.arcsinh((numbers - self.mean) * self.factor)


class Bins(keras.layers.Layer):  # type: ignore[misc]
    """Reads each number in bins, whose edges `adapt` sets: 0 below one, 1 above, between within."""

    def __init__(self, count: int, *, name: str) -> None:
        super().__init__(name=name)
        self.count = count

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the constants: a bin that is not set is always 0."""
        width = (shape[-1], self.count)
        self.low = self.add_weight(name="low", shape=width, initializer="zeros", trainable=False)
        self.factor = self.add_weight(
            name="factor", shape=width, initializer="zeros", trainable=False
        )

    def call(self, numbers: Any) -> Any:
        """Return the numbers (n, columns) in bins: (n, columns, count)."""
        return keras.ops.clip((numbers[:, :, None] - self.low) * self.factor, 0.0, 1.0)


class KeptColumns(keras.layers.Layer):  # type: ignore[misc]
    """Passes the embeddings of columns on, but for those that `adapt` leaves out."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the constants: 1 for a column that is kept."""
        self.kept = self.add_weight(
            name="kept", shape=(shape[1], 1), initializer="ones", trainable=False
        )

    def call(self, embedded: Any) -> Any:
        """Return the embeddings (n, columns, width), zeros for columns that are left out."""
        return embedded * self.kept


class Words(keras.layers.Layer):  # type: ignore[misc]
    """Reads texts (n, 1) word by word: (n, EMBEDDING)."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the embeddings of words by their hashes."""
        self.embeddings = self.add_weight(
            name="embeddings", shape=(WORDS, EMBEDDING), initializer="uniform"
        )

    def call(self, texts: Any) -> Any:
        """Return the sums of embeddings, over the roots of their numbers; of no word zeros."""
        small = tf.strings.lower(texts[:, 0], encoding="utf-8")
        words = tf.strings.split(tf.strings.regex_replace(small, r"[^\pL\pN]+", " "))
        hashes = tf.strings.to_hash_bucket_fast(words.values, WORDS)
        sums = tf.math.unsorted_segment_sum(
            tf.gather(self.embeddings, hashes), words.value_rowids(), words.nrows()
        )
        count = tf.cast(words.row_lengths(), sums.dtype)[:, tf.newaxis]
        return sums / tf.sqrt(tf.maximum(count, 1.0))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the sums."""
        return (shape[0], EMBEDDING)


class Value(keras.layers.Dense):  # type: ignore[misc]
    """A value in the units of the label, whose mean and deviation `adapt_to_labels` sets."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the constants besides the weights."""
        super().build(shape)
        self.mean = self.add_weight(name="mean", shape=(), initializer="zeros", trainable=False)
        self.deviation = self.add_weight(
            name="deviation", shape=(), initializer="ones", trainable=False
        )

    def call(self, hidden: Any) -> Any:
        """Return the values (n, 1)."""
        return super().call(hidden) * self.deviation + self.mean

    def loss(self, labels: Any, values: Any) -> Any:
        """Return the squared errors (n,), in deviations: a step is the same on any scale."""
        return keras.ops.mean(keras.ops.square((labels - values) / self.deviation), axis=-1)


def build_model(spec: Any) -> keras.Model:
    """Build and compile the model: embeddings and scaled numbers into two dense layers."""
    inputs, parts = {}, []
    if spec.numbers:
        width = (len(spec.numbers),)
        inputs["numbers"] = keras.Input(width, name="numbers")
        inputs["missing"] = keras.Input(width, name="missing")
        present = 1.0 - inputs["missing"]
        parts += [ScaledNumbers(name="scale")(inputs["numbers"]) * present, inputs["missing"]]
        count = max(1, min(BINS, OF_ALL_COLUMNS // len(spec.numbers)))
        bins = Bins(count, name="bins")(inputs["numbers"]) * present[:, :, None]
        parts.append(keras.layers.Flatten()(bins))
    if spec.strings:
        inputs["categories"] = keras.Input((len(spec.strings),), dtype="int32", name="categories")
        embed = keras.layers.Embedding(spec.buckets, EMBEDDING, name="embed")
        embedded = KeptColumns(name="kept")(embed(inputs["categories"]))
        parts.append(keras.layers.Dropout(DROPPED)(keras.layers.Flatten()(embedded)))
    for number, column in enumerate(spec.words):
        name = spec.input_name(column)
        inputs[name] = keras.Input((1,), dtype="string", name=name)
        summed = Words(name=f"words_{number}")(inputs[name])
        parts.append(keras.layers.Dropout(DROPPED)(summed))
    hidden = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    for units in UNITS:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    if spec.task == "regression":
        last = Value(spec.outputs, name="value")
        loss = last.loss
    else:
        last, loss = keras.layers.Dense(spec.outputs, activation=spec.activation), spec.loss
    model = keras.Model(inputs, last(hidden))
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=loss)
    return model


def adapt(model: keras.Model, numbers: Any, missing: Any, categories: Any) -> None:
    """Set scales and bins of numbers, and which strings count, from a shard's first slice."""
    if categories.shape[1]:
        kept = model.get_layer("kept").kept
        buckets = model.get_layer("embed").input_dim
        told = [[not nearly_unique(column, buckets)] for column in categories.T]
        kept.assign(np.array(told, dtype=np.float32))
    if not numbers.shape[1]:
        return
    values = np.where(missing > 0, np.nan, numbers.astype(np.float64))
    known = np.maximum((missing == 0).sum(axis=0), 1)
    mean = np.nansum(values, axis=0) / known
    deviation = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / known)
    factor = 1.0 / np.where(deviation > 0, deviation, 1.0)
    bins = model.get_layer("bins")
    low, factors = edges(values, bins.count)
    bins.low.assign(low.astype("float32"))
    bins.factor.assign(np.minimum(factors, 1e30).astype("float32"))
    scale = model.get_layer("scale")
    scale.mean.assign(mean.astype("float32"))
    scale.factor.assign(factor.astype("float32"))


def edges(values: Any, count: int) -> tuple[Any, Any]:
    """Return where the bins of columns (n, columns) begin, and 1 / their widths: (columns, count).

    They lie between quantiles, at most `count` and one for every 128 rows; the others are 0, and so
    are those that begin where they end.
    """
    low = np.zeros((values.shape[1], count))
    factor = np.zeros_like(low)
    told = min(count, len(values) // ROWS_OF_A_BIN)
    for place, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if told and len(known):
            quantiles = np.quantile(known, np.linspace(0, 1, told + 1))
            width = np.diff(quantiles)
            low[place, :told] = quantiles[:-1]
            factor[place, :told] = np.divide(1, width, out=np.zeros(told), where=width > 0)
    return low, factor


def nearly_unique(column: Any, buckets: int) -> bool:
    """Say whether the strings of a column (n,) are nearly as many as its rows: free text, or ids.

    All different strings would fall into buckets (1 - exp(-n / buckets)) buckets. Beyond four rows
    a bucket nobody could tell them from codes, and none is learnt by heart.
    """
    rows = len(column)
    expected = buckets * -np.expm1(-rows / buckets)
    return rows <= 4 * buckets and len(np.unique(column)) > UNIQUE * expected


def adapt_to_labels(model: keras.Model, labels: Any) -> None:
    """Set the constants of the label's scale from the labels of a shard's first slice."""
    if model.layers[-1].name != "value":
        return
    values = labels.astype(np.float64)
    deviation = float(values.std())
    value = model.get_layer("value")
    value.mean.assign(np.float32(values.mean()))
    value.deviation.assign(np.float32(deviation if deviation > 0 else 1.0))
