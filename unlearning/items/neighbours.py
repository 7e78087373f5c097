"""Of each item those that are most alike, told from sums by whole numbers alone.

With s the squares of items (`item_counts`) and g what a pair shares, two items are alike by

    cosine    g / sqrt(s_a s_b)        (Deshpande and Karypis 2004, equation 3)
    jaccard   g / (s_a + s_b - g)      (Schelter 2020; of weights, Tanimoto's)

Which of an item's others come first is told by exact fractions: by g^2 / s_b for the cosine, since
s_a is all of theirs. Two different fractions with denominators below 2^31 lie more than 2^-62
apart, so their first 62 binary places tell them apart, and these are found by long division. Of
others that are as much alike those come first whose names do. So no rounding, and no processor,
chooses a neighbour.

How alike two items are is told in whole steps of 2^-30, so that sums of it are exact, too: square
root and division are rounded correctly everywhere (IEEE 754).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearning.items.histories import Integers
from unlearning.items.item_counts import ItemCounts

STEPS_OF_ONE = 1 << 30
DIGIT = 31
"""Binary places that one step of the long division tells."""

Floats = npt.NDArray[np.float64]
Terms = tuple[Integers, Integers]


@dataclass(frozen=True)
class Similarity:
    """One rule: the fractions by which others are ordered, and what they come to, in floats.

    Both are of `shared` (n,), and of the squares (n,) of an item and of the other one.
    """

    order: Callable[[Integers, Integers, Integers], Terms]
    value: Callable[[Integers, Integers, Integers], Floats]


SIMILARITIES: Mapping[str, Similarity] = {
    "cosine": Similarity(
        lambda shared, own, other: (shared * shared, other),
        lambda shared, own, other: shared / np.sqrt(own.astype(np.float64) * other),
    ),
    "jaccard": Similarity(
        lambda shared, own, other: (shared, own + other - shared),
        lambda shared, own, other: shared / (own + other - shared),
    ),
}


@dataclass(frozen=True)
class Neighbours:
    """Lists of I items: which others are most alike, and how much.

    `names` (I,) are sorted; `ends` (I + 1,) say where each item's list begins, and the last ends;
    `others` are places in `names`, and `steps` what they are alike, of STEPS_OF_ONE.
    """

    names: Sequence[bytes]
    ends: Integers
    others: Integers
    steps: Integers


def nearest(counts: ItemCounts, *, rule: Similarity, most: int) -> Neighbours:
    """Return of each item at most so many others, the most alike first."""
    first, second = counts.pairs
    own, other = np.concatenate([first, second]), np.concatenate([second, first])
    shared = np.concatenate([counts.shared, counts.shared])
    squares = counts.squares[own], counts.squares[other]
    whole, places = _divided(*rule.order(shared, *squares))
    order = np.lexsort((other, -places, -whole, own))
    lengths = np.bincount(own, minlength=len(counts.names))
    rank = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = order[rank < most]
    steps = np.floor(rule.value(shared, *squares)[order] * STEPS_OF_ONE).astype(np.int64)
    return Neighbours(
        counts.names,
        np.append(0, np.cumsum(np.minimum(lengths, most))),
        other[order],
        np.clip(steps, 1, STEPS_OF_ONE),
    )


def _divided(above: Integers, below: Integers) -> Terms:
    """Return the whole parts of fractions, below 2^62 over 2^31, and their next 62 places."""
    whole, rest = np.divmod(above, below)
    high, rest = np.divmod(rest << DIGIT, below)
    return whole, (high << DIGIT) | ((rest << DIGIT) // below)


def joined(parts: Sequence[Neighbours]) -> Neighbours:
    """Return the lists of several parts in one: what an item is alike is the sum of theirs."""
    if len(parts) == 1:
        return parts[0]
    names = sorted({name for part in parts for name in part.names})
    place = {name: at for at, name in enumerate(names)}
    codes, steps = [], []
    for part in parts:
        own = np.array([place[name] for name in part.names], np.int64)
        first = np.repeat(own, np.diff(part.ends))
        codes.append(first * len(names) + own[part.others])
        steps.append(part.steps)
    every, which = np.unique(np.concatenate(codes), return_inverse=True)
    sums = np.zeros(len(every), np.int64)
    np.add.at(sums, which.reshape(-1), np.concatenate(steps))
    lengths = np.bincount(every // max(len(names), 1), minlength=len(names))
    ends = np.append(0, np.cumsum(lengths))
    return Neighbours(names, ends, every % max(len(names), 1), sums)
