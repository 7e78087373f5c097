"""Tables of any types, values and nulls that have a form as text, for hypothesis."""

import datetime
import decimal

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=6)
ZONES = [None, "UTC", "Europe/Berlin", "+05:30"]


def integers(bits, *, signed):
    """Whole numbers of so many bits."""
    low = -(1 << (bits - 1)) if signed else 0
    return st.integers(low, (1 << (bits - signed)) - 1)


def moments(unit):
    """Counts of a unit of time, from year 1 to 9999 or as far as 64 bits go."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    low, high = -62135596800 * per_second, 253402300799 * per_second
    return st.integers(max(low, -(2**63) + 1), min(high, 2**63 - 1))


def plain_columns():
    """(type, values) of a column: one type each that has a form as text."""
    found = [
        (pa.string(), TEXTS),
        (pa.large_string(), TEXTS),
        (pa.bool_(), st.booleans()),
        (pa.date32(), st.dates()),
        (pa.date64(), st.dates()),
        (pa.decimal128(20, 4), st.decimals(-(10**9), 10**9, places=4)),
        (pa.decimal256(50, 9), st.decimals(-(10**9), 10**9, places=9)),
        (pa.float32(), st.floats(width=32)),
        (pa.float64(), st.floats()),
        (pa.time32("ms"), st.times().map(lambda one: one.replace(microsecond=0))),
        (pa.time64("us"), st.times()),
    ]
    for bits in (8, 16, 32, 64):
        found.append((getattr(pa, f"int{bits}")(), integers(bits, signed=True)))
        found.append((getattr(pa, f"uint{bits}")(), integers(bits, signed=False)))
    for unit in ("s", "ms", "us", "ns"):
        found += [(pa.timestamp(unit, zone), moments(unit)) for zone in ZONES]
    return found


@st.composite
def arrays(draw, rows):
    """A pyarrow array of so many rows, of any type that has a form as text."""
    type_, values = draw(st.sampled_from(plain_columns()))
    given_ = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
    if draw(st.booleans()) and pa.types.is_integer(type_):
        return pa.FixedSizeListArray.from_arrays(pa.array([*given_, *given_], type_), 2)
    array = pa.array(given_, type_)
    if draw(st.booleans()) and type_ == pa.string():
        return array.dictionary_encode()
    return array


@st.composite
def tables(draw, *, columns=4, rows=8):
    """A pyarrow table with two columns or more, and rows that may be none."""
    number = draw(st.integers(0, rows))
    found = draw(st.lists(arrays(number), min_size=2, max_size=columns))
    return pa.table(found, names=[f"c{place}" for place in range(len(found))])


def python_values():
    """Single values as an object column or a database has them."""
    zoned = st.datetimes(timezones=st.sampled_from([datetime.timezone.utc]))
    return st.one_of(
        st.none(), TEXTS, st.booleans(), st.integers(), st.floats(), st.dates(), st.times(),
        st.datetimes(), zoned, st.decimals(allow_nan=False, allow_infinity=False),
        st.just(decimal.Decimal("NaN")), st.just(np.float32(0.1)), st.just(np.int8(3)),
    )  # fmt: skip
