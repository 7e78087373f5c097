"""Numbers of two doubles, 106 bits, and the shares of classes told from them, with proven errors.

A number is the sum of `high` and `low`, where `low` is what rounding `high` left out. Operations
are those of Joldes, Muller and Popescu 2017 ("Tight and Rigorous Error Bounds for Basic Building
Blocks of Double-Word Arithmetic"), of single additions and products alone, so no processor changes
a bit. With u = 2^-53 their relative errors are at most 3 u^2 (`added`), 7 u^2 (`times`), 2 u^2
(`times_one`) and 16 u^2 (`divided`).

    exp(-t)   t = j / 64 + r, r exact and at most 1/128 in size. exp(-j / 64) is of two tables,
              whose entries `decimal` rounds correctly (u^2 each; their product 9 u^2); exp(-r) is
              Taylor's series to r^12, what is left out less than 2^-120, in two words up to r^6
              (4 u^2). Together at most 21 u^2 relative. Beyond FAR it counts as exp(-FAR), which
              is less than 2^-108.
    shares    exp(z_k - z_max) over their sum: 21 u^2 above and below, 3 u^2 for each addition, 16
              for the quotient, 3 for the difference of logits; and 2^-108 for each that is far.
"""

from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SPLITTER = 2.0**27 + 1
PIECES, FAR = 64, 75
SERIES = 12
"""The last power of Taylor's series, and `WIDE` the last whose coefficient is of two words."""
WIDE = 6


@dataclass(frozen=True)
class DoubleWord:
    """Numbers (n,), each the sum of two doubles."""

    high: Floats
    low: Floats


def two_sum(one: Floats, other: Floats) -> DoubleWord:
    """Return the sum of two doubles, exactly (Knuth)."""
    total = one + other
    back = total - one
    return DoubleWord(total, (one - (total - back)) + (other - back))


def _quick_sum(large: Floats, small: Floats) -> DoubleWord:
    """Return the sum of two doubles, the first of which is no smaller in size, exactly (Dekker)."""
    total = large + small
    return DoubleWord(total, small - (total - large))


def _split(value: Floats) -> tuple[Floats, Floats]:
    wide = SPLITTER * value
    upper = wide - (wide - value)
    return upper, value - upper


def _product(one: Floats, other: Floats) -> DoubleWord:
    """Return the product of two doubles, exactly (Dekker and Veltkamp)."""
    total = one * other
    (one_up, one_down), (other_up, other_down) = _split(one), _split(other)
    rest = (one_up * other_up - total) + one_up * other_down + one_down * other_up
    return DoubleWord(total, rest + one_down * other_down)


def added(one: DoubleWord, other: DoubleWord) -> DoubleWord:
    """Return a sum (their Algorithm 6)."""
    high, low = two_sum(one.high, other.high), two_sum(one.low, other.low)
    mid = _quick_sum(high.high, high.low + low.high)
    return _quick_sum(mid.high, low.low + mid.low)


def less(one: DoubleWord, other: DoubleWord) -> DoubleWord:
    """Return a difference."""
    return added(one, DoubleWord(-other.high, -other.low))


def times_one(one: DoubleWord, other: Floats) -> DoubleWord:
    """Return a product with doubles (their Algorithm 7)."""
    found = _product(one.high, other)
    mid = _quick_sum(found.high, one.low * other)
    return _quick_sum(mid.high, mid.low + found.low)


def times(one: DoubleWord, other: DoubleWord) -> DoubleWord:
    """Return a product (their Algorithm 10)."""
    found = _product(one.high, other.high)
    return _quick_sum(found.high, found.low + (one.high * other.low + one.low * other.high))


def divided(one: DoubleWord, other: DoubleWord) -> DoubleWord:
    """Return a quotient (their Algorithm 17)."""
    first = one.high / other.high
    back = times_one(other, first)
    rest = (one.high - back.high) + (one.low - back.low)
    return _quick_sum(first, rest / other.high)


def _two_words(value: Decimal, context: Context) -> tuple[float, float]:
    high = float(value)
    return high, float(context.subtract(value, Decimal(high)))


@cache
def _powers() -> DoubleWord:
    """Return exp(-j / PIECES) for all j up to FAR."""
    context = Context(prec=60)
    whole = [_two_words(context.exp(Decimal(-j)), context) for j in range(FAR + 1)]
    steps = [context.divide(Decimal(-j), PIECES) for j in range(PIECES)]
    parts = [_two_words(context.exp(one), context) for one in steps]
    high, low = np.array(whole).T
    wide = DoubleWord(np.repeat(high, PIECES), np.repeat(low, PIECES))
    high, low = np.array(parts).T
    return times(wide, DoubleWord(np.tile(high, FAR + 1), np.tile(low, FAR + 1)))


@cache
def _series() -> list[tuple[float, float]]:
    """Return the coefficients 1 / k! of Taylor's series."""
    context, found, factorial = Context(prec=60), [], 1
    for k in range(SERIES + 1):
        factorial *= max(k, 1)
        found.append(_two_words(context.divide(Decimal(1), Decimal(factorial)), context))
    return found


def exp_of_minus(values: DoubleWord) -> DoubleWord:
    """Return exp(-t) of numbers t from 0 on."""
    far = values.high > FAR
    high, low = np.where(far, float(FAR), values.high), np.where(far, 0.0, values.low)
    places = np.rint(high * PIECES)
    rest = two_sum(places / PIECES - high, -low)  # minus r: the difference is exact
    coefficients = _series()
    tail = np.full_like(high, coefficients[SERIES][0])
    for k in range(SERIES - 1, WIDE, -1):
        tail = tail * rest.high + coefficients[k][0]
    found = _with_next(times_one(rest, tail), coefficients[WIDE])
    for k in range(WIDE - 1, -1, -1):
        found = _with_next(times(rest, found), coefficients[k])
    at, powers = places.astype(np.intp), _powers()
    return times(DoubleWord(powers.high[at], powers.low[at]), found)


def _with_next(product: DoubleWord, coefficient: tuple[float, float]) -> DoubleWord:
    high, low = (np.full_like(product.high, one) for one in coefficient)
    return added(DoubleWord(high, low), product)


def shares_of(logits: list[DoubleWord]) -> list[DoubleWord]:
    """Return the shares of classes by their logits, each (n,)."""
    if len(logits) == 2:
        return _shares_of_two(less(logits[1], logits[0]))
    most = logits[0]
    for one in logits[1:]:
        more = (one.high > most.high) | ((one.high == most.high) & (one.low > most.low))
        most = DoubleWord(np.where(more, one.high, most.high), np.where(more, one.low, most.low))
    powers = [exp_of_minus(less(most, one)) for one in logits]
    total = powers[0]
    for one in powers[1:]:
        total = added(total, one)
    return [divided(one, total) for one in powers]


def _shares_of_two(apart: DoubleWord) -> list[DoubleWord]:
    """Return the shares of two classes by how much larger the second's logit is."""
    second = apart.high > 0
    sign = np.where(second, 1.0, -1.0)
    small = exp_of_minus(DoubleWord(sign * apart.high, sign * apart.low))
    one = DoubleWord(np.ones_like(small.high), np.zeros_like(small.high))
    total = added(one, small)
    large, small = divided(one, total), divided(small, total)
    return [
        DoubleWord(np.where(here, one.high, other.high), np.where(here, one.low, other.low))
        for here, one, other in ((second, small, large), (second, large, small))
    ]


def share_error(classes: int, *, largest: float) -> tuple[int, int]:
    """Return a bound on the error of a share, as a whole number and the bits that it stands above.

    The logits are right to 2^-102 of themselves, and none is larger than `largest`. The bound is
    of all that the docstring of this file adds up, rounded up: (100 + 8 classes) u^2 and, since a
    share moves at most half as far as the logits do, 2^-103 of the largest.
    """
    return 100 + 8 * classes + 8 * int(np.ceil(largest)), 106
