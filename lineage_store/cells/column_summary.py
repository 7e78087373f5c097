"""What a column holds, in summation form: one summary of some rows, merged with those of others.

Merging is commutative and associative, and no order of rows or of merges changes a bit of what
comes out (law 2; Cao and Yang 2015): everything is an integer count, an exact sum, an extreme, or a
set that says *more than N* beyond its bound.

    sums        of float32 and of their squares: whole numbers, one for each exponent, so exact
    quantiles   of exact counts on a public grid: the upper 20 bits of a float32's order key, which
                is a resolution of 2^-11 of a value
    texts       exact counts of up to 10,000 different ones; of more, only that there are more
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

MOST_TEXTS = 10_000
MANTISSA = 23  # bits of a float32 after the point
SCALE = 127 + MANTISSA  # a float32 is its mantissa, as a whole number, times 2 ** (exponent - 150)
Key = TypeVar("Key", int, bytes)
GRID = 12  # bits of an order key that one place of the grid holds


def order_keys(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """Return whole numbers in the order of the values; -0.0 comes just before 0.0."""
    bits = values.view(np.uint32)
    negative = bits >> np.uint32(31) == 1
    return np.where(negative, ~bits, bits | np.uint32(1 << 31))


def values_of(keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Return the values that have these order keys."""
    positive = keys >> np.uint32(31) == 1
    return np.where(positive, keys & np.uint32((1 << 31) - 1), ~keys).view(np.float32)


def ranks_of_ends(count: int, parts: int) -> list[int]:
    """Return the ranks, from 1, at which parts of equal count begin, and the last: as TFDV does."""
    return [min(count * place // parts + 1, count) for place in range(parts + 1)]


@dataclass(frozen=True)
class NumberSummary:
    """Of a column of finite float32: rows, those without a value, zeros, extremes, sums, counts.

    `sums` and `squares` are by exponent: sums of mantissas, and of their squares, with the sign.
    `grid` counts values by the upper 20 bits of their order keys.
    """

    rows: int = 0
    missing: int = 0
    zeros: int = 0
    least: float = math.inf
    most: float = -math.inf
    sums: Mapping[int, int] = field(default_factory=dict)
    squares: Mapping[int, int] = field(default_factory=dict)
    grid: Mapping[int, int] = field(default_factory=dict)

    def merged(self, other: "NumberSummary") -> "NumberSummary":
        """Return the summary of the rows of both."""
        return NumberSummary(
            self.rows + other.rows,
            self.missing + other.missing,
            self.zeros + other.zeros,
            min(self.least, other.least),
            max(self.most, other.most),
            _added(self.sums, other.sums),
            _added(self.squares, other.squares),
            _added(self.grid, other.grid),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {
            "rows": self.rows,
            "missing": self.missing,
            "zeros": self.zeros,
            "ends": [self.least, self.most] if self.values else None,
            "sums": _as_lists(self.sums),
            "squares": _as_lists(self.squares),
            "grid": _as_lists(self.grid),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "NumberSummary":
        """Read the value back."""
        least, most = value["ends"] or (math.inf, -math.inf)
        counts = (_from_lists(value[name]) for name in ("sums", "squares", "grid"))
        return cls(value["rows"], value["missing"], value["zeros"], least, most, *counts)

    @property
    def values(self) -> int:
        """How many rows have a value."""
        return self.rows - self.missing

    @property
    def mean(self) -> float:
        """The mean of the values, rounded once; 0 without any."""
        return float(self._sum() / self.values) if self.values else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation of the values (over n), rounded twice; 0 without any."""
        if not self.values:
            return 0.0
        return math.sqrt(self._squares() / self.values - (self._sum() / self.values) ** 2)

    def quantiles(self, number: int) -> list[float]:
        """Return the ends of `number` parts of equal count, number + 1 of them, from the grid."""
        return [self._at(rank) for rank in ranks_of_ends(self.values, number)]

    def below(self, ends: Iterable[float]) -> list[int]:
        """Return how many values the grid has below each of some ends, in ascending order."""
        places = sorted(self.grid)
        middles = self._clipped(np.array(places, np.uint32))
        counts = np.cumsum([0, *(self.grid[place] for place in places)])
        return [int(counts[np.searchsorted(middles, end)]) for end in ends]

    def _at(self, rank: int) -> float:
        if not self.values:
            return 0.0
        if rank <= 1:
            return self.least
        if rank >= self.values:
            return self.most
        places = sorted(self.grid)
        counts = np.cumsum([self.grid[place] for place in places])
        place = places[int(np.searchsorted(counts, rank))]
        return float(self._clipped(np.array([place], np.uint32))[0])

    def _clipped(self, places: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
        """Return where each place of the grid lies: its first value in absolute terms."""
        keys = places << np.uint32(GRID)
        keys = np.where(keys >> np.uint32(31) == 1, keys, keys | np.uint32((1 << GRID) - 1))
        return np.clip(values_of(keys).astype(np.float64), self.least, self.most)

    def _sum(self) -> Fraction:
        total = sum(number << exponent for exponent, number in self.sums.items())
        return Fraction(total, 1 << SCALE)

    def _squares(self) -> Fraction:
        total = sum(number << 2 * exponent for exponent, number in self.squares.items())
        return Fraction(total, 1 << 2 * SCALE)


@dataclass(frozen=True)
class TextSummary:
    """Of a column of texts: rows, those without a value, bytes in all, and how many have each text.

    `counts` is None if there are more than `MOST_TEXTS` different ones.
    """

    rows: int = 0
    missing: int = 0
    length: int = 0
    counts: Mapping[bytes, int] | None = field(default_factory=dict)

    def merged(self, other: "TextSummary") -> "TextSummary":
        """Return the summary of the rows of both."""
        counts = None
        if self.counts is not None and other.counts is not None:
            counts = _bounded(_added(self.counts, other.counts))
        return TextSummary(
            self.rows + other.rows,
            self.missing + other.missing,
            self.length + other.length,
            counts,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON; texts are UTF-8."""
        counts = None
        if self.counts is not None:
            counts = {text.decode("utf-8"): number for text, number in self.counts.items()}
        return {
            "rows": self.rows,
            "missing": self.missing,
            "length": self.length,
            "counts": counts,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TextSummary":
        """Read the value back."""
        counts = value["counts"]
        if counts is not None:
            counts = {text.encode("utf-8"): number for text, number in counts.items()}
        return cls(value["rows"], value["missing"], value["length"], counts)

    @property
    def values(self) -> int:
        """How many rows have a value."""
        return self.rows - self.missing


Summary: TypeAlias = NumberSummary | TextSummary


def summary_from_json(value: Mapping[str, Any]) -> Summary:
    """Read a summary back, of whichever kind it is."""
    return (NumberSummary if "grid" in value else TextSummary).from_json(value)


def summary_of_numbers(values: npt.NDArray[np.float32], *, rows: int) -> NumberSummary:
    """Summarise the finite values (n,) that some rows have; the others have none."""
    if not len(values):
        return NumberSummary(rows, rows)
    values = np.ascontiguousarray(values, np.float32)
    bits = values.view(np.uint32)
    exponents = (bits >> np.uint32(MANTISSA)) & np.uint32(255)
    mantissas = (bits & np.uint32((1 << MANTISSA) - 1)).astype(np.int64)
    mantissas += (exponents > 0).astype(np.int64) << MANTISSA
    exponents = np.maximum(exponents, 1).astype(np.int64)
    signs = np.where(bits >> np.uint32(31) == 1, -1, 1)
    squares = mantissas * mantissas
    low = _by_place(exponents, squares & (1 << 24) - 1)
    high = _by_place(exponents, squares >> 24)
    return NumberSummary(
        rows,
        rows - len(values),
        int(np.count_nonzero(values == 0)),
        float(values.min()) + 0.0,  # -0.0 and 0.0 are one: else which it is would hang on order
        float(values.max()) + 0.0,
        _by_place(exponents, signs * mantissas),
        {place: low.get(place, 0) + (high.get(place, 0) << 24) for place in low.keys() | high},
        _counted(order_keys(values) >> np.uint32(GRID)),
    )


def summary_of_texts(counts: Mapping[bytes, int], *, rows: int) -> TextSummary:
    """Summarise the texts that some rows have, by how many have each; the others have none."""
    return TextSummary(
        rows,
        rows - sum(counts.values()),
        sum(len(text) * number for text, number in counts.items()),
        _bounded(counts),
    )


def _bounded(counts: Mapping[bytes, int]) -> Mapping[bytes, int] | None:
    return counts if len(counts) <= MOST_TEXTS else None


def _added(one: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    total = dict(one)
    for key, number in other.items():
        total[key] = total.get(key, 0) + number
    return {key: number for key, number in total.items() if number}  # sums may come to nothing


def _as_lists(totals: Mapping[int, int]) -> dict[str, list[int]]:
    """Return what is at each place as two lists: read back four times as fast as pairs are."""
    places = sorted(totals)
    return {"places": places, "totals": [totals[place] for place in places]}


def _from_lists(value: Any) -> dict[int, int]:
    if isinstance(value, list):  # pairs, as an earlier unweave wrote them
        return dict(value)
    return dict(zip(value["places"], value["totals"], strict=True))


def _by_place(places: npt.NDArray[Any], numbers: npt.NDArray[np.int64]) -> dict[int, int]:
    """Add up whole numbers by their place: exactly, for up to 2**29 of at most 24 bits."""
    totals = np.bincount(places, weights=numbers)
    return {place: int(totals[place]) for place in np.flatnonzero(totals).tolist()}


def _counted(places: npt.NDArray[np.uint32]) -> dict[int, int]:
    there, counts = np.unique(places, return_counts=True)
    return dict(zip(there.tolist(), counts.tolist(), strict=True))
