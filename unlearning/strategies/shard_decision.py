"""The decision that the strategies for models trained in stages share.

One type serves them all, since one of them falls back on another where that costs less. Its fields
are theirs alone: everybody else asks it as a `Decision`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lineage_store.ledger import without
from unlearning.strategies.decision import Stays

Action = Literal["kept", "retrained", "updated", "subtracted", "corrected", "empty"]

NO_UPDATES = {"updates_subtracted": 0, "updates_corrected": 0}  # as JSON has it where none was


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

    @property
    def verb(self) -> str:
        """What is done with it, in one word."""
        return self.action

    @property
    def changes(self) -> bool:
        """Whether the shard is another afterwards."""
        return self.action != "kept"

    @property
    def leaves(self) -> bool:
        """Whether no row of it remains, so that it leaves the model."""
        return self.action == "empty"

    @property
    def anew(self) -> bool:
        """Whether all that does not stay is trained again."""
        return self.action == "retrained"

    @property
    def trains(self) -> bool:
        """Whether carrying it out takes a learner."""
        return self.action in ("retrained", "updated", "corrected") or self.repair_epochs > 0

    @property
    def steps_planned(self) -> int:
        """How many steps it takes at most, a repair's included."""
        return self.steps + self.repair_steps

    @property
    def stays(self) -> Stays:
        """The units that stay as they are, or in the sum."""
        goes_on = self.action == "corrected"
        return Stays(self.kept_stages, self.resume, self.positions, goes_on=goes_on)

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, as it always was where nothing is repaired."""
        value = asdict(self) | {"positions": list(self.positions)}
        return without(value, repair_epochs=0, repair_steps=0)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ShardDecision":
        """Read the value back."""
        return cls(**{**value, "positions": tuple(value["positions"])})


def trained_from_nothing(shard: int, *, steps: int) -> ShardDecision:
    """Return the decision to train a shard for the first time."""
    return ShardDecision(shard, "retrained", 0, steps, "")
