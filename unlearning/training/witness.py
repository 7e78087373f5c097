"""The state before the last step of a shard, left by the engine for the check that follows.

What a stage ends in can be checked only by taking its steps again from the last checkpoint on, and
without one within the stage that is all of them. So while a deletion trains a shard, the engine
looks on, and leaves the state before the last step beside the ledger's shards: one step from there
must give the whole state at the end. The file is the run's own. It belongs to no shard, is taken
over by no later ledger, and goes when the result was checked.

    witness/003-00000042.safetensors   of shard 3, before the step at position 42
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from lineage_store.placement import Stage, batch_of
from lineage_store.rows import Rows, RowStore
from lineage_store.tensors import State, load_state, save_state
from unlearning.keras_learning.class_weights import Weights
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.training.stages import Run

FOLDER = "witness"


class Witness:
    """A learner that remembers the state before the last step that it took of a stage.

    It is asked like the learner that it stands before. `ends_early` says that any epoch of the
    stage may be its last.
    """

    def __init__(
        self, run: Run, store: RowStore, shard: int, stage: Stage, *, ends_early: bool
    ) -> None:
        self._learner = run.learner
        self._seed = run.partition.seed
        self._store = store
        self._shard = shard
        self._stage = stage
        self._ends_early = ends_early
        self._last: dict[int, int] = {}
        self._before: tuple[int, State] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._learner, name)

    def step(
        self, rows: Rows, *, shard: int, position: int, class_weights: Weights | None = None
    ) -> Any:
        """Take a step; before the last one of an epoch that may be the last, look at the state."""
        if self._is_last(position):
            self._before = (position, self._learner.state())
        return self._learner.step(rows, shard=shard, position=position, class_weights=class_weights)

    def _is_last(self, position: int) -> bool:
        stage = self._stage
        if not stage.batches or position < stage.first_position:
            return False
        epoch, batch = divmod(position - stage.first_position, stage.batches)
        if not self._ends_early and epoch != stage.epochs - 1:
            return False
        if epoch not in self._last:
            bits = self._store.stage_rows(self._shard, stage.index).batch_bits
            places = batch_of(
                bits, seed=self._seed, stage=stage.index, epoch=epoch, batches=stage.batches
            )
            self._last[epoch] = int(places.max())
        return batch == self._last[epoch]

    def leave(self, folder: Path) -> None:
        """Write what was remembered into the ledger's folder; nothing if no step was taken."""
        if self._before is not None:
            position, state = self._before
            file = folder / FOLDER / f"{self._shard:03d}-{position:08d}.safetensors"
            file.parent.mkdir(exist_ok=True)
            save_state(file, state)


def witnessed(
    run: Run, store: RowStore, shard: int, stage: Stage, *, ends_early: bool
) -> tuple[Run, Witness]:
    """Return the run whose learner is looked on while it takes a stage, and what remembers it."""
    witness = Witness(run, store, shard, stage, ends_early=ends_early)
    return replace(run, learner=cast(KerasLearner, witness)), witness


def state_before_the_end(folder: Path, shard: int) -> tuple[int, State] | None:
    """Return the position of the last step that was seen of a shard, and the state before it."""
    file = max((folder / FOLDER).glob(f"{shard:03d}-*.safetensors"), default=None)
    return None if file is None else (int(file.stem.partition("-")[2]), load_state(file))


def forget_witnesses(folder: Path) -> None:
    """Remove what was left in a ledger's folder."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
