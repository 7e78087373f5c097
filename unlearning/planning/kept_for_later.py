"""What an approximate deletion keeps of the shards it changes, and what later requests it serves.

Whatever was computed after the rows were learnt descends from them: it is kept under the verdict
*retained: derived* with an end date, or erased. A strategy says what it keeps, recorded updates or
states, and can go on with that. Once nothing is kept, the next request is exact only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.counted import counted
from lineage_store.ledger import Ledger
from unlearning.strategies.decision import Decision
from unlearning.strategies.strategy import Strategy


@dataclass(frozen=True)
class Afterwards:
    """What is kept of the changed shards until a date: recorded updates, and corrected states.

    `served_by` are the strategies that can serve a later request of these shards.
    """

    updates: int
    states: int
    until: str
    served_by: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Whether anything is kept to serve later requests, or all of it erased."""
        kept = self.updates or self.states
        return f"retained: derived until {self.until}" if kept else "erased"

    def in_words(self) -> str:
        """Say it in a sentence, about the shards that are changed."""
        later = " or ".join(self.served_by)
        if not (self.updates or self.states):
            return f"Nothing is kept to serve later requests of these shards: {later} alone can."
        what = counted(self.states, "corrected state")
        if self.updates:
            what = counted(self.updates, "update")
        return f"Kept until {self.until} to serve later requests of these shards: {what} ({later})."

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, with what follows from it."""
        return asdict(self) | {"verdict": self.verdict, "served_by": list(self.served_by)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Afterwards":
        """Read the value back."""
        return cls(
            value["updates"], value["states"], value["until"], tuple(value.get("served_by", ()))
        )


def afterwards(
    decisions: Sequence[Decision],
    *,
    strategy: Strategy[Any],
    ledger: Ledger,
    until: str,
    exact: Strategy[Any] | None,
) -> Afterwards | None:
    """Count what a plan's decisions keep; None if they change no shard approximately.

    `exact` is the strategy that can always serve, if there is one.
    """
    kept = strategy.kept_for_later(decisions, ledger)
    if kept is None:
        return None
    able = [strategy] if kept.updates or kept.states else []
    able += [exact] if exact is not None else []
    return Afterwards(kept.updates, kept.states, until, tuple(one.name for one in able))
