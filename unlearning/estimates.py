"""What each strategy would cost, before it runs: steps, seconds, bytes; learnt from the old ledger.

    seconds = build + trace + sum over shards of (steps x the shard's own seconds a step) + finish
    bytes   = files of the old ledger that would be written anew + the served model

Build (the model), trace (its graph, if a step is taken) and finish (evaluation, export) are those
of the run that made the old ledger, and seconds a step those of the very stages that are taken
again. They are of this process with one thread, whatever else the machine does.
Reading a recorded update is put at one step's time. What stands around the unlearning (gate,
pipeline, checks, erasure, scan) is the same for all strategies and is not counted; a ledger of an
earlier unweave has none of these, and then its steps are all that is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger, ShardLedger
from unlearning.regenerate import replayed_steps
from unlearning.strategies import ShardDecision, Situation, Strategy
from unlearning.timings import load_timings


@dataclass(frozen=True)
class Estimate:
    """What one strategy would take and give; `why_not` says why it cannot serve, if it cannot."""

    strategy: str
    guarantee: str
    steps: int
    seconds: float
    bytes: int
    why_not: str | None = None

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


def estimates(
    situation: Situation, strategies: Mapping[str, Strategy], *, served: int
) -> tuple[Estimate, ...]:
    """Estimate what every strategy would cost here, in their order.

    `served` are the bytes of the old served model.
    """
    return tuple(_estimate(situation, one, served=served) for one in strategies.values())


def _estimate(situation: Situation, strategy: Strategy, *, served: int) -> Estimate:
    try:
        decisions = strategy.decide(situation)
    except BadInput as error:
        return Estimate(strategy.name, strategy.guarantee, 0, 0.0, 0, str(error))
    return estimate(
        situation, decisions, name=strategy.name, guarantee=strategy.guarantee, served=served
    )


def estimate(
    situation: Situation,
    decisions: Sequence[ShardDecision],
    *,
    name: str,
    guarantee: str,
    served: int,
) -> Estimate:
    """Estimate what decisions cost that were made already."""
    ledger = situation.ledger
    steps, seconds, written = 0, 0.0, served
    for decision in decisions:
        taken, updates = _steps(ledger, decision)
        rate = step_seconds(ledger, decision.shard, stages_from=_first_stage(ledger, decision))
        steps += taken
        seconds += (taken + updates) * rate
        written += _bytes(ledger.shard(decision.shard), decision)
    around = load_timings(ledger.folder)
    if around is not None:
        seconds += around.build + around.finish + (around.trace if steps else 0.0)
    return Estimate(name, guarantee, steps, round(seconds, 3), written)


def _steps(ledger: Ledger, decision: ShardDecision) -> tuple[int, int]:
    """Return the steps that a decision takes, again or anew, and the updates that it reads."""
    if decision.action != "subtracted":
        return decision.steps, 0
    shard = ledger.shard(decision.shard)
    missing = [p for p in decision.positions if p not in shard.recorded_updates()]
    return decision.steps + replayed_steps(shard, missing), len(decision.positions)


def _first_stage(ledger: Ledger, decision: ShardDecision) -> int:
    """Return the first stage whose steps a decision takes: of a correction, the last one."""
    if decision.action == "corrected":
        return ledger.partition.slices - 1
    return decision.kept_stages


def step_seconds(ledger: Ledger, shard: int, *, stages_from: int = 0) -> float:
    """Return the seconds that a step took in a shard's stages from one on.

    Of all its stages, or of the whole ledger, where these took none.
    """
    mine = ledger.shard(shard).stages()
    everyone = [stage for one in ledger.shards() for stage in one.stages()]
    for stages in (mine[stages_from:], mine, everyone):
        steps = sum(stage.steps - stage.resumed for stage in stages)
        if steps:
            return sum(stage.seconds for stage in stages) / steps
    return 0.0


def _bytes(shard: ShardLedger, decision: ShardDecision) -> int:
    """Return the bytes of the files that a decision makes write anew, taken to be as they were."""
    stages = shard.stages()
    if decision.action in ("kept", "empty") or not stages:
        return 0
    last = shard.checkpoint_file(stages[-1].stage)
    if decision.action != "retrained":
        return _size(last if last.exists() else shard.final_file)
    anew = stages[decision.kept_stages :]
    first = anew[0].first_position if anew else 0
    if decision.resume is not None:
        first = decision.resume + 1
    files = [
        file
        for stage in anew
        for file in (shard.steps_file(stage.stage), shard.checkpoint_file(stage.stage))
    ]
    files += [shard.step_checkpoint_file(p) for p in shard.step_checkpoints() if p >= first]
    files += {file for p, file in shard.updates.files().items() if p >= first}
    return sum(map(_size, files))


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
