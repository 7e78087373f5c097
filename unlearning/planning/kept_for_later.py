"""What an approximate deletion keeps of the shards it changes, and what later requests it serves.

Whatever was computed after the rows were learnt descends from them: it is kept under the verdict
*retained: derived* with an end date, or erased. `amnesiac` keeps the recorded updates that it did
not subtract, and can go on with them; `amnesiac-marginal` erases all updates and keeps the
corrected state, from which another correction starts. Once nothing is kept, the next request is
exact only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.ledger import Ledger
from unlearning.strategies.strategy import ShardDecision

EXACT = "retrain-shards"


@dataclass(frozen=True)
class Afterwards:
    """What is kept of the changed shards until a date: recorded updates, and corrected states."""

    updates: int
    states: int
    until: str

    @property
    def verdict(self) -> str:
        """Whether anything is kept to serve later requests, or all of it erased."""
        kept = self.updates or self.states
        return f"retained: derived until {self.until}" if kept else "erased"

    @property
    def served_by(self) -> tuple[str, ...]:
        """The strategies that can serve a later request of these shards: exact always can."""
        found = [name for name, kept in (("amnesiac", self.updates),
                                         ("amnesiac-marginal", self.states)) if kept]  # fmt: skip
        return (*found, EXACT)

    def in_words(self) -> str:
        """Say it in a sentence, about the shards that are changed."""
        later = " or ".join(self.served_by)
        if not (self.updates or self.states):
            return f"Nothing is kept to serve later requests of these shards: {later} alone can."
        what = f"{self.updates:,} updates" if self.updates else f"{self.states} corrected states"
        return f"Kept until {self.until} to serve later requests of these shards: {what} ({later})."

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, with what follows from it."""
        return asdict(self) | {"verdict": self.verdict, "served_by": list(self.served_by)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Afterwards":
        """Read the value back."""
        return cls(value["updates"], value["states"], value["until"])


def afterwards(
    decisions: Sequence[ShardDecision], *, ledger: Ledger, until: str
) -> Afterwards | None:
    """Count what a plan's decisions keep; None if they change no shard approximately."""
    changed = [one for one in decisions if one.action in ("subtracted", "corrected")]
    if not changed:
        return None
    updates = sum(
        len(ledger.shard(one.shard).recorded_updates() - set(one.positions))
        for one in changed
        if one.action == "subtracted"
    )
    return Afterwards(updates, sum(one.action == "corrected" for one in changed), until)
