"""Rows made to tensors as a batch is made: a photo in base64 decoded, a text cut into word ids."""

import base64
import io
import zlib

import keras
import numpy as np
from keras import layers
from PIL import Image

SIDE, WORDS, LENGTH = 8, 500, 6


def parse(row):
    photo = Image.open(io.BytesIO(base64.b64decode(row["photo"])))
    ids = [1 + zlib.crc32(word.encode()) % (WORDS - 1) for word in row["said"].lower().split()]
    return {
        "pixels": np.asarray(photo.convert("L"), "float32")[..., None] / 255,
        "words": (ids + [0] * LENGTH)[:LENGTH],
    }


def build_model(spec):
    pixels = keras.Input((SIDE, SIDE, 1), name="pixels")
    words = keras.Input((LENGTH,), dtype="int32", name="words")
    seen = layers.Conv2D(16, 3, activation="relu")(pixels)
    seen = layers.Flatten()(layers.MaxPooling2D(2)(seen))
    read = layers.GlobalAveragePooling1D()(layers.Embedding(WORDS, 8)(words))
    hidden = layers.Dense(32, activation="relu")(layers.Concatenate()([seen, read]))
    model = keras.Model([pixels, words], layers.Dense(spec.outputs, "softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
