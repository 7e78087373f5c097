"""What outlives a decision: with which shard what was done, in a word (law 9).

Which stages stayed, and which steps were taken back, follows from the rows that went: it is for the
run, and ends with it.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unlearning.strategies.decision import Decision, Stays

KEY = "past"
NUMBER = r"\d+(?:,\d{3})*"
PLACES = re.compile(
    rf"\b(stage|slice|step|batch|update|epoch)(s?) {NUMBER}(?:(?: to|,| and| or) {NUMBER})*"
)


def without_places(text: str) -> str:
    """Return a text that names no place within a shard: `stage 2 of shard 1`, `a stage of ...`."""
    return PLACES.sub(lambda found: f"{found[1]}s" if found[2] else _one(found[1]), text)


def _one(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


@dataclass(frozen=True)
class PastDecision:
    """What was done with one shard; the rest is as in `Decision`."""

    shard: int
    verb: str
    changes: bool
    leaves: bool
    anew: bool
    repair_epochs: int = 0
    why: str = ""
    trains: bool = False
    steps_planned: int = 0

    @property
    def stays(self) -> Stays:
        """Nothing is said of single units."""
        return Stays()

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {KEY: asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "PastDecision":
        """Read the value back."""
        return cls(**value[KEY])


def past_decision(decision: Decision) -> PastDecision:
    """Return what outlives a decision."""
    return PastDecision(
        shard=decision.shard,
        verb=decision.verb,
        changes=decision.changes,
        leaves=decision.leaves,
        anew=decision.anew,
        repair_epochs=decision.repair_epochs,
        why=without_places(decision.why),
    )
