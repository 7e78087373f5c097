"""What a part of a model of clusters is: where it started, and every step, its sums and centres.

A row is taken out step by step: it is subtracted from the sums of the cluster that it was in, and
as long as no centre moves, the next step is as it was for all others. From the first step that
moves one, all steps are taken again, over the rows that remain. Only where a candidate goes, of
which a start may come, or their number is another, the part is learnt anew. Most deletions leave
the centres as they were and the sums not (Ginart et al. 2019 compare centres alone); the whole
state is that of the rows that remain.

Parts that answer together are clustered once more: their centres, each counting as its rows do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from lineage_store.errors import CheckFailed
from lineage_store.tensors import State
from unlearning.clusters.points import Integers, Keys, Points
from unlearning.clusters.steps import (
    STEPS,
    candidates_for,
    candidates_of,
    chosen,
    keys_in,
    moved,
    sums_of,
)
from unlearning.linear.gram import named


@dataclass(frozen=True)
class ClusterRule:
    """How clusters follow from rows: at most how many, and by which seed."""

    clusters: int
    seed: int


@dataclass(frozen=True)
class ClusterPart:
    """The steps of a part, of k clusters in D coordinates, the last E of them named.

    `candidates` (C, 16) are the keys of the rows that starts were chosen from, `first` (k,) which
    of them they are; `centres` (STEPS + 1, k, D) where clusters were, and `sums` (STEPS, k, D) and
    `counts` (STEPS, k) what was nearest to them. `columns` and `entries` (E,) name coordinates.
    """

    candidates: Keys
    first: Integers
    columns: Integers
    entries: Integers
    centres: Integers
    sums: Integers
    counts: Integers

    def to_state(self) -> State:
        """Return the arrays by name."""
        return {one.name: np.ascontiguousarray(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def from_state(cls, state: State) -> "ClusterPart":
        """Read the arrays back."""
        return cls(**{one.name: state[one.name] for one in fields(cls)})

    @property
    def last(self) -> Integers:
        """Where clusters are at last, (k, D)."""
        found: Integers = self.centres[-1]
        return found


def learnt(points: Points, rule: ClusterRule) -> ClusterPart:
    """Return the steps of points; of none there are no clusters."""
    few = points.take(candidates_of(points, clusters=rule.clusters, seed=rule.seed))
    first = chosen(few, clusters=rule.clusters, seed=rule.seed)
    start = few.values[first]
    shape = (len(first), points.values.shape[1])
    nothing = ClusterPart(
        few.keys,
        np.array(first, np.int64),
        points.columns,
        points.entries,
        np.repeat(start[np.newaxis], STEPS + 1, axis=0),
        np.zeros((STEPS, *shape), np.int64),
        np.zeros((STEPS, len(first)), np.int64),
    )
    return _taken_from(nothing, 0, points, rule)


def without(
    part: ClusterPart, gone: Points, left: Callable[[], Points], rule: ClusterRule
) -> ClusterPart | None:
    """Return the steps without points that leave others; None if they must be learnt anew.

    `left` gives the others, and is asked only where a centre moves. Raises CheckFailed if `gone`
    are not in it.
    """
    if keys_in(gone.keys, part.candidates).any():
        return None
    before, less = int(part.counts[0].sum()), int(gone.counts.sum())
    sizes = {candidates_for(total, clusters=rule.clusters) for total in (before, before - less)}
    if len(sizes) > 1:
        return None
    gone = gone.along(part.columns, part.entries)
    sums, counts = part.sums.copy(), part.counts.copy()
    for step in range(STEPS):
        theirs, many = sums_of(gone, part.centres[step])
        sums[step] -= theirs
        counts[step] -= many
        if (counts[step] < 0).any():
            raise CheckFailed(
                "The rows to be taken out are not among those that were clustered: nothing was "
                "changed; restore the workspace from a backup, or ask for `strategy` "
                "retrain-shards."
            )
        after = _after(part.centres[step], sums[step], counts[step], step, gone.numbers, rule)
        if not np.array_equal(after, part.centres[step + 1]):
            centres = part.centres.copy()
            centres[step + 1] = after
            changed = replace(part, centres=centres, sums=sums, counts=counts)
            return _taken_from(_held(changed), step + 1, left(), rule)
    return _held(replace(part, sums=sums, counts=counts))


def _held(part: ClusterPart) -> ClusterPart:
    """Return a part by numbers and the keys that a row has, of which every step has the sums."""
    numbers = part.sums.shape[2] - len(part.entries)
    there = part.sums[0, :, numbers:].any(axis=0)
    kept = np.concatenate([np.ones(numbers, np.bool_), there])
    return replace(
        part,
        columns=part.columns[there],
        entries=part.entries[there],
        centres=part.centres[:, :, kept],
        sums=part.sums[:, :, kept],
    )


def _taken_from(part: ClusterPart, first: int, points: Points, rule: ClusterRule) -> ClusterPart:
    """Take all steps from one on, whose centres are known."""
    centres, sums, counts = part.centres.copy(), part.sums.copy(), part.counts.copy()
    for step in range(first, STEPS):
        sums[step], counts[step] = sums_of(points, centres[step])
        centres[step + 1] = _after(
            centres[step], sums[step], counts[step], step, points.numbers, rule
        )
    return replace(part, centres=centres, sums=sums, counts=counts)


def _after(
    centres: Integers, sums: Integers, counts: Integers, step: int, numbers: int, rule: ClusterRule
) -> Integers:
    return moved(centres, sums, counts, step=step, numbers=numbers, seed=rule.seed)


def joined(parts: Sequence[ClusterPart], rule: ClusterRule) -> ClusterPart:
    """Return one part that answers for some, at least one."""
    if len(parts) == 1:
        return parts[0]
    entries = np.unique(np.concatenate([named(one.columns, one.entries) for one in parts]))
    columns, keys = (np.ascontiguousarray(entries[name]) for name in ("column", "key"))
    told = []
    for number, part in enumerate(parts):
        numbers = np.array([[number, place] for place in range(len(part.last))], "<u8")
        made = np.ascontiguousarray(numbers.reshape(-1, 2)).view(np.uint8)
        own = Points(part.last, made, part.counts[-1], part.columns, part.entries)
        told.append(own.along(columns, keys))
    points = Points(
        np.concatenate([one.values for one in told]),
        np.concatenate([one.keys for one in told]),
        np.concatenate([one.counts for one in told]),
        columns,
        keys,
    )
    return learnt(points.take(np.flatnonzero(points.counts)), rule)
