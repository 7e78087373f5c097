"""The rows of a part as an optimum is told from them: centred numbers, entries, counts, classes.

A row is f = (1, numbers, entries). A number is (x - m) / 2^e, whole steps x of the public grid less
their mean m, rounded to a step, in units of the smallest power of two that is no less than their
mean distance from m. Both are computed from whole sums, so they are functions of the rows that are
there, in whatever order. An entry is one where a row has a text, or a number is missing, as for
ridge (`linear.row_sums`), and named by its key.

What an optimum needs of the rows are two products, both of whole numbers and exact
(`whole_products`): of each row with a point, and of rows with what each pulls by; and one that
need not be exact, but is the same on every processor and in every order of rows (`curvature`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from unlearning.convex.double_words import DoubleWord, Floats
from unlearning.convex.whole_products import (
    MOST_SUMMANDS,
    NARROW,
    WIDE,
    Digits,
    Integers,
    Wide,
    narrow_limbs,
    total_of,
    wide_limbs,
)
from unlearning.linear.row_sums import RowSteps, entries_of

PULL_LIMBS = 5
"""What a row pulls by is told in multiples of 2^-96: in so many limbs."""

COARSE, FINE = 2, 3
HALF = 17


@dataclass(frozen=True)
class StandingRows:
    """Rows with a share, at least one: `numbers` (n, M) less their centre, `counts` (n,).

    `centre` and `powers` (M,) are m and e of the numbers; `columns` and `keys` (E,) name the
    entries, and `codes` (C, n) are each row's places among them, E for none. `classes` (K,) are
    sorted keys, and `which` (n,) each row's place among them.
    """

    numbers: Integers
    centre: tuple[int, ...]
    powers: tuple[int, ...]
    columns: Integers
    keys: Integers
    codes: Integers
    counts: Integers
    classes: Integers
    which: Integers

    @property
    def total(self) -> int:
        """What all rows count for together."""
        return int(self.counts.sum())

    @property
    def width(self) -> int:
        """The coordinates of a row: one, numbers, entries."""
        return 1 + len(self.powers) + len(self.keys)

    @cached_property
    def blocks(self) -> list[slice]:
        """Rows that are looked at at once: as many as products are exact of."""
        size = len(self.counts)
        return [slice(at, at + MOST_SUMMANDS) for at in range(0, size, MOST_SUMMANDS)]

    def times(self, point: Wide, block: slice, *, bits: int) -> list[DoubleWord]:
        """Return rows of a block times a point (width, L) of units 2^-bits: L numbers of each."""
        most = max(self.powers, default=0)
        shifts = np.array([most, *(most - one for one in self.powers)], object)
        numbers, width = len(self.powers), point.shape[1]
        shifts = np.concatenate([shifts, np.full(len(self.keys), most, object)])
        limbs = wide_limbs(point << shifts[:, np.newaxis])
        codes = self.codes[:, block]
        found = Digits((width, codes.shape[1]))
        for place, limb in enumerate(limbs):
            table = np.concatenate([limb[1 + numbers :], np.zeros((1, width), np.int64)]).T
            told = np.repeat(limb[0][:, np.newaxis], codes.shape[1], axis=1)
            for column in codes:
                told += table[:, column]
            found.add(told, at=WIDE * place)
        if numbers:
            wide = np.concatenate([limb[1 : 1 + numbers] for limb in limbs], axis=1)
            for place, narrow in enumerate(narrow_limbs(self.numbers[block])):
                products = np.matmul(narrow, wide.astype(np.float64)).astype(np.int64).T
                for at in range(len(limbs)):
                    part = products[at * width : (at + 1) * width]
                    found.add(part, at=WIDE * at + NARROW * place)
        both = found.in_two_words(bits=bits + most)
        return [DoubleWord(both.high[one], both.low[one]) for one in range(width)]

    def pulled(self, pulls: Iterator[tuple[slice, list[Floats]]], *, labels: int) -> Wide:
        """Sum rows, each times what it pulls by, (width, labels); in units of 2^-bits_of_pull.

        `pulls` are blocks of rows, each with PULL_LIMBS arrays (labels, rows).
        """
        size, numbers = PULL_LIMBS * labels, len(self.powers)
        alone, by_number = np.zeros(size, np.int64), dict[int, Integers]()
        by_entry = np.zeros((len(self.keys) + 1, size), np.int64)
        for block, limbs in pulls:
            both = np.concatenate(limbs)
            alone += both.sum(axis=1).astype(np.int64)
            for place, narrow in enumerate(narrow_limbs(self.numbers[block]) if numbers else ()):
                told = np.matmul(both, narrow).astype(np.int64)
                by_number[place] = by_number.get(place, 0) + told
            for codes in self.codes[:, block]:
                for place, one in enumerate(both):
                    summed = np.bincount(codes, one, len(by_entry))
                    by_entry[:, place] += summed.astype(np.int64)
        found = np.zeros((self.width, size), object)
        most = max(self.powers, default=0)
        found[0] = alone.astype(object) << most
        for place, told in by_number.items():
            found[1 : 1 + numbers] += told.T.astype(object) << (NARROW * place)
        shifts = np.array([most - one for one in self.powers], object)
        found[1 : 1 + numbers] = found[1 : 1 + numbers] << shifts[:, np.newaxis]
        found[1 + numbers :] = by_entry[:-1].astype(object) << most
        total = np.zeros((self.width, labels), object)
        for limb in range(PULL_LIMBS):
            shift = WIDE * (PULL_LIMBS - 1 - limb)
            total += found[:, limb * labels : (limb + 1) * labels] << shift
        return total

    @property
    def bits_of_pull(self) -> int:
        """The bits below one of what `pulled` returns."""
        return WIDE * (PULL_LIMBS - 1) + max(self.powers, default=0)

    def dense(self, block: slice) -> Floats:
        """Return a block of rows (n, width) as doubles, exactly."""
        numbers, size = len(self.powers), len(self.counts[block])
        found = np.zeros((size, self.width + 1))
        found[:, 0] = 1.0
        exponents = -np.array(self.powers, np.int64)
        found[:, 1 : 1 + numbers] = np.ldexp(self.numbers[block].astype(np.float64), exponents)
        for codes in self.codes[:, block]:
            found[np.arange(size), 1 + numbers + codes] = 1.0
        return found[:, :-1]

    @cached_property
    def _reach(self) -> Integers:
        """The powers of two above half of each coordinate times its count's root, (width,)."""
        largest = np.zeros(self.width)
        for block in self.blocks:
            there = np.abs(self.dense(block)) * np.sqrt(self.counts[block])[:, np.newaxis]
            largest = np.maximum(largest, there.max(axis=0, initial=0.0))
        return np.frexp(largest)[1].astype(np.int64) - 1

    def curvature(self, weights: Floats, *, penalty: float) -> Floats:
        """Sum rows' products with themselves, (width, width), each times its count and a weight.

        Weights (n,) go from 0 to 1/4. Products are of whole numbers, to 2^-34 of a coordinate's
        reach, and to 2^-51 where the penalty is so small that this is too coarse.
        """
        reach = self._reach
        error = self.total * 2.0 ** (2 * int(reach.max()) - 2 * HALF)
        limbs = COARSE if error * 64 <= penalty else FINE
        scale = limbs * HALF - reach
        sums = {pair: np.zeros((self.width,) * 2, np.int64) for pair in _pairs(limbs)}
        for block in self.blocks:
            roots = np.sqrt(self.counts[block] * weights[block])
            rest, parts = np.ldexp(self.dense(block) * roots[:, np.newaxis], scale), []
            for place in reversed(range(limbs)):
                parts.append(np.rint(np.ldexp(rest, -HALF * place)))
                rest = rest - np.ldexp(parts[-1], HALF * place)
            for one, other in sums:
                sums[one, other] += np.matmul(parts[one].T, parts[other]).astype(np.int64)
        found = np.zeros((self.width,) * 2)
        for (one, other), told in sorted(sums.items(), reverse=True):
            both = told if one == other else told + told.T
            found += np.ldexp(both.astype(np.float64), HALF * (2 * limbs - 2 - one - other))
        return np.ldexp(found, -(scale[:, np.newaxis] + scale))


def _pairs(limbs: int) -> list[tuple[int, int]]:
    """Return which limbs are multiplied with which: those that count for more than one unit."""
    return [(one, other) for one in range(limbs) for other in range(one, limbs - one)]


def standing(rows: RowSteps, counts: npt.NDArray[np.int64] | None) -> StandingRows | None:
    """Return rows of classes as an optimum is told from them; None if none has a share."""
    if rows.classes is None:
        raise ValueError("rows without classes have no shares to be told")
    if counts is None:
        counts = np.ones(len(rows.numbers), np.int64)
    there = np.flatnonzero(counts)
    if not len(there):
        return None
    counts = counts[there]
    of_class = rows.classes[there]
    rows = RowSteps(
        rows.numbers[there], rows.columns, rows.entries[there], rows.there[there],
        of_class, None,
    )  # fmt: skip
    total = int(counts.sum())
    means = [(2 * one + total) // (2 * total) for one in total_of(rows.numbers, counts)]
    numbers = rows.numbers - np.array(means, np.int64)
    apart = total_of(np.abs(numbers), counts)
    powers = [(-(-one // total) - 1).bit_length() if one else 0 for one in apart]
    columns, keys, codes = entries_of(rows)
    classes, which = np.unique(of_class, return_inverse=True)
    codes = np.where(codes < 0, len(keys), codes)
    return StandingRows(
        numbers=numbers,
        centre=tuple(means),
        powers=tuple(powers),
        columns=columns,
        keys=keys,
        codes=np.ascontiguousarray(codes.T),
        counts=counts,
        classes=classes,
        which=which.reshape(-1),
    )
