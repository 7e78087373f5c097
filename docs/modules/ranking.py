"""Rows ranked within their groups: of two of one group, the better is to have the higher score."""

import keras
from keras import layers, ops


def targets(labels, spec, groups):
    return ops.stack([labels, ops.cast(groups, "float32")], axis=1)


def pairwise_loss(right, told):
    """Return for each row the sum of log(1 + exp(score of a worse one - its own)) in its group."""
    label, group, score = right[:, 0], right[:, 1], told[:, 0]
    together = ops.equal(group[:, None], group[None, :])
    better = ops.logical_and(together, label[:, None] > label[None, :])
    lost = ops.softplus(score[None, :] - score[:, None])
    return ops.sum(ops.cast(better, "float32") * lost, axis=1)


def build_model(spec):
    inputs, parts = [], []
    for column in spec.numbers:
        inputs.append(keras.Input((1,), name=spec.input_name(column)))
        parts.append(layers.Normalization(name=f"scale_{len(inputs)}")(inputs[-1]))
    for column in spec.strings:
        inputs.append(keras.Input((1,), dtype="string", name=spec.input_name(column)))
        hashed = layers.Hashing(4096)(inputs[-1])
        parts.append(layers.Flatten()(layers.Embedding(4096, 8)(hashed)))
    hidden = layers.Dense(32, activation="relu")(layers.Concatenate()(parts))
    model = keras.Model(inputs, layers.Dense(1)(hidden))
    model.compile("adam", pairwise_loss)
    return model


def adapt(model, rows):
    for number, tensor in enumerate(model.inputs, start=1):
        if tensor.dtype != "string":
            model.get_layer(f"scale_{number}").adapt(rows[tensor.name])
