"""Sums of products of whole numbers of any size, exactly, by matrix products of doubles.

One factor is cut into limbs of NARROW bits, the other into limbs of WIDE; a sum of MOST_SUMMANDS
products of two limbs lies below 2^53, so a matrix product of doubles is exact, in whatever order a
processor takes it. The limbs of a number but the highest go from 0 on; the highest has the sign.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unlearning.convex.double_words import DoubleWord, Floats, two_sum

Integers = npt.NDArray[np.int64]
Wide = npt.NDArray[np.object_]
"""Whole numbers as Python has them."""

NARROW, WIDE = 16, 24
MOST_SUMMANDS = 1 << 12


def narrow_limbs(numbers: Integers) -> list[Floats]:
    """Return whole numbers (n, M) in limbs of NARROW bits, the lowest first; at least one."""
    largest = int(np.abs(numbers).max(initial=0))
    found, rest = [], numbers
    for _ in range(largest.bit_length() // NARROW):
        found.append((rest & ((1 << NARROW) - 1)).astype(np.float64))
        rest = rest >> NARROW
    return [*found, rest.astype(np.float64)]


def wide_limbs(numbers: Wide) -> list[Integers]:
    """Return whole numbers of any shape in limbs of WIDE bits, the lowest first; at least one."""
    largest = max((abs(int(one)).bit_length() for one in numbers.flat), default=0)
    found, rest = [], numbers
    for _ in range(largest // WIDE):
        found.append((rest & ((1 << WIDE) - 1)).astype(np.int64))
        rest = rest >> WIDE
    return [*found, rest.astype(np.int64)]


class Digits:
    """Whole numbers (n, ...) to which others are added at any bit, with digits of WIDE bits."""

    def __init__(self, shape: Sequence[int]) -> None:
        self._shape, self._digits = tuple(shape), list[Integers]()

    def add(self, numbers: Integers, *, at: int) -> None:
        """Add numbers below 2^53 in size, times two to the power of `at`."""
        place, shift = divmod(at, WIDE)
        while len(self._digits) <= place + 1:
            self._digits.append(np.zeros(self._shape, np.int64))
        if not shift:
            self._digits[place] += numbers
            return
        high = numbers >> WIDE
        self._digits[place] += (numbers - (high << WIDE)) << shift
        self._digits[place + 1] += high << shift

    def in_two_words(self, *, bits: int) -> DoubleWord:
        """Return the numbers times two to the power of minus `bits`, to 2^-102 of themselves.

        Below the highest no digit is negative, so what is summed so far is the number, cut: where
        that is long no bit of it is lost, and of digits that are too small, sixteen at most, each
        costs u^2 of the number.
        """
        digits, carry = [], np.zeros(self._shape, np.int64)
        for one in self._digits:
            told = one + carry
            carry = told >> WIDE
            digits.append(told - (carry << WIDE))
        digits.append(carry)
        high, low = np.zeros(self._shape), np.zeros(self._shape)
        for place in reversed(range(len(digits))):
            step = np.ldexp(digits[place].astype(np.float64), WIDE * place - bits)
            total = two_sum(high, step)
            rest = two_sum(total.high, low + total.low)
            high, low = rest.high, rest.low
        return DoubleWord(high, low)


def limbs_of_two_words(numbers: DoubleWord, *, limbs: int) -> list[Floats]:
    """Return numbers below 2^WIDE in size as whole multiples of 1, 2^-WIDE, 2^-(2 WIDE), ...

    They sum to the numbers but for half of the last of these units; all but the first are at most
    2^(WIDE - 1) in size.
    """
    found = []
    for place in range(limbs):
        whole = np.rint(np.ldexp(numbers.high, WIDE * place))
        found.append(whole)
        numbers = two_sum(numbers.high - np.ldexp(whole, -WIDE * place), numbers.low)
    return found


def total_of(numbers: Integers, counts: Integers) -> list[int]:
    """Return the sums of columns (n, M) below 2^49, each row as often as it counts; 2^14 at most.

    All counts sum to less than 2^25.
    """
    high, low = numbers >> WIDE, numbers & ((1 << WIDE) - 1)
    upper, lower = (np.matmul(counts, one) for one in (high, low))
    return [(int(up) << WIDE) + int(down) for up, down in zip(upper, lower, strict=True)]
