"""How a value of any type is spelled as text: one rule, so that one gate can read every source.

    integers             in decimal
    floats               the shortest decimal that reads back as the same value of its width, as
                         Python writes it (17850.0, 1e+16); NaN is missing, an infinite one 1e999,
                         which is more than a column of numbers keeps
    decimals             exactly, with all their digits and without an exponent
    booleans             True, False, as pandas writes them into a CSV file
    dates                2026-11-29; before the year 1 and after 9999 there is none
    timestamps           2026-11-29T13:05:00.25, without zeros at the end of a fraction; those with
                         a zone in UTC, with Z
    times of a day       13:05:00.25
    texts                as they are
    dictionaries         their values

What is missing is the empty text. Each value is spelled by itself: whether a column has fractions
anywhere, or a value missing, changes no other value's text (law 2). A declared type gives a kind of
column, and nothing else. Columns of other types (bytes, lists, structs, intervals) have no text,
but for lists of numbers, and lists of such lists, as long as one another: these are arrays
(`array_texts`).

Python and NumPy spell floats and timestamps, not Arrow, whose spellings differ between versions.
"""

import datetime
import decimal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.texts.array_texts import array_texts
from lineage_store.texts.text_rows import Kind

ARROWS_UNITS = {(unit, 1) for unit in ("D", "s", "ms", "us", "ns")}
INFINITE = "1e999"
FRACTION = r"\.?0+$"


class NoText(TypeError):
    """A value is of a type that has no form as text; its first word is the type's name.

    Of a list that is no array of numbers a second one says which of the values it is.
    """


@dataclass(frozen=True)
class Spelling:
    """How arrays of some types are spelled: a pyarrow array to one of strings, with its nulls."""

    spell: Callable[[Any], Any]
    kind: Kind


def spelling_of(type_: Any) -> Spelling | None:
    """Return how arrays of a pyarrow type are spelled; None for a type that has no text."""
    from pyarrow import types

    for is_one, spelling in (
        (types.is_integer, Spelling(_cast, "number")),
        (types.is_floating, Spelling(_floats, "number")),
        (types.is_decimal, Spelling(_decimals, "number")),
        (types.is_string, Spelling(_as_it_is, "text")),
        (types.is_large_string, Spelling(_cast, "text")),
        (getattr(types, "is_string_view", _never), Spelling(_cast, "text")),
        (types.is_boolean, Spelling(_booleans, "text")),
        (types.is_date, Spelling(_dates, "date")),
        (types.is_timestamp, Spelling(_timestamps, "date")),
        (types.is_time, Spelling(_times, "text")),
    ):
        if is_one(type_):
            return spelling
    if is_array(type_):
        return Spelling(_arrays, "array")
    if types.is_dictionary(type_) and (
        spelling_of(type_.value_type) or types.is_null(type_.value_type)
    ):
        return Spelling(_decoded, "text")
    return None


def is_array(type_: Any) -> bool:
    """Say whether a pyarrow type is of lists of any length that hold numbers, or such lists."""
    from pyarrow import types

    if not (types.is_list(type_) or types.is_large_list(type_)):
        return False
    inside = type_.value_type
    while types.is_list(inside) or types.is_large_list(inside) or types.is_fixed_size_list(inside):
        inside = inside.value_type
    return bool(types.is_integer(inside) or types.is_floating(inside))


def texts_of_array(array: Any) -> Any:
    """Return a pyarrow array as one of strings without nulls.

    Raises NoText for a type that has no text.
    """
    import pyarrow as pa

    if pa.types.is_null(array.type):
        return pa.array([""] * len(array), pa.string())
    spelling = spelling_of(array.type)
    if spelling is None:
        raise NoText(str(array.type))
    texts = spelling.spell(array)
    return texts.fill_null("") if texts.null_count else texts


def text_of_value(value: Any) -> str:
    """Return the text of one Python or NumPy value, as an array of its type would have it.

    Raises NoText for a type that has no text.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, np.generic):
        return _text_of_scalar(value)
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return ""
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        return "" if value != value else _float(value)
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, datetime.datetime):
        return _timestamp(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time) and value.tzinfo is None:
        return _short(value.isoformat())
    if isinstance(value, uuid.UUID):
        return str(value)
    raise NoText(type(value).__name__)


def from_numpy(values: npt.NDArray[Any]) -> Any:
    """Return a NumPy array (n,) as a pyarrow array; NaN and NaT become null.

    Raises NoText for a dtype that has no text.
    """
    import pyarrow as pa

    if values.dtype.kind not in "biufUM":
        raise NoText(str(values.dtype))
    if values.dtype.kind == "M" and np.datetime_data(values.dtype) not in ARROWS_UNITS:
        values = values.astype("M8[s]")
    return pa.array(values.astype(values.dtype.newbyteorder("=")), from_pandas=True)


def _never(_: Any) -> bool:
    return False


def _as_it_is(array: Any) -> Any:
    return array


def _cast(array: Any) -> Any:
    import pyarrow as pa

    return array.cast(pa.string())


def _decoded(array: Any) -> Any:
    # Spelled before it is repeated: there are fewer values than rows.
    return texts_of_array(array.dictionary).take(array.indices)


def _booleans(array: Any) -> Any:
    import pyarrow.compute as pc

    return pc.if_else(array, "True", "False")


def _floats(array: Any) -> Any:
    import pyarrow as pa

    values = array.to_numpy(zero_copy_only=False)  # what is null is NaN
    if values.dtype != np.float64:
        values = values.astype(np.str_).astype(np.float64)
    missing = np.isnan(values)
    texts = list(map(repr, values.tolist()))
    for place in np.flatnonzero(np.isinf(values)).tolist():
        texts[place] = _float(values[place])
    return pa.array(texts, pa.string(), mask=missing) if missing.any() else pa.array(texts)


def _decimals(array: Any) -> Any:
    import pyarrow as pa

    texts = [None if one is None else _decimal(one) for one in array.to_pylist()]
    return pa.array(texts, pa.string())


def _dates(array: Any) -> Any:
    return _moments(array, "D")


def _timestamps(array: Any) -> Any:
    import pyarrow.compute as pc

    texts = _moments(array, array.type.unit)
    if array.type.unit != "s":
        texts = pc.replace_substring_regex(texts, pattern=FRACTION, replacement="")
    return texts if array.type.tz is None else pc.binary_join_element_wise(texts, "Z", "")


def _times(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pa.int32() if pa.types.is_time32(array.type) else pa.int64()
    unit = str(array.type)[len("time64[") : -1]
    texts = _timestamps(array.view(whole).cast(pa.int64()).view(pa.timestamp(unit)))
    return pc.utf8_slice_codeunits(texts, start=len("1970-01-01T"), stop=1 << 30)


def _arrays(array: Any) -> Any:
    """Return lists of numbers as arrays; raises NoText if any is none, as its lists differ."""
    import pyarrow as pa

    texts = array_texts(array.to_pylist())
    if None in texts:
        raise NoText("list", texts.index(None))
    return pa.array(texts, pa.string())


def _moments(array: Any, unit: str) -> Any:
    """Return dates or timestamps in ISO's form, with as many digits as a unit has."""
    import pyarrow as pa

    whole = pa.int32() if pa.types.is_date32(array.type) else pa.int64()
    counts = array.view(whole).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    stored = "ms" if pa.types.is_date64(array.type) else unit
    moments = counts.view(f"M8[{stored}]").astype(f"M8[{unit}]")
    years = moments.astype("M8[Y]").astype(np.int64) + 1970
    missing = array.is_null().to_numpy(zero_copy_only=False) | (years < 1) | (years > 9999)
    return pa.array(np.datetime_as_string(moments).tolist(), pa.string(), mask=missing)


def _float(value: float) -> str:
    return repr(float(value)).replace("inf", INFINITE)


def _decimal(value: decimal.Decimal) -> str:
    if value.is_nan():
        return ""
    return format(value, "f") if value.is_finite() else _float(float(value))


def _timestamp(value: datetime.datetime) -> str:
    if value.tzinfo is None:
        return _short(value.isoformat())
    return _short(value.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat()) + "Z"


def _short(iso: str) -> str:
    return iso.rstrip("0").removesuffix(".") if "." in iso else iso


def _text_of_scalar(value: Any) -> str:
    if isinstance(value, np.str_):
        return str(value)
    (text,) = texts_of_array(from_numpy(np.array([value]))).to_pylist()
    return str(text)
