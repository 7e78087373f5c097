"""Keys of values: how columns and classes are named where nothing may be numbered by appearance.

A key is the 64-bit FarmHash fingerprint of the column's name and the value's token. The token of a
text is "=" and the text; of a number "#" and its step on a public grid; of a number that is missing
"?". The grid is the upper 11 bits of a float32 in numeric order: sign, exponent, and two bits of
the mantissa, so four steps an octave, and no scale is taken from the data. The same keys are
computed in the served graph (`naive_bayes_graph`).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SEPARATOR = "\x1f"
CLASS = "\x1fclass"
MISSING = "?"
STEP_BITS = 21


def key_of(column: str, token: str) -> int:
    """Return the key of one token of a column."""
    import farmhash

    unsigned = int(farmhash.fingerprint64(f"{column}{SEPARATOR}{token}"))
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned


def class_key(name: str) -> int:
    """Return the key of a class by its name."""
    return key_of(CLASS, "=" + name)


def text_keys(texts: Sequence[str], *, column: str) -> npt.NDArray[np.int64]:
    """Return the keys of a column's texts, (n,) int64."""
    known = {text: key_of(column, "=" + text) for text in set(texts)}
    return np.array([known[text] for text in texts], dtype=np.int64)


def grid_steps(numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Return each number's step on the grid, (n,) int32: greater numbers have no smaller steps."""
    bits = (numbers + np.float32(0)).view(np.int32)  # which makes -0.0 the zero that it equals
    ordered: npt.NDArray[np.int32] = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)
    return ordered >> np.int32(STEP_BITS)


def number_keys(numbers: npt.NDArray[np.float32], *, column: str) -> npt.NDArray[np.int64]:
    """Return the keys of a column's numbers, NaN where missing, (n,) int64."""
    missing = np.isnan(numbers)
    steps = np.where(missing, 0, grid_steps(numbers))
    found, place = np.unique(steps, return_inverse=True)
    keys = np.array([key_of(column, f"#{step}") for step in found], dtype=np.int64)
    known = keys[place.reshape(-1)] if len(keys) else np.zeros(0, np.int64)
    return np.where(missing, key_of(column, MISSING), known)
