"""An array of numbers as one text: how a column of arrays stands in a table, a cell and a row.

    u1:AAECAwQF:2x3        whole numbers from 0 to 255, a byte each (a picture's pixels)
    f4:AAAAPwAAgD8=:2      any others, as float32 in little-endian order, NaN where one is missing

Between the two signs stand the numbers, row by row, in base64 as URLs have it, and behind them the
shape. The form depends on one array alone (law 2). A table of texts may have arrays as lists in
JSON, `[[0, 1, 2], [3, 4, 5]]`, and they come to the same.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

BYTES, FLOATS = "u1", "f4"
ARRAY_WIDTHS = {BYTES: 1, FLOATS: 4}
"""How many bytes a number takes in each form."""
SPELLED = re.compile(r"(u1|f4):([A-Za-z0-9_=-]+):([1-9]\d*(?:x[1-9]\d*)*)")
Numbers = npt.NDArray[Any]


def array_text(values: Any) -> str | None:
    """Return an array's one text; None if it is no array of finite numbers, or has none."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        return None
    if not array.ndim or not array.size or np.isinf(array).any():
        return None
    with np.errstate(over="ignore"):
        floats = array.astype("<f4")
    if np.isinf(floats).any():
        return None
    whole = bool(np.all((array >= 0) & (array <= 255) & (array == np.floor(array))))
    kind, data = (BYTES, array.astype(np.uint8)) if whole else (FLOATS, floats)
    told = base64.urlsafe_b64encode(np.ascontiguousarray(data).tobytes()).decode("ascii")
    return f"{kind}:{told}:{'x'.join(map(str, array.shape))}"


def array_of_text(text: str) -> Numbers | None:
    """Return the array that a text is, spelled as here or as lists in JSON; None if it is none."""
    found = SPELLED.fullmatch(text)
    if found is None:
        return _of_lists(text)
    kind, told, sizes = found.groups()
    shape = tuple(map(int, sizes.split("x")))
    try:
        data = base64.b64decode(told, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    dtype = np.dtype(np.uint8 if kind == BYTES else "<f4")
    if len(data) != math.prod(shape) * dtype.itemsize:
        return None
    return np.frombuffer(data, dtype).reshape(shape)


def canonical_array(text: str) -> str | None:
    """Return the one spelling of an array; None if a text is none."""
    array = array_of_text(text)
    return None if array is None else array_text(array)


def array_texts(values: Sequence[Any]) -> list[str | None]:
    """Return the texts of arrays, empty for None and for nothing; None for what is no array."""
    return ["" if one is None or not len(one) else array_text(one) for one in values]


def _of_lists(text: str) -> Numbers | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        return np.asarray(json.loads(text), np.float64)
    except (TypeError, ValueError, RecursionError):
        return None
