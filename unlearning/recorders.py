"""What is kept of each training step besides its record: the policies of `--record`.

A recorder looks at the learner before and after every step of a shard. A new policy is a new class
and a line in `RECORDERS`. None of them changes a bit of the training.
"""

from collections.abc import Callable
from typing import Protocol

from lineage_store.ledger import ShardLedger
from lineage_store.tensors import State, save_state
from unlearning.keras_learner import KerasLearner


class Recorder(Protocol):
    """What is kept of a step besides its record; `before` and `after` bracket the step."""

    def before(self) -> None:
        """Look at the learner before a step."""

    def after(self, position: int) -> str | None:
        """Look at the learner after the step; return the digest of what was kept, if anything."""


class KeepNothing:
    """The policy `none`."""

    def before(self) -> None:
        """Nothing to look at."""

    def after(self, position: int) -> None:
        """Nothing to keep."""


class KeepUpdates:
    """The policy `all`: keeps each step's change of the trainable weights, float32, lossless.

    The change is a difference of float32 numbers, so adding it back need not give the same bits.
    """

    def __init__(self, learner: KerasLearner, shard: ShardLedger) -> None:
        self._learner = learner
        self._shard = shard
        self._last: State = {}
        (shard.folder / "updates").mkdir(parents=True, exist_ok=True)

    def before(self) -> None:
        """Remember the weights before the first step; between steps nothing changes them."""
        if not self._last:
            self._last = self._learner.trainable()

    def after(self, position: int) -> str:
        """Write the step's update and return its digest."""
        last, self._last = self._last, self._learner.trainable()
        update = {name: now - last[name] for name, now in self._last.items()}
        return save_state(self._shard.update_file(position), update)


def keep_nothing(learner: KerasLearner, shard: ShardLedger) -> Recorder:
    """Make the recorder of the policy `none`."""
    return KeepNothing()


RECORDERS: dict[str, Callable[[KerasLearner, ShardLedger], Recorder]] = {
    "none": keep_nothing,
    "all": KeepUpdates,
}
