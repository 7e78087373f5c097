"""What passes between a strategy and the engine: decisions, and what a strategy says of them.

The engine asks a decision only what stands in `Decision`; all else in it is its strategy's own. It
sees four kinds of decision, by these answers and no other:

    not `changes`   the whole shard stays as it is
    `leaves`        the shard has no rows left, and is no part of the model any more
    `anew`          what does not stay is trained again, from the rows that remain
    none of these   patched: what learnt from the rows stays, and their part in it is taken back

What a decision says that it leaves (`stays`) is compared with the engine's own list of what depends
on the rows; it is never a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Stays:
    """The units of a shard that stay as they are: leading stages, and steps of the next one.

    `resume` is the position of the last step that is taken over of the stage after `stages`.
    `taken_back` are the steps whose part is taken back from what a patched shard keeps of them;
    `goes_on` says that a correction is built on, so that what it took back stays so.
    """

    stages: int = 0
    resume: int | None = None
    taken_back: tuple[int, ...] = ()
    goes_on: bool = False


class Decision(Protocol):
    """What is done with one shard, as far as anybody but its strategy asks."""

    @property
    def shard(self) -> int:
        """The number of the shard."""

    @property
    def verb(self) -> str:
        """What is done with it, in one word: for JSON, the certificate, and people."""

    @property
    def why(self) -> str:
        """The reason, in half a sentence."""

    @property
    def changes(self) -> bool:
        """Whether the shard is another afterwards."""

    @property
    def leaves(self) -> bool:
        """Whether no row of it remains, so that it leaves the model."""

    @property
    def anew(self) -> bool:
        """Whether all that does not stay is trained again, and recorded as training is."""

    @property
    def trains(self) -> bool:
        """Whether carrying it out takes steps of training, a repair's included."""

    @property
    def steps_planned(self) -> int:
        """How many steps those are, at most."""

    @property
    def stays(self) -> Stays:
        """The units that stay as they are, or in the sum."""

    @property
    def repair_epochs(self) -> int:
        """How many epochs of repair follow at most (`repair`); 0 is none."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON, which its strategy reads back."""


def is_patched(decision: Decision) -> bool:
    """Say whether what learnt from the rows stays, less what is taken back."""
    return decision.changes and not decision.leaves and not decision.anew


def decision_json(decision: Decision) -> dict[str, Any]:
    """Return a decision as plans hold it: what everybody may read of any, and its own fields."""
    common = {
        "shard": decision.shard,
        "action": decision.verb,
        "steps": decision.steps_planned,
        "why": decision.why,
        "kept_stages": decision.stays.stages,
    }
    return common | decision.to_json()


@dataclass(frozen=True)
class Unit:
    """A unit of a shard that a decision does not leave as it is.

    `kind` is its type in the lineage. `depends` says that the engine found it downstream of the
    rows; `is_repair` that it is of a repair after an earlier subtraction.
    """

    kind: str
    stage: int
    position: int | None
    depends: bool
    is_repair: bool


@dataclass(frozen=True)
class Fate:
    """What becomes of a unit, in the words of law 4, and why."""

    verdict: str
    why: str


@dataclass(frozen=True)
class Cost:
    """What decisions take: seconds, bytes that are written, rows that are read, steps if any."""

    seconds: float = 0.0
    bytes: int = 0
    rows: int = 0
    steps: int = 0


@dataclass(frozen=True)
class KeptForLater:
    """What decisions keep of changed shards for later requests: recorded updates, and states."""

    updates: int = 0
    states: int = 0


@dataclass(frozen=True)
class DecisionWords:
    """What people are told of a strategy's decisions on a model.

    `done` are half sentences for the report, `lines` texts by their labels for JSON and terminal,
    and `numbers` stand in JSON by their names.
    """

    done: tuple[str, ...] = ()
    lines: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {"done": list(self.done), "lines": dict(self.lines), "numbers": dict(self.numbers)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "DecisionWords":
        """Read the value back."""
        return cls(tuple(value["done"]), value["lines"], value["numbers"])


@dataclass(frozen=True)
class Exposure:
    """How many of the `updates` of the shards that lose rows saw one of these."""

    affected: int
    updates: int

    @property
    def share(self) -> float:
        """The share of the updates that is affected."""
        return self.affected / self.updates if self.updates else 0.0

    def in_words(self) -> str:
        """Say it in half a sentence."""
        return (
            f"{self.affected:,} of the {self.updates:,} updates ({self.share:.1%}) of the shards "
            f"that lose rows saw one of them"
        )
