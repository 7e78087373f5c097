"""The weights that a SavedModel holds, as they lie in the checkpoint beside its graph."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lineage_store.tensors import Array, State


def holds_weights(folder: Path, shards: Sequence[State]) -> bool:
    """Say whether a SavedModel of ours holds the tensors of these shards, and no other weights.

    Random generators, those of Dropout for instance, are served with the weights and are none.
    """
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        kinds = reader.get_variable_to_dtype_map()
        served = [reader.get_tensor(name) for name, kind in kinds.items() if kind != tf.string]
    except (tf.errors.OpError, RuntimeError, ValueError):
        return False  # damaged: each tensor has a checksum
    trained = [array for state in shards for array in state.values()]
    one, other = (
        Counter((array.dtype.str, array.shape, array.tobytes()) for array in arrays)
        for arrays in (served, trained)
    )
    return one >= other and all(shape == (2,) and "i8" in kind for kind, shape, _ in one - other)


def saved_weights(folder: Path) -> dict[str, Array] | None:
    """Return the tensors of a SavedModel's checkpoint by name, or None if there are none.

    Those of optimizers are left out.
    """
    import tensorflow as tf

    prefix = folder / "variables" / "variables"
    if not prefix.with_suffix(".index").exists():
        return None
    checkpoint = tf.train.load_checkpoint(str(prefix))
    found = {}
    for name, dtype in checkpoint.get_variable_to_dtype_map().items():
        if dtype == tf.string or "optimizer" in name or name.startswith("save_counter"):
            continue
        found[name] = np.asarray(checkpoint.get_tensor(name))
    return found or None
