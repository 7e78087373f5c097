"""What one request to forget one row is expected to cost, in steps, before anybody asks.

A row in slice r of a shard costs the shard's stages from r on, so a cell (shard, slice) costs

    c(s, r) = sum of the steps of stages r, r + 1, ... of shard s

With n rows in a band, n(s, r) of them in a cell, a request for a row of the band costs the mean
C(b) = sum over the band's cells of n(s, r) / n times c(s, r). A *pattern* is the share q(b) of
requests that each band gets, and an expected request costs the sum of q(b) C(b). Without a pattern
every row is as likely as any other: q(b) is the band's share of the rows.

Beside it stands the uniform placement: the same rows with no bands, spread evenly, where every
pattern costs the same. Steps are planned ones, all checkpoints are taken to be there, and the row
that leaves is not taken off the counts, which seldom changes a stage's number of batches.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.placement import Partition, band_at, schedule

Counts = Sequence[Sequence[int]]


@dataclass(frozen=True)
class BandCost:
    """One band: its training rows, its share of the requests, and the steps of one of them."""

    band: int
    rows: int
    share: float
    steps: float


@dataclass(frozen=True)
class ExpectedCost:
    """The expected steps of one request, placed as configured and placed uniformly.

    `steps_full` and `uniform_steps_full` are those of training all shards from nothing;
    `shard_rows` says how even the shards are.
    """

    bands: tuple[BandCost, ...]
    steps: float
    steps_full: int
    uniform_steps: float
    uniform_steps_full: int
    shard_rows: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self) | {
            "bands": [asdict(band) for band in self.bands],
            "shard_rows": list(self.shard_rows),
        }


def expected_cost(
    counts: Counts, partition: Partition, *, pattern: Sequence[float] | None = None
) -> ExpectedCost:
    """Return what a request is expected to cost; `counts[shard][slice]` are training rows.

    `pattern` has a share for each band, all together 1. Raises BadInput for another one, and for a
    share of requests that goes to a band without rows.
    """
    costs = cell_steps(counts, partition)
    rows = [0] * partition.bands
    weighted = [0] * partition.bands
    for shard, line in enumerate(counts):
        for slice_, count in enumerate(line):
            band = band_at(shard, slice_, partition)
            rows[band] += count
            weighted[band] += count * costs[shard][slice_]
    shares = _shares(rows, pattern)
    bands = tuple(
        BandCost(band, count, share, total / count if count else 0.0)
        for band, (count, share, total) in enumerate(zip(rows, shares, weighted, strict=True))
    )
    plain = replace(partition, risk_rules=(), risk_shards=0, risk_share=0)
    even = even_counts(sum(rows), plain)
    even_costs = cell_steps(even, plain)
    return ExpectedCost(
        bands=bands,
        steps=sum(band.share * band.steps for band in bands),
        steps_full=sum(line[0] for line in costs),
        uniform_steps=_mean(even, even_costs),
        uniform_steps_full=sum(line[0] for line in even_costs),
        shard_rows=tuple(map(sum, counts)),
    )


def cell_steps(counts: Counts, partition: Partition) -> list[list[int]]:
    """Return, for each shard and slice, the steps that a request for a row there costs."""
    found = []
    for line in counts:
        steps = [stage.steps for stage in schedule(line, partition)]
        found.append([sum(steps[slice_:]) for slice_ in range(len(steps))])
    return found


def even_counts(rows: int, partition: Partition) -> list[list[int]]:
    """Spread rows over all shards and slices, as evenly as whole rows can be."""
    cells = partition.shards * partition.slices
    each, over = divmod(rows, cells)
    return [
        [each + (slice_ * partition.shards + shard < over) for slice_ in range(partition.slices)]
        for shard in range(partition.shards)
    ]


def _mean(counts: Counts, costs: Counts) -> float:
    total = sum(map(sum, counts))
    weighted = sum(
        count * cost
        for line, prices in zip(counts, costs, strict=True)
        for count, cost in zip(line, prices, strict=True)
    )
    return weighted / total if total else 0.0


def _shares(rows: Sequence[int], pattern: Sequence[float] | None) -> list[float]:
    if pattern is None:
        total = sum(rows)
        return [count / total if total else 0.0 for count in rows]
    if len(pattern) != len(rows):
        raise BadInput(
            f"The request pattern has {len(pattern)} shares, and the model's rows are of "
            f"{len(rows)} bands: give one share for each, band 0 first."
        )
    if not all(0 <= share <= 1 for share in pattern) or not math.isclose(
        sum(pattern), 1, abs_tol=1e-6
    ):
        raise BadInput("The request pattern is none: its shares go from 0 to 1 and add up to 1.")
    for band, (count, share) in enumerate(zip(rows, pattern, strict=True)):
        if share and not count:
            raise BadInput(
                f"Band {band} has no training row, so no request can be for one: "
                f"give it the share 0."
            )
    return list(pattern)
