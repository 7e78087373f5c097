"""The steps of k-means (Lloyd 1982), as functions of the set of points, whole numbers all along.

Where clusters start: of the rows with the smallest hashes, FOR_EACH of them for each cluster, or up
to sixteen times as many where there are eight times as many rows (`candidates_for`), the first is a
centre. Of the TRIALS whose squared distances from the nearest centre so far, times hashed numbers,
are largest, the one is the next that leaves all of these rows nearest to a centre (after Arthur and
Vassilvitskii 2007, *k-means++*, who draw the whole table by these distances). No draw depends on
how many were made; a row decides where clusters start if it is one of these few. Of fewer different
rows than clusters each is one.

Where they go: a step gives each row to the nearest centre, of equals the first, and moves a centre
to the mean of its rows, rounded to a grid of QUANTUM steps whose origin is hashed for each step and
number (Ginart et al. 2019, *Q-k-means*, whose random phase is remembered instead of drawn anew). A
centre without rows stays. So a row that goes moves a sum, and seldom a centre. Keys are not moved
by a phase: where no row has one any more, no centre does.
"""

import numpy as np
import numpy.typing as npt

from unlearning.clusters.points import Integers, Keys, Points, nearest, squared_distances
from unlearning.forest.draws import GOLDEN, drawn, mixed
from unlearning.forest.forest_rows import halves

STEPS = 10
QUANTUM = 128
FOR_EACH, DOUBLED, SPARSE = 4, 4, 8
DRAWN_BITS, TRIALS = 16, 8
START, CHOICE, PHASE = 0x51AB7C0E9D24F3B1, 0x2E63D8A94B17C50F, 0x7F09C4A2E85D361B
"""What tells the three kinds of draws apart."""


def candidates_of(points: Points, *, clusters: int, seed: int) -> npt.NDArray[np.intp]:
    """Return the places of the rows that may be where clusters start, in the order of hashes."""
    hashes = drawn(_key(seed, START, len(points.keys)), halves(points.keys))
    order = np.lexsort((*points.keys.T[::-1], hashes))
    most = candidates_for(int(points.counts.sum()), clusters=clusters)
    found: npt.NDArray[np.intp] = order[:most]
    return found


def candidates_for(total: int, *, clusters: int) -> int:
    """Return how many rows may be where clusters start, of rows that count so much together.

    It is one of a few numbers, so that a row that goes seldom makes it another.
    """
    most = FOR_EACH * clusters
    for _ in range(DOUBLED):
        if 2 * most * SPARSE <= total:
            most *= 2
    return most


def chosen(points: Points, *, clusters: int, seed: int) -> list[int]:
    """Return which of the candidates, in their order, clusters start from: at most so many."""
    if not len(points.keys):
        return []
    hashes = drawn(_key(seed, CHOICE, len(points.keys)), halves(points.keys))
    numbers = (hashes >> np.uint64(64 - DRAWN_BITS)).astype(object) + 1
    found = [0]
    near = squared_distances(points.values, points.values[0])
    while len(found) < clusters and near.any():
        order = np.argsort(-(near.astype(object) * numbers), kind="stable")[:TRIALS]
        tried = [
            (np.minimum(near, squared_distances(points.values, points.values[place])), int(place))
            for place in order
            if near[place]
        ]
        near, place = min(tried, key=lambda one: int(one[0].astype(object).sum()))
        found.append(place)
    return found


def _key(seed: int, kind: int, rows: int) -> npt.NDArray[np.uint64]:
    both = mixed(np.array([seed & (1 << 64) - 1], np.uint64) ^ np.uint64(kind))
    return np.repeat(both, rows)


def phases(step: int, numbers: int, *, seed: int) -> Integers:
    """Return the origins (M,) of the grids that a step rounds centres to."""
    places = np.arange(1, numbers + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    found = mixed(mixed(places + np.uint64(step)) ^ _key(seed, PHASE, numbers))
    return (found % np.uint64(QUANTUM)).astype(np.int64)


def sums_of(points: Points, centres: Integers) -> tuple[Integers, Integers]:
    """Return what the points nearest to each centre sum to, (k, D), and count for, (k,)."""
    which = nearest(points.values, centres)
    sums, counts = np.zeros_like(centres), np.zeros(len(centres), np.int64)
    for place in range(len(centres)):
        mine = which == place
        sums[place] = np.matmul(points.counts[mine], points.values[mine])
        counts[place] = points.counts[mine].sum()
    return sums, counts


def moved(
    centres: Integers, sums: Integers, counts: Integers, *, step: int, numbers: int, seed: int
) -> Integers:
    """Return where a step moves centres (k, D) whose rows sum to so much."""
    origin = np.zeros(centres.shape[1], np.int64)
    origin[:numbers] = phases(step, numbers, seed=seed)
    many = np.maximum(counts, 1)[:, np.newaxis]
    apart = 2 * (sums - origin * many) + QUANTUM * many
    means = apart // (2 * QUANTUM * many) * QUANTUM + origin
    return np.where(counts[:, np.newaxis] > 0, means, centres)


def keys_in(wanted: Keys, known: Keys) -> npt.NDArray[np.bool_]:
    """Say of each row key (n, 16) whether it is among others."""
    mine, its = (np.ascontiguousarray(one).view("S16")[:, 0] for one in (wanted, known))
    return np.isin(mine, its)
