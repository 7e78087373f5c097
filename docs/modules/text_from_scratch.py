"""One column of texts: its words are counted in the first slice, embedded, and convolved."""

import keras
from keras import layers

WORDS, LENGTH = 5000, 80


def build_model(spec):
    vectorize = layers.TextVectorization(
        max_tokens=WORDS, output_sequence_length=LENGTH, name="vectorize"
    )
    model = keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            vectorize,
            layers.Embedding(WORDS, 32),
            layers.Dropout(0.3),
            layers.Conv1D(64, 5, padding="same", activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def adapt(model, rows):
    (tensor,) = model.inputs
    model.get_layer("vectorize").adapt(rows[tensor.name])
