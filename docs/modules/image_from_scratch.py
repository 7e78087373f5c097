"""Pictures from files, each class in a folder: moved a little at random, and convolved."""

import keras
from keras import layers

SIDE = 8


def build_model(spec):
    pixel = keras.Input((SIDE, SIDE, 1), name="pixel")
    hidden = layers.Rescaling(1 / 255)(pixel)
    hidden = layers.RandomTranslation(0.05, 0.05)(hidden)
    for filters in (16, 32):
        hidden = layers.Conv2D(filters, 3, padding="same", use_bias=False)(hidden)
        hidden = layers.BatchNormalization()(hidden)
        hidden = layers.ReLU()(hidden)
    hidden = layers.GlobalMaxPooling2D()(hidden)
    hidden = layers.Dropout(0.2)(hidden)
    model = keras.Model(pixel, layers.Dense(spec.outputs)(hidden))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    return model
