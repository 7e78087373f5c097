"""Strategies: the ways to take rows out of a shard, behind one Protocol.

A strategy decides, for every shard, what is to be done (which costs nothing and changes nothing),
and then does it into the folder of a new ledger. What it costs, what becomes of units, what is to
be checked and what people are told of it are its own as well; nothing else names it. It owns
neither the order of the deletion run nor its records, and nothing that it says of units is believed
(`downstream`). A new strategy is a new file and a line in `known_strategies`, or is registered from
outside; its decisions are of a type of its own (`decision`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from lineage_store.claim import Claim
from lineage_store.ledger import Ledger, ShardLedger, StageRecord
from lineage_store.placement import U64, Partition, Stage, batch_of, row_bits, schedule
from lineage_store.rows import RowStore
from lineage_store.tensors import LEARNT
from unlearning.strategies.decision import (
    Cost,
    Decision,
    DecisionWords,
    Exposure,
    Fate,
    KeptForLater,
    Unit,
)

MOVED = "the weights that it started from change"
NOT_EARNED = "what was taken again of it is not what was recorded: "
Holds = Callable[[Ledger], str | None]
D = TypeVar("D", bound=Decision)


@dataclass(frozen=True)
class Situation:
    """What a strategy may look at: the old ledger, and where the deleted rows stood.

    `deleted` maps (shard, slice) to the row keys (n, 16) of deleted training rows; `new_counts`
    are the training rows that remain, by shard and slice. `fresh_start` says why nothing of the
    old run may be reused, if that is so; `moved` are the shards of which nothing may be reused,
    since the weights that they started from change, or a replay differs: `not_earned` says how.
    `watched` are the places of deleted evaluation
    rows that had a part in when stages ended: none without early stopping. `adapts` says that the
    module may set a shard's start from its first rows. `groups` are the bits of each deleted row's
    group, by row key, where rows have groups.
    """

    ledger: Ledger
    deleted: Mapping[tuple[int, int], npt.NDArray[np.uint8]]
    new_counts: Sequence[Sequence[int]]
    fresh_start: str | None
    watched: frozenset[tuple[int, int]] = frozenset()
    moved: frozenset[int] = frozenset()
    not_earned: Mapping[int, str] = field(default_factory=dict)
    adapts: bool = True
    groups: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def partition(self) -> Partition:
        """How the run cut its data."""
        return self.ledger.partition

    def first_slice(self, shard: int) -> int | None:
        """Return the first slice of a shard that loses rows, or None."""
        places = {*self.deleted, *self.watched}
        return min((slice_ for s, slice_ in places if s == shard), default=None)

    def clean_stages(self, shard: int) -> int | None:
        """Count the leading stages that never saw a deleted row; None if the shard loses none.

        Stages before a shard's first row took no step, but they have its start, and a module may
        have adapted that to the first slice that has rows: then they are not clean either.
        """
        first = self.first_slice(shard)
        if not first:
            return first
        before = self.ledger.shard(shard).stages()[first - 1]
        return first if before.rows or not self.adapts else 0

    def has_learnt_from(self, shard: int) -> bool:
        """Say whether a shard holds words, or edges, that layers learnt from rows that go.

        No correction of weights takes these out: the shard has to be trained anew.
        """
        if not self.adapts or self.clean_stages(shard) != 0:
            return False
        state = self.ledger.shard(shard).final_weights()
        return any(name.startswith(LEARNT) for name in state)

    def first_position(self, shard: int) -> int | None:
        """Return the position of the first step that saw a deleted row of a shard, or None.

        It lies in the first epoch of the stage of the first slice that loses rows: an epoch meets
        every row of its stage. Evaluation rows have a part in the stage from that epoch's end on.
        """
        first = self.first_slice(shard)
        if first is None:
            return None
        stage = stage_of(self.ledger.shard(shard).stages()[first])
        if (shard, first) not in self.deleted:
            return stage.position(epoch=1, batch=0)
        places = batch_of(
            self.batch_bits(shard, first),
            seed=self.partition.seed,
            stage=first,
            epoch=0,
            batches=stage.batches,
        )
        return stage.position(epoch=0, batch=int(places.min()))

    def batch_bits(self, shard: int, slice_: int) -> U64:
        """Return what places the deleted rows of a slice in batches, (n,)."""
        row_keys = self.deleted[shard, slice_]
        if not self.ledger.header.grouped:
            return row_bits(row_keys)
        return np.array([self.groups[key.tobytes()] for key in row_keys], np.uint64)

    def new_stages(self, shard: int) -> tuple[Stage, ...]:
        """Plan the stages of a shard on the rows that remain."""
        return schedule(self.new_counts[shard], self.partition)


def groups_of(row_keys: npt.NDArray[np.uint8], bits: U64) -> dict[bytes, int]:
    """Return the bits of groups (n,) by the keys of their rows (n, 16)."""
    return dict(zip(map(bytes, row_keys), bits.tolist(), strict=True))


def stage_of(record: StageRecord) -> Stage:
    """Return the schedule entry of a stage as it was run."""
    return Stage(record.stage, record.rows, record.epochs, record.batches, record.first_position)


@dataclass(frozen=True)
class Witnesses:
    """What a strategy's checks may ask besides the ledger that they are put to.

    `old` is the ledger before the deletion and `model` the id of the result; `before` are the rows
    as they were, None if they are not given, and `after` those that remain. `run` is what a family
    gives its strategies, of the old ledger; None if no shard takes steps.
    """

    old: Ledger
    model: str | None
    before: RowStore | None
    after: RowStore
    run: Any


class Strategy(Protocol[D]):
    """A way to take a forget set out of the shards of some families' models."""

    repairs: bool = False
    """Whether a repair may follow: its decisions then have `repair_epochs` and `repair_steps`."""

    @property
    def name(self) -> str:
        """The name on the command line."""

    @property
    def families(self) -> tuple[str, ...] | None:
        """The families whose models it serves; None for all."""

    @property
    def claim(self) -> Claim:
        """What a result of this strategy may say of itself."""

    def decide(self, situation: Situation) -> tuple[D, ...]:
        """Decide for every shard; raises BadInput if the strategy cannot serve here."""

    def read(self, value: Mapping[str, Any]) -> D:
        """Read a decision back from what `decision_json` made of it."""

    def cost(self, decisions: Sequence[D], ledger: Ledger) -> Cost:
        """Say what carrying decisions out takes, of a model with this old ledger."""

    def apply(
        self, decision: D, *, old: ShardLedger, new: ShardLedger, run: Any,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Carry out one decision into the new ledger's folder of the shard.

        `store` has the rows that remain, and `old_store` those that the old ledger was made from.
        `run` is what the family's learner makes of the run (`Learner.run`).
        """

    def verdict(self, decision: D, unit: Unit, *, until: str) -> Fate | None:
        """Say what becomes of a unit that the decision does not leave; None if it stays after all.

        What is kept although it is derived from the rows is kept until a date.
        """

    def check(self, decisions: Sequence[D], witnesses: Witnesses) -> Mapping[str, Holds]:
        """Return the checks of what was done, by name; each says why a ledger fails it, or None.

        Each is put to the untouched ledger too. The engine has checks of its own.
        """

    def words(self, decisions: Sequence[D]) -> DecisionWords:
        """Say for people what was done."""

    def kept_for_later(self, decisions: Sequence[D], ledger: Ledger) -> KeptForLater | None:
        """Count what stays of changed shards to serve later requests; None if nothing could."""
        return None

    def warning(self, model: str, exposure: Exposure) -> str | None:
        """Say in a sentence why it had better not be done here; None if nothing speaks against."""
        return None
