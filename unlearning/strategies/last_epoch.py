"""The last epoch of a shard, taken again from its end: as it was, and without the deleted rows.

The computation behind `amnesiac_marginal`, which says why. It needs the recorded state at the
shard's end, the rows as they were and those that remain; batches and positions are computed from
placement, as in training.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from lineage_store.canonical import digest_file
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.ledger import ShardLedger, TrainOptions
from lineage_store.placement import Stage
from lineage_store.rows import Rows, RowSet, RowStore
from lineage_store.tensors import State, load_state
from unlearning.keras_learning.class_weights import Weights, counts_of
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.strategies.strategy import stage_of
from unlearning.training.batches import epoch_batches
from unlearning.training.stages import Progress, weigh

WINDOWS = 4  # of an epoch; docs/amnesiac.md has the measurements


@dataclass(frozen=True)
class Step:
    """One step of the epoch; `stays` (n,) says which of its rows are not deleted."""

    position: int
    rows: Rows
    stays: npt.NDArray[np.bool_]


def window_of(batch: int, stage: Stage, *, windows: int = WINDOWS) -> int:
    """Return the window that a batch of the stage belongs to, from 0 to `windows` - 1."""
    return batch * windows // stage.batches


def correction_steps(stage: Stage, positions: Iterable[int], *, windows: int = WINDOWS) -> int:
    """Count the planned steps of a correction for rows that were met at these positions.

    A window is taken twice, from its first step that met one on.
    """
    first = stage.position(epoch=stage.epochs - 1, batch=0)
    met = sorted(position - first for position in positions if position >= first)
    starts = {window_of(batch, stage, windows=windows): batch for batch in reversed(met)}
    ends = {window_of(batch, stage, windows=windows): batch + 1 for batch in range(stage.batches)}
    return sum(2 * (ends[window] - start) for window, start in starts.items())


def recorded_state(shard: ShardLedger) -> State:
    """Read the whole training state behind a shard's weights.

    Raises CheckFailed if the file is not the one that was recorded.
    """
    correction, last = shard.correction(), shard.stages()[-1]
    if correction is None or shard.repair() is not None:
        file, digest = shard.checkpoint_file(last.stage), last.checkpoint_digest
    else:
        file, digest = shard.final_file, correction.state_digest
    if not file.exists() or digest_file(file) != digest:
        raise CheckFailed(
            f"The file {file.name} of shard {last.shard}, the state that a correction starts from, "
            f"is not the one that was recorded: nothing was changed; restore the workspace from a "
            f"backup, or ask for `guarantee` exact."
        )
    return load_state(file)


def corrected_state(
    learner: KerasLearner,
    *,
    old: ShardLedger,
    before: RowStore,
    after: RowStore,
    options: TrainOptions,
    windows: int = WINDOWS,
    progress: Progress = lambda steps: None,
) -> State:
    """Return a shard's state less what the rows that are in `before` alone added in an epoch.

    Sums are float64. Raises BadInput if the result is not finite, CheckFailed if the recorded state
    or the rows are not those that the shard was trained on.
    """
    record = old.stages()[-1]
    stage, start = stage_of(record), recorded_state(old)
    rows, left = (store.stage_rows(record.shard, stage.index) for store in (before, after))
    weights = [weigh(part, learner, options) for part in (rows, left)]
    gone = ~np.isin(_whole(rows.row_keys), _whole(left.row_keys))
    if len(rows) - int(gone.sum()) != len(left):
        raise CheckFailed(
            f"The rows that remain of shard {record.shard} are not among those that it was trained "
            f"on: nothing was changed; restore the workspace from a backup."
        )
    deleted = _whole(rows.row_keys)[gone]
    total = {name: np.zeros(array.shape) for name, array in learner.weights().items()}
    for steps in _windows(rows, stage, seed=options.seed, deleted=deleted, windows=windows):
        as_it_was = _taken(learner, start, steps, record.shard, weights[0], progress, whole=True)
        without = _taken(learner, start, steps, record.shard, weights[1], progress, whole=False)
        for name in total:
            total[name] += without[name].astype(np.float64) - as_it_was[name]
    return start | _sum(learner, start, total, record.shard)


def _windows(
    rows: RowSet, stage: Stage, *, seed: int, deleted: npt.NDArray[np.void], windows: int
) -> Iterator[Sequence[Step]]:
    """Yield the steps of each window that met a deleted row, from the first that did."""
    epoch = stage.epochs - 1
    found = epoch_batches(rows, stage, epoch=epoch, seed=seed)
    for _, window in groupby(found, key=lambda item: window_of(item[0], stage, windows=windows)):
        steps: list[Step] = []
        for batch, here in window:
            stays = ~np.isin(_whole(here.row_keys), deleted)
            if steps or not stays.all():
                position = stage.position(epoch=epoch, batch=batch)
                steps.append(Step(position, here, stays))
        if steps:
            yield steps


def _taken(
    learner: KerasLearner,
    start: State,
    steps: Sequence[Step],
    shard: int,
    weights: Weights | None,
    progress: Progress,
    *,
    whole: bool,
) -> State:
    """Return the weights after some steps from a state, with the deleted rows or without them."""
    learner.load(start)
    for step in steps:
        rows, counts = step.rows, None
        if not whole and not step.stays.all():
            if learner.draws and step.stays.any():
                counts = _counts(step, weights)
            else:
                rows = rows.take(np.flatnonzero(step.stays))
        if len(rows):
            learner.step(
                rows, shard=shard, position=step.position, class_weights=weights, counts=counts
            )
        progress(1)
    return learner.weights()


def _counts(step: Step, weights: Weights | None) -> Weights:
    """Return what each row counts for (n,), so that the loss is the mean over those that stay."""
    counts = step.stays * (len(step.stays) / np.count_nonzero(step.stays))
    own = counts_of(step.rows, weights)
    if own is not None:
        counts = counts * own
    elif weights is not None:
        counts = counts * weights[step.rows.labels]
    return counts.astype(np.float32)


def _sum(learner: KerasLearner, start: State, total: State, shard: int) -> State:
    trainable = learner.trainable()
    corrected: State = {}
    for name, difference in total.items():
        array = start[name]
        if not np.issubdtype(array.dtype, np.floating):
            continue  # a counter
        value = array + difference
        if name not in trainable and (array >= 0).all():
            value = np.maximum(value, 0)  # a variance
        if not np.isfinite(value).all():
            raise BadInput(
                f"The correction of shard {shard} gives weights that are no finite numbers: ask "
                f"for `guarantee` exact."
            )
        corrected[name] = value.astype(array.dtype)
    return corrected


def _whole(row_keys: npt.NDArray[np.uint8]) -> npt.NDArray[np.void]:
    """Return row keys (n, 16) as n values that can be compared."""
    return np.ascontiguousarray(row_keys).view("V16").reshape(-1)
