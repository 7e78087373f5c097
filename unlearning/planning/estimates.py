"""What each strategy would cost, before it runs: steps, seconds, bytes; learnt from the old ledger.

    seconds = build + trace + what the strategy says + finish
    bytes   = what the strategy says + the served model

Build (the model), trace (its graph, if a step is taken) and finish (evaluation, export) are those
of the run that made the old ledger. What stands around the unlearning (gate, pipeline, checks,
erasure, scan) is the same for all strategies and is not counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage_store.claim import Claim, claim_of
from lineage_store.errors import BadInput
from lineage_store.ledger import load_timings
from unlearning.strategies.decision import Decision
from unlearning.strategies.repair import decided
from unlearning.strategies.strategy import Situation, Strategy


@dataclass(frozen=True)
class Estimate:
    """What one strategy would take and give; `why_not` says why it cannot serve, if it cannot."""

    strategy: str
    guarantee: str
    steps: int
    seconds: float
    bytes: int
    why_not: str | None = None

    @property
    def claim(self) -> Claim:
        """What its result may say of itself."""
        return claim_of(self.guarantee)

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self)

    def fits(self, limits: "Limits") -> bool:
        """Whether the strategy can serve within limits."""
        return self.why_not is None and limits.allow(seconds=self.seconds, written=self.bytes)


@dataclass(frozen=True)
class Limits:
    """What a deletion may take at most: seconds of unlearning, bytes that it writes."""

    seconds: float | None = None
    bytes: int | None = None

    def allow(self, *, seconds: float, written: int) -> bool:
        """Whether an estimate is within the limits."""
        return (self.seconds is None or seconds <= self.seconds) and (
            self.bytes is None or written <= self.bytes
        )

    def less(self, estimate: Estimate) -> "Limits":
        """Return what is left after something of an estimated cost."""
        return Limits(
            None if self.seconds is None else self.seconds - estimate.seconds,
            None if self.bytes is None else self.bytes - estimate.bytes,
        )

    @property
    def given(self) -> bool:
        """Whether there is any limit."""
        return self.seconds is not None or self.bytes is not None


@dataclass(frozen=True)
class Option:
    """What one strategy would do here, and cost; no decisions if it cannot serve."""

    estimate: Estimate
    decisions: tuple[Decision, ...]


def options(
    situation: Situation, strategies: Mapping[str, Strategy[Any]], *, served: int, repair: int = 0
) -> dict[str, Option]:
    """Return what every strategy would do here and cost, by name, in their order.

    `served` are the bytes of the old served model, `repair` the most epochs of a repair.
    """
    return {
        name: _option(situation, one, served=served, repair=repair)
        for name, one in strategies.items()
    }


def _option(situation: Situation, strategy: Strategy[Any], *, served: int, repair: int) -> Option:
    try:
        decisions = decided(strategy, situation, repair=repair)
    except BadInput as error:
        return Option(Estimate(strategy.name, strategy.claim.word, 0, 0.0, 0, str(error)), ())
    return Option(estimate(situation, decisions, strategy=strategy, served=served), decisions)


def estimate(
    situation: Situation, decisions: Sequence[Decision], *, strategy: Strategy[Any], served: int
) -> Estimate:
    """Estimate what decisions cost that were made already."""
    ledger = situation.ledger
    around, cost = load_timings(ledger.folder), strategy.cost(decisions, ledger)
    seconds = cost.seconds
    if around is not None:
        seconds += around.build + around.finish + (around.trace if cost.steps else 0.0)
    return Estimate(
        strategy.name, strategy.claim.word, cost.steps, round(seconds, 3), served + cost.bytes
    )


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
