"""What each strategy would cost, before it runs: steps, seconds, bytes; learnt from the old ledger.

    seconds = build + trace + sum over shards of (steps x the shard's own seconds a step x factor
              + updates x the seconds that reading one takes) + finish
    bytes   = files of the old ledger that would be written anew + the served model

Build (the model), trace (its graph, if a step is taken), finish (evaluation, export) and factor
(what stands around the steps of a shard) are those of the run that made the old ledger, seconds a
step those of the very stages that are taken again; some of the updates are read, to see how long it
takes. What stands around the unlearning (gate, pipeline, checks, erasure, scan) is the same for all
strategies and is not counted. A ledger of an earlier unweave tells of its steps alone.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger, ShardLedger, StageRecord, load_timings
from unlearning.strategies.regenerate import replayed_steps
from unlearning.strategies.repair import decided
from unlearning.strategies.strategy import ShardDecision, Situation, Strategy
from unlearning.training.stages import Clock

READ = 8  # of the updates to be read, so many are read to see how long it takes


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


@dataclass(frozen=True)
class Option:
    """What one strategy would do here, and cost; no decisions if it cannot serve."""

    estimate: Estimate
    decisions: tuple[ShardDecision, ...]


def options(
    situation: Situation, strategies: Mapping[str, Strategy], *, served: int, repair: int = 0
) -> dict[str, Option]:
    """Return what every strategy would do here and cost, by name, in their order.

    `served` are the bytes of the old served model, `repair` the most epochs of a repair.
    """
    return {
        name: _option(situation, one, served=served, repair=repair)
        for name, one in strategies.items()
    }


def _option(situation: Situation, strategy: Strategy, *, served: int, repair: int) -> Option:
    name, guarantee = strategy.name, strategy.guarantee
    try:
        decisions = decided(strategy, situation, repair=repair)
    except BadInput as error:
        return Option(Estimate(name, guarantee, 0, 0.0, 0, str(error)), ())
    found = estimate(situation, decisions, name=name, guarantee=guarantee, served=served)
    return Option(found, decisions)


def estimate(
    situation: Situation,
    decisions: Sequence[ShardDecision],
    *,
    name: str,
    guarantee: str,
    served: int,
    clock: Clock = time.perf_counter,
) -> Estimate:
    """Estimate what decisions cost that were made already."""
    ledger = situation.ledger
    around, state = load_timings(ledger.folder), state_bytes(ledger)
    steps, seconds, written = 0, 0.0, served
    for decision in decisions:
        if decision.action in ("kept", "empty"):
            continue  # nothing is taken or written, so nothing is read to find out
        taken, updates = _steps(ledger, decision), 0.0
        if decision.action == "subtracted":
            updates = read_seconds(ledger.shard(decision.shard), decision.positions, clock=clock)
        rate = step_seconds(ledger, decision.shard, stages_from=_first_stage(ledger, decision))
        steps += taken
        seconds += taken * rate * (around.factor if around else 1.0) + updates
        written += _bytes(ledger.shard(decision.shard), decision, state=state)
    if around is not None:
        seconds += around.build + around.finish + (around.trace if steps else 0.0)
    return Estimate(name, guarantee, steps, round(seconds, 3), written)


def _steps(ledger: Ledger, decision: ShardDecision) -> int:
    """Return the steps that a decision takes, those included that updates are computed from."""
    if decision.action != "subtracted":
        return decision.steps + decision.repair_steps
    shard = ledger.shard(decision.shard)
    missing = sorted(set(decision.positions) - shard.recorded_updates())
    return decision.steps + decision.repair_steps + replayed_steps(shard, missing)


def read_seconds(shard: ShardLedger, positions: Sequence[int], *, clock: Clock) -> float:
    """Return the seconds that reading the recorded updates of some steps takes, from a few."""
    recorded = sorted(shard.recorded_updates().intersection(positions))
    some = recorded[:READ]
    begin = clock()
    for _ in shard.updates.load(some):
        pass
    return (clock() - begin) * len(recorded) / max(len(some), 1)


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
    for stages in (mine[stages_from:], mine):
        if pace := _pace(stages):
            return pace
    return _pace([stage for one in ledger.shards() for stage in one.stages()])


def _pace(stages: Sequence[StageRecord]) -> float:
    steps = sum(stage.steps - stage.resumed for stage in stages)
    return sum(stage.seconds for stage in stages) / steps if steps else 0.0


def _bytes(shard: ShardLedger, decision: ShardDecision, *, state: int) -> int:
    """Return the bytes of the files that a decision makes write anew, taken to be as they were.

    `state` are those of a whole training state.
    """
    stages, files = shard.stages(), shard.updates.files()
    if not stages:
        return 0
    repaired = state if decision.repair_epochs else 0
    if decision.action == "corrected":
        return repaired or state
    if decision.action == "subtracted":
        touched = {files[position] for position in decision.positions if position in files}
        return repaired + (_size(shard.final_file) or state) + sum(map(_size, touched))
    anew = stages[decision.kept_stages :]
    first = anew[0].first_position if anew else 0
    if decision.resume is not None:
        first = decision.resume + 1
    written = [shard.steps_file(stage.stage) for stage in anew]
    written += [shard.step_checkpoint_file(p) for p in shard.step_checkpoints() if p >= first]
    written += {file for position, file in files.items() if position >= first}
    return sum(map(_size, written)) + len(anew) * state


def state_bytes(ledger: Ledger) -> int:
    """Return the bytes of a whole training state on disk: of the largest that the ledger has."""
    files = (
        shard.checkpoint_file(stage.stage) for shard in ledger.shards() for stage in shard.stages()
    )
    return max(map(_size, files), default=0)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
