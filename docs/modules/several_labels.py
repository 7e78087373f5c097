"""Several labels told at once: an output for each, with a loss and a weight of its own."""

import keras
from keras import layers


def build_model(spec):
    inputs, parts = [], []
    for column in spec.numbers:
        inputs.append(keras.Input((1,), name=spec.input_name(column)))
        parts.append(layers.Normalization(name=f"scale_{len(inputs)}")(inputs[-1]))
    for column in spec.strings:
        inputs.append(keras.Input((1,), dtype="string", name=spec.input_name(column)))
        hashed = layers.Hashing(64, output_mode="multi_hot")
        parts.append(hashed(inputs[-1]))
    hidden = layers.Dense(32, activation="relu")(layers.Concatenate()(parts))
    hidden = layers.Dropout(0.2)(hidden)
    outputs, losses, weights, metrics = {}, {}, {}, {}
    for label in spec.labels:
        name = label.output_name
        branch = layers.Dense(16, activation="relu")(hidden)
        outputs[name] = layers.Dense(label.outputs, label.activation, name=name)(branch)
        losses[name] = label.loss
        weights[name] = 1.0 if label.task == "classification" else 0.01
        metrics[name] = ["accuracy"] if label.task == "classification" else ["mae"]
    model = keras.Model(inputs, outputs)
    model.compile("adam", losses, loss_weights=weights, metrics=metrics)
    return model


def adapt(model, rows):
    for number, tensor in enumerate(model.inputs, start=1):
        if tensor.dtype != "string":
            model.get_layer(f"scale_{number}").adapt(rows[tensor.name])
