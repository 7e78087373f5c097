"""The same bits, every time: TensorFlow's settings.

One thread a process is used, whatever the machine: with more, some kernels cut their sums
differently. No GPU is used unless one is asked for, and then one alone, without TF32, which rounds
what is multiplied. Keras's settings are those of its configuration file, whatever was set in this
process before: another model's module may have. What else decides bits is fingerprinted:
`code_fingerprint`, `environment`, `devices`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lineage_store.errors import BadInput, NotReproducible
from unlearning.fingerprint.keras_settings import keras_settings

THREADS = 1
CARD = "gpu"  # what the option `device` is called by
LEGACY_KERAS = "TF_USE_LEGACY_KERAS"  # makes `tf.keras` another library: models are of Keras 3


@contextmanager
def _silent_standard_error() -> Iterator[None]:
    """Keep what TensorFlow's libraries say while they load off the terminal.

    From 2.21 on they speak before any setting is read. A failure to load is raised all the same.
    """
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def pin_tensorflow(device: str | None = None) -> None:
    """Set this process's TensorFlow to one thread, deterministic kernels and no GPU, or to one GPU.

    Keras's settings become those of its configuration file. Safe to call again: who does not train,
    and so says no device, leaves a process that is set as it is. Raises NotReproducible if
    TensorFlow already runs with other threads or on another device, BadInput if it sees no GPU and
    is to use one.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.pop(LEGACY_KERAS, None)  # what TFX loads sets it, where it runs
    with _silent_standard_error():
        import keras
        import tensorflow as tf

    threading = tf.config.threading
    cards = tf.config.list_physical_devices("GPU")[:1] if device == CARD else []
    if device == CARD and not cards:
        raise BadInput(
            "TensorFlow sees no graphics card here: install tensorflow[and-cuda], or train with "
            "`device` cpu."
        )
    try:
        if is_new := threading.get_intra_op_parallelism_threads() != THREADS:
            threading.set_intra_op_parallelism_threads(THREADS)
            threading.set_inter_op_parallelism_threads(THREADS)
        decided = is_new or device is not None
        if decided and tf.config.get_visible_devices("GPU") != cards:
            tf.config.set_visible_devices(cards, "GPU")
    except RuntimeError as error:
        raise NotReproducible(
            "TensorFlow was started in this process with other threads than unweave trains with, "
            "or on another device: call unlearning.fingerprint.determinism.pin_tensorflow() before "
            "using TensorFlow."
        ) from error
    if cards:
        tf.config.experimental.enable_tensor_float_32_execution(False)
    tf.config.experimental.enable_op_determinism()
    set_keras(keras.config)


def set_keras(config: Any) -> None:
    """Set Keras in this process to what its configuration file says."""
    wanted = keras_settings()
    config.set_floatx(wanted["floatx"])
    config.set_epsilon(wanted["epsilon"])
    config.set_image_data_format(wanted["image_data_format"])
    config.set_dtype_policy(wanted["floatx"])
