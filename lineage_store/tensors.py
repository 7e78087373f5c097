"""Tensors on disk: safetensors files, and digests that do not depend on the file format.

No pickle anywhere. A state is a mapping of names to arrays; names begin with their position, so
that sorting keeps the model's own order.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from lineage_store.canonical import reading_own, write_atomic
from lineage_store.errors import CheckFailed

Array = npt.NDArray[Any]
State = dict[str, Array]

WEIGHTS = "weights/"
LEARNT = f"{WEIGHTS}learnt."
"""The names of what a model learns from rows besides weights: the words of a vocabulary."""


def save_state(path: Path, state: Mapping[str, Array]) -> str:
    """Write a state atomically and return the SHA-256 of the file."""
    data = _as_bytes(state)
    write_atomic(path, data)
    return hashlib.sha256(data).hexdigest()


def state_digest(state: Mapping[str, Array]) -> str:
    """Return the SHA-256 of the file that a state would be written to."""
    return hashlib.sha256(_as_bytes(state)).hexdigest()


def _as_bytes(state: Mapping[str, Array]) -> bytes:
    # Not ascontiguousarray, which gives a scalar a dimension.
    return save({name: np.asarray(array, order="C") for name, array in state.items()})


def load_state(path: Path) -> State:
    """Read a state, its names in sorted order.

    Raises CheckFailed for a file that is damaged, FileGone for one that is not there.
    """
    try:
        with reading_own(path):
            loaded = load_file(path)
    except SafetensorError as error:
        raise CheckFailed(
            f"The file {path.name} of a checkpoint, update or slice of rows is damaged: restore "
            f"the workspace from a backup."
        ) from error
    return {name: loaded[name] for name in sorted(loaded)}


def weights_of(state: Mapping[str, Array]) -> State:
    """Return the weights of a whole training state."""
    return {name: array for name, array in state.items() if name.startswith(WEIGHTS)}


def weights_digest(shards: Iterable[Mapping[str, Array]]) -> str:
    """Return the digest of a model: SHA-256 over its shards' weights in shard order.

    Each tensor gives its position, model-relative name, dtype, shape and little-endian bytes; a
    shard without rows gives none, and is told by its number being skipped.
    """
    total = hashlib.sha256()
    for number, state in enumerate(shards):
        for name in sorted(weights_of(state)):
            array = state[name]
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            head = f"{number}\x1f{name}\x1f{little.dtype.str}\x1f{array.shape}\x1f"
            total.update(head.encode("utf-8"))
            total.update(np.ascontiguousarray(little).tobytes())
    return total.hexdigest()


def first_difference(one: State, other: State) -> str | None:
    """Return the first name whose arrays differ in any bit, or None."""
    for name, array in one.items():
        if name not in other or array.tobytes() != other[name].tobytes():
            return name
    return None


def distance(
    one: Mapping[str, Array], other: Mapping[str, Array], *, names: Iterable[str]
) -> float:
    """Return the Euclidean distance of two states in the named tensors, in float64."""
    squares = 0.0
    for name in names:
        difference = one[name].astype(np.float64) - other[name].astype(np.float64)
        squares += float(np.sum(difference * difference))
    return float(np.sqrt(squares))
