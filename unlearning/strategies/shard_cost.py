"""What decisions on shards that are trained in stages cost, learnt from the old ledger.

    seconds = steps x the shard's own seconds a step x factor + reading of recorded updates
    bytes   = files of the old ledger that would be written anew

Seconds a step are those of the very stages that are taken again, and factor what stands around the
steps of a shard, of the run that made the ledger; some of the updates are read, to see how long it
takes. Rows are counted as full batches. A ledger of an earlier unweave tells of its steps alone.
"""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from lineage_store.ledger import Ledger, ShardLedger, StageRecord, load_timings
from unlearning.strategies.decision import Cost
from unlearning.training.stages import Clock

READ = 8  # of the updates to be read, so many are read to see how long it takes


def total(costs: Iterable[Cost]) -> Cost:
    """Add costs."""
    found = list(costs)
    return Cost(
        sum(one.seconds for one in found),
        sum(one.bytes for one in found),
        sum(one.rows for one in found),
        sum(one.steps for one in found),
    )


def cost_of_steps(
    ledger: Ledger, shard: int, steps: int, *, stages_from: int, written: int, seconds: float = 0.0
) -> Cost:
    """Return what steps of a shard cost, like those of its stages from one on.

    `seconds` are what else is done, and `written` the bytes.
    """
    around = load_timings(ledger.folder)
    pace = step_seconds(ledger, shard, stages_from=stages_from)
    whole = steps * pace * (around.factor if around else 1.0) + seconds
    return Cost(whole, written, steps * ledger.partition.batch_size, steps)


def bytes_from(shard: ShardLedger, *, stage: int, resume: int | None, state: int) -> int:
    """Return the bytes that training a shard's stages from one on writes, taken as they were.

    `resume` is the last step that is taken over of the first of them; `state` are the bytes of a
    whole training state.
    """
    stages, files = shard.stages(), shard.updates.files()
    if not stages:
        return 0
    anew = stages[stage:]
    first = anew[0].first_position if anew else 0
    if resume is not None:
        first = resume + 1
    written = [shard.steps_file(one.stage) for one in anew]
    written += [shard.step_checkpoint_file(p) for p in shard.step_checkpoints() if p >= first]
    written += {file for position, file in files.items() if position >= first}
    return sum(map(size_of, written)) + len(anew) * state


def read_seconds(
    shard: ShardLedger, positions: Sequence[int], *, clock: Clock = time.perf_counter
) -> float:
    """Return the seconds that reading the recorded updates of some steps takes, from a few."""
    recorded = sorted(shard.recorded_updates().intersection(positions))
    some = recorded[:READ]
    begin = clock()
    for _ in shard.updates.load(some):
        pass
    return (clock() - begin) * len(recorded) / max(len(some), 1)


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


def state_bytes(ledger: Ledger) -> int:
    """Return the bytes of a whole training state on disk: of the largest that the ledger has."""
    files = (
        shard.checkpoint_file(stage.stage) for shard in ledger.shards() for stage in shard.stages()
    )
    return max(map(size_of, files), default=0)


def size_of(file: Path) -> int:
    """Return the bytes of a file, none if it is not there."""
    return file.stat().st_size if file.exists() else 0
