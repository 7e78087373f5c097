"""Strategies: the ways to take rows out of a shard, behind one Protocol.

A strategy decides, for every shard, what is to be done (which costs nothing and changes nothing),
and then does it into the folder of a new ledger. It owns neither the order of the deletion run nor
its records, and nothing that it says of units is believed (`downstream`). A new strategy is a new
file and a line in `strategies`, or is registered from outside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.ledger import Ledger, ShardLedger, StageRecord, without
from lineage_store.placement import Partition, Stage, batch_of, row_bits, schedule
from lineage_store.rows import RowStore

MOVED = "the weights that it started from change"
Action = Literal["kept", "retrained", "updated", "subtracted", "corrected", "empty"]
TRAINING: tuple[Action, ...] = ("retrained", "updated", "corrected")  # they need a learner
StrategyGuarantee = Literal["exact", "certified", "approximate"]


@dataclass(frozen=True)
class Situation:
    """What a strategy may look at: the old ledger, and where the deleted rows stood.

    `deleted` maps (shard, slice) to the row keys (n, 16) of deleted training rows; `new_counts`
    are the training rows that remain, by shard and slice. `fresh_start` says why nothing of the
    old run may be reused, if that is so; `moved` are the shards of which nothing may be reused,
    since the weights that they started from change. `watched` are the places of deleted evaluation
    rows that had a part in when stages ended: none without early stopping. `adapts` says that the
    module may set a shard's start from its first rows.
    """

    ledger: Ledger
    deleted: Mapping[tuple[int, int], npt.NDArray[np.uint8]]
    new_counts: Sequence[Sequence[int]]
    fresh_start: str | None
    watched: frozenset[tuple[int, int]] = frozenset()
    moved: frozenset[int] = frozenset()
    adapts: bool = True

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
        bits = row_bits(self.deleted[shard, first])
        places = batch_of(
            bits, seed=self.partition.seed, stage=first, epoch=0, batches=stage.batches
        )
        return stage.position(epoch=0, batch=int(places.min()))

    def new_stages(self, shard: int) -> tuple[Stage, ...]:
        """Plan the stages of a shard on the rows that remain."""
        return schedule(self.new_counts[shard], self.partition)


def stage_of(record: StageRecord) -> Stage:
    """Return the schedule entry of a stage as it was run."""
    return Stage(record.stage, record.rows, record.epochs, record.batches, record.first_position)


@dataclass(frozen=True)
class ShardDecision:
    """What is done with one shard.

    `kept_stages` is how many stages' checkpoints stay; `steps` how many steps are planned to be
    computed; `positions` the steps whose updates are subtracted, or corrected. `resume` is the
    position of the last step that is taken over of the stage after those, if any is.
    `steps_from_slice` and `steps_from_start` are what starting at the slice's boundary, or from
    nothing, would take. `repair_epochs` are how many epochs of repair follow a subtraction at most,
    in `repair_steps` steps besides (`repair`).
    """

    shard: int
    action: Action
    kept_stages: int
    steps: int
    why: str
    positions: tuple[int, ...] = ()
    resume: int | None = None
    steps_from_slice: int = 0
    steps_from_start: int = 0
    repair_epochs: int = 0
    repair_steps: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, as it always was where nothing is repaired."""
        value = asdict(self) | {"positions": list(self.positions)}
        return without(value, repair_epochs=0, repair_steps=0)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ShardDecision":
        """Read the value back."""
        return cls(**{**value, "positions": tuple(value["positions"])})


class Strategy(Protocol):
    """A way to forget."""

    @property
    def name(self) -> str:
        """The name on the command line."""

    @property
    def guarantee(self) -> StrategyGuarantee:
        """What a result of this strategy may be called."""

    @property
    def needs_learner(self) -> bool:
        """Whether `apply` takes training steps."""

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Decide for every shard; raises BadInput if the strategy cannot serve here."""

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Any,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Carry out one decision into the new ledger's folder of the shard.

        `store` has the rows that remain, and `old_store` those that the old ledger was made from.
        `run` is what the family's learner makes of the run (`Learner.run`).
        """
