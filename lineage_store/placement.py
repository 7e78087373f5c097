"""Where a row goes: its shard, its slice, and its batch in every epoch.

Law 1. A row's shard and slice are pure functions of its own place digest, and its batch in an
epoch is a pure function of its row key and the stage's number of batches; of its place digest, if
rows have groups, which places them: a group's rows share all their batches, and a batch is as large
as its groups are. That number comes from
the rows of the stage alone, rounded up on a grid of 10 % steps, so that a deletion seldom changes
it, and then only in stages that retrain anyway. Nothing is stored per row and epoch: which batches
saw a row is computed.

Rows that are likely to be withdrawn may go to late slices and to few shards (deletion-aware
placement, after Bourtoule et al. 2021, section VII). How likely a row is, its band, is told by
rules from the row's own text (`risk.py`) and stands in the first byte of its place digest, so
everything that holds places holds bands. Without rules all 64 bits are digest.

The digests are keyed (HMAC), so a cheap mixing function is enough to draw several independent
numbers from each; it is the finaliser of SplitMix64 (Steele, Lea and Flood 2014, figure 17).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Partition:
    """How a training run cuts its data: part of the configuration, never inferred from it.

    `risk_rules` are the rules as recorded, in order of rising risk: one band of rows for each, and
    band 0 for the rest. Rows of a band above 0 go to the first `risk_shards` shards only (0 means
    all); `risk_share` is the percentage of rows that the user expects to be such, to even out the
    shards.
    """

    shards: int
    slices: int
    epochs: int
    batch_size: int
    seed: int
    risk_rules: tuple[str, ...] = ()
    risk_shards: int = 0
    risk_share: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "risk_rules", tuple(self.risk_rules))  # JSON gives a list

    @property
    def bands(self) -> int:
        """The number of bands of rows, band 0 included."""
        return 1 + len(self.risk_rules)

    @property
    def taking(self) -> int:
        """How many shards, from the first on, take rows of bands above 0."""
        return self.risk_shards or self.shards

    @property
    def early_slices(self) -> int:
        """The slices for rows of band 0 where each band above it has a slice of its own."""
        return self.slices - self.bands + 1

    def cuts_as(self, other: "Partition") -> bool:
        """Say whether it has the shards and slices of another."""
        return (self.shards, self.slices) == (other.shards, other.slices)

    @property
    def stage_epochs(self) -> int:
        """Epochs of each stage, so that all stages cost about `epochs` epochs of plain training.

        The rule is 2 E / (R + 1) (Bourtoule et al. 2021, section V-B), at least one.
        """
        return max(1, round(2 * self.epochs / (self.slices + 1)))


UNCUT = Partition(shards=1, slices=1, epochs=1, batch_size=1, seed=0)
"""One shard of one slice: of data that no model is trained on yet."""


@dataclass(frozen=True)
class Stage:
    """One stage of one shard: it trains on slices 0 to `index` and ends in a checkpoint.

    `first_position` is the planned position of its first step within the shard.
    """

    index: int
    rows: int
    epochs: int
    batches: int
    first_position: int

    @property
    def steps(self) -> int:
        """The planned number of steps; a batch that no row falls into is not executed."""
        return self.epochs * self.batches

    def position(self, *, epoch: int, batch: int) -> int:
        """Return the planned position of a step within the shard."""
        return self.first_position + epoch * self.batches + batch


@dataclass(frozen=True, order=True)
class BatchId:
    """The name of a batch: one shard's stage, epoch and batch number."""

    shard: int
    stage: int
    epoch: int
    batch: int

    def __str__(self) -> str:
        return f"s{self.shard}.r{self.stage}.e{self.epoch}.b{self.batch}"


def mix_int(value: int) -> int:
    """Mix one 64-bit integer (the scalar twin of `mix`)."""
    value &= MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def mix(values: U64) -> U64:
    """Mix 64-bit integers element by element, shape and dtype kept."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def tweak(*numbers: int) -> int:
    """Fold small integers (a purpose, a seed, a stage, ...) into one 64-bit constant."""
    state = 0
    for number in numbers:
        state = mix_int(state + GOLDEN + number)
    return state


def draw(values: U64, *, constant: int, choices: int) -> I64:
    """Draw from 0 to choices - 1 for each value, evenly for values that are evenly spread."""
    if not 0 < choices <= MOST_CHOICES:
        raise ValueError(f"choices must be between 1 and 2**32, not {choices}")
    high = mix(values ^ np.uint64(constant)) >> np.uint64(32)
    return ((high * np.uint64(choices)) >> np.uint64(32)).astype(np.int64)


MOST_CHOICES = 1 << 32
SHARD, SLICE, BATCH, BUCKET, EVALUATION = tweak(1), tweak(2), 3, tweak(4), tweak(5)
CELL_ROWS = 4096
BAND_SHIFT, DIGEST_BITS = np.uint64(56), np.uint64((1 << 56) - 1)


def shard_of(places: U64, shards: int) -> I64:
    """Return the shard of each place digest, by chance alone."""
    return draw(places, constant=SHARD, choices=shards)


def slice_of(places: U64, slices: int) -> I64:
    """Return the slice of each place digest, by chance alone."""
    return draw(places, constant=SLICE, choices=slices)


def bucket_of(places: U64, buckets: int) -> I64:
    """Return the bucket of each place digest within its slice: which cell of it a row lies in.

    No bit of a model depends on it: a slice's rows are the union of its cells', in row-key order.
    """
    return draw(places & DIGEST_BITS, constant=BUCKET, choices=buckets)


def bucket_count(rows: int, partition: Partition) -> int:
    """Return how many buckets a slice has, so that at most 4,096 rows are expected in a cell.

    It is fixed when a model is trained on so many rows, and stays when they become fewer.
    """
    return max(1, -(-rows // (partition.shards * partition.slices * CELL_ROWS)))


def banded(place: bytes, band: int) -> bytes:
    """Return an 8-byte place digest that carries a band in its first byte."""
    return bytes([band]) + place[1:]


def cells_of(places: U64, partition: Partition) -> tuple[I64, I64]:
    """Return the shard and the slice of each row from its place: the one way to ask for them.

    A band above 0 has one slice, the last band the last: a request then costs its shard as few
    stages as there are bands from there on, and a second slice for the band could only add to
    that. A shard that takes no such rows needs no slice for them, so band 0 has all of it.
    Raises ValueError for a place of a band that the partition does not have.
    """
    if partition.bands == 1:
        return shard_of(places, partition.shards), slice_of(places, partition.slices)
    band = (places >> BAND_SHIFT).astype(np.int64)
    if band.size and band.max() >= partition.bands:
        raise ValueError(f"a row is of band {band.max()}, and there are {partition.bands} bands")
    digest = places & DIGEST_BITS
    early, risky = partition.early_slices, band > 0
    shard = np.where(risky, shard_of(digest, partition.taking), _unlikely_shard(digest, partition))
    narrow, wide = slice_of(digest, early), slice_of(digest, partition.slices)
    unlikely = np.where(shard < partition.taking, narrow, wide)
    return shard, np.where(risky, early + band - 1, unlikely)


def _unlikely_shard(digest: U64, partition: Partition) -> I64:
    """Return the shards of rows of band 0: fewer of them where the likely ones are expected.

    With S shards, of which N take the share p of the rows, a shard's even part is 1/S, of which one
    of the N gets p/N from the bands above 0: so 1/S - p/N is left there for band 0 (or nothing),
    and 1/S elsewhere. Times S N, with p in per cent, these are the whole numbers below.
    """
    shards, taking = partition.shards, partition.taking
    full = 100 * taking
    rest = max(0, full - partition.risk_share * shards)
    drawn = draw(digest, constant=SHARD, choices=taking * rest + (shards - taking) * full)
    ahead = drawn - taking * rest
    return np.where(ahead < 0, drawn // max(1, rest), taking + ahead // full)


def band_at(shard: int, slice_: int, partition: Partition) -> int:
    """Return the band of the rows that lie in a slice of a shard."""
    if shard >= partition.taking:
        return 0
    return max(0, slice_ - partition.early_slices + 1)


def batch_of(row_bits: U64, *, seed: int, stage: int, epoch: int, batches: int) -> I64:
    """Return each row's batch in one epoch of a stage that has `batches` batches."""
    return draw(row_bits, constant=tweak(BATCH, seed, stage, epoch), choices=batches)


def row_bits(row_keys: npt.NDArray[np.uint8]) -> U64:
    """Return the 64 bits of each row key that place it in batches (shape (n, 16) to (n,)).

    The other half decides the split, so that the two are independent.
    """
    half: U64 = np.ascontiguousarray(row_keys[:, 8:]).view(">u8").reshape(-1).astype(np.uint64)
    return half


def in_evaluation(row_key: bytes, *, percent: int) -> bool:
    """Say whether a row belongs to the evaluation split: a function of its key alone."""
    return int.from_bytes(row_key[:8], "big") * 100 < percent << 64


def evaluated(row_keys: npt.NDArray[np.uint8], *, percent: int) -> npt.NDArray[np.bool_]:
    """Say which rows are of the evaluation split, from their keys (n, 16), as `in_evaluation`."""
    first: U64 = np.ascontiguousarray(row_keys[:, :8]).view(">u8").reshape(-1).astype(np.uint64)
    end = -(-(percent << 64) // 100)  # the least that does not
    if not 0 < end <= MASK:
        return np.full(len(first), end > 0)
    return first < np.uint64(end)


def placed_in_evaluation(places: U64, *, percent: int) -> npt.NDArray[np.bool_]:
    """Say which rows are of the evaluation split, from their places: rows of one place together."""
    return draw(places & DIGEST_BITS, constant=EVALUATION, choices=100) < percent


def in_bands(places: U64, bands: U64) -> U64:
    """Return places that carry bands in their first bytes, as `banded` does."""
    return (places & DIGEST_BITS) | (bands << BAND_SHIFT)


def batch_count(rows: int, batch_size: int) -> int:
    """Return the number of batches for a stage: rows over batch size, up to the 10 % grid.

    The grid is 1, 2, ..., 11, 13, 15, 17, 19, 21, 24, ...: each point the least integer that is
    at least 10 % above the one before.
    """
    wanted = -(-rows // batch_size)
    point = 0
    while point < wanted:
        point = max(point + 1, -(-point * 11 // 10))
    return point


def schedule(slice_rows: Sequence[int], partition: Partition) -> tuple[Stage, ...]:
    """Plan the stages of one shard from the number of training rows in each of its slices."""
    stages = []
    position = rows = 0
    for index, count in enumerate(slice_rows):
        rows += count
        stage = Stage(
            index=index,
            rows=rows,
            epochs=partition.stage_epochs,
            batches=batch_count(rows, partition.batch_size),
            first_position=position,
        )
        stages.append(stage)
        position += stage.steps
    return tuple(stages)


def batches_of_rows(
    bits: U64,
    *,
    shard: int,
    first_stage: int,
    stages: Sequence[Stage],
    seed: int,
) -> Iterator[tuple[BatchId, npt.NDArray[np.int64]]]:
    """Yield every batch that saw any of the rows, with the indices of the rows it saw.

    `bits` (n,) place the rows in batches, which are all of one slice of one shard: `first_stage` is
    that slice.
    """
    for stage in stages[first_stage:]:
        if not stage.batches:
            continue
        for epoch in range(stage.epochs):
            places = batch_of(
                bits, seed=seed, stage=stage.index, epoch=epoch, batches=stage.batches
            )
            for batch in np.unique(places):
                where: npt.NDArray[Any] = np.flatnonzero(places == batch)
                yield BatchId(shard, stage.index, epoch, int(batch)), where
