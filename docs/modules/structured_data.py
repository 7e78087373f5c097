"""A table of numbers and strings: scaled, looked up and embedded; one probability out."""

import keras
from keras import layers


def build_model(spec):
    inputs, parts = [], []
    for column in spec.numbers:
        number = keras.Input((1,), name=spec.input_name(column))
        inputs.append(number)
        parts.append(layers.Normalization(name=f"scale_{len(inputs)}")(number))
    for column in spec.strings:
        text = keras.Input((1,), dtype="string", name=spec.input_name(column))
        inputs.append(text)
        lookup = layers.StringLookup(
            max_tokens=60,
            output_mode="multi_hot",
            pad_to_max_tokens=True,
            name=f"known_{len(inputs)}",
        )
        parts.append(lookup(text))
    hidden = layers.Concatenate()(parts)
    hidden = layers.Dense(32, activation="relu")(hidden)
    hidden = layers.Dropout(0.3)(hidden)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def adapt(model, rows):
    for number, tensor in enumerate(model.inputs, start=1):
        kind = "known" if tensor.dtype == "string" else "scale"
        model.get_layer(f"{kind}_{number}").adapt(rows[tensor.name])
