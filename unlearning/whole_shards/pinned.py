"""This process computes as every other does, for code of anybody's that trains in it.

As `fingerprint.determinism`, but for the Keras that such code takes: TensorFlow Transform chooses
the older one for all of TFX, and here it is left to choose as it would without unweave. All
generators are seeded by the shard: Python's, NumPy's and TensorFlow's, of which both Keras draw.
"""

import os
import random

from unlearning.fingerprint.determinism import THREADS

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def pin_whole(seed: int) -> None:
    """Set one thread, deterministic kernels, no GPU, and all seeds; before anything is computed."""
    import numpy as np
    import tensorflow as tf
    import tensorflow_transform  # noqa: F401  # chooses Keras

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    tf.config.set_visible_devices([], "GPU")
    tf.config.experimental.enable_op_determinism()
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)


def pinned_variables(hash_seed: int) -> dict[str, str]:
    """Return the variables that a process must be started with."""
    return {
        **os.environ,
        "PYTHONHASHSEED": str(hash_seed),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),
        **dict.fromkeys(THREAD_VARIABLES, str(THREADS)),
    }
