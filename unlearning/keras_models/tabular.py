"""The built-in model for tables of numbers and strings.

Nothing that it learns before training depends on more than a shard's first slice: numbers are
centred and scaled by that slice's mean and deviation, then compressed (x becomes asinh(x), so that
outliers do not rule), strings are hashed into a fixed number of buckets and embedded. So a deletion
changes no vocabulary, and a scale only in a shard that retrains from its start.
"""

from typing import Any

import keras
import numpy as np

EMBEDDING = 8
UNITS = (64, 32)
LEARNING_RATE = 1e-3


@keras.saving.register_keras_serializable("unweave")
class Scale(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
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


def build_model(spec: Any) -> keras.Model:
    """Build and compile the model: embeddings and scaled numbers into two dense layers."""
    inputs, parts = {}, []
    if spec.numbers:
        width = (len(spec.numbers),)
        inputs["numbers"] = keras.Input(width, name="numbers")
        inputs["missing"] = keras.Input(width, name="missing")
        present = 1.0 - inputs["missing"]
        parts += [Scale(name="scale")(inputs["numbers"]) * present, inputs["missing"]]
    if spec.strings:
        inputs["categories"] = keras.Input((len(spec.strings),), dtype="int32", name="categories")
        embed = keras.layers.Embedding(spec.buckets, EMBEDDING, name="embed")
        parts.append(keras.layers.Flatten()(embed(inputs["categories"])))
    hidden = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    for units in UNITS:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model(inputs, output)
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=spec.loss)
    return model


def adapt(model: keras.Model, numbers: Any, missing: Any, categories: Any) -> None:
    """Set the constants of the numbers' scale from the rows of a shard's first slice."""
    if not numbers.shape[1]:
        return
    values = np.where(missing > 0, np.nan, numbers.astype(np.float64))
    known = np.maximum((missing == 0).sum(axis=0), 1)
    mean = np.nansum(values, axis=0) / known
    deviation = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / known)
    factor = 1.0 / np.where(deviation > 0, deviation, 1.0)
    model.get_layer("scale").set_weights([mean.astype("float32"), factor.astype("float32")])
