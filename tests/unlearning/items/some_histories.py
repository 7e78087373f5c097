"""Rows of histories for tests, and what plain Python makes of them."""

from collections import Counter
from itertools import combinations

import numpy as np

from lineage_store.rows import Rows
from unlearning.items.histories import histories_of


def rows_of(triples, *, weighed=True):
    """Return rows of (history, item, weight)."""
    items = np.empty((len(triples), 1), object)
    items[:, 0] = [item.encode() for _, item, _ in triples]
    who = np.array([one for one, _, _ in triples], np.uint64)
    columns = {"item": items, "group": who.view(np.int64)}
    if weighed:
        columns["weight"] = np.array([weight for _, _, weight in triples], np.int64)
    return Rows(np.zeros((len(triples), 16), np.uint8), columns)


def read(triples, *, at_once=3):
    """Return the histories of rows, given in pieces."""
    some = (triples[start : start + at_once] for start in range(0, len(triples), at_once))
    return histories_of(map(rows_of, some))


def plain(triples):
    """Return the sums by item and by pair, as plain Python counts them."""
    strongest = {}
    for who, item, weight in triples:
        if item and weight:
            key = who, item.encode()
            strongest[key] = max(strongest.get(key, 0), weight)
    squares, shared = Counter(), Counter()
    for (_, item), weight in strongest.items():
        squares[item] += weight**2
    for one, other in combinations(sorted(strongest), 2):
        if one[0] == other[0]:
            shared[one[1], other[1]] += strongest[one] * strongest[other]
    return dict(squares), dict(shared)


def by_name(counts):
    """Return sums as plain Python has them."""
    names = list(counts.names)
    first, second = counts.pairs
    pairs = zip(first.tolist(), second.tolist(), counts.shared.tolist(), strict=True)
    squares = dict(zip(names, counts.squares.tolist(), strict=True))
    return squares, {(names[a], names[b]): sum_ for a, b, sum_ in pairs}
