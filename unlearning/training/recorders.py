"""What is kept of each training step besides its record: the policies of `record`.

    none        nothing
    all         the update of every step
    at-risk     the updates of the steps whose batch holds a row of a risk rule (`risk`)
    regenerate  checkpoints, from which updates are computed again (`regenerate`)

A recorder looks at the learner before and after every step of a shard. A new policy is a new class
or function, and a name in `RECORDERS`. None of them changes a bit of the training.

Training waits for a copy of the weights and for nothing else: one thread beside it takes their
difference, encodes it and writes it (NumPy and zstandard let Python go on meanwhile). At most
`WAITING` steps wait for that thread, so memory stays bounded. What fails there is raised in the
training, at a later step or at the end of the stage.
"""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol

from lineage_store.ledger import (
    ShardLedger,
    TrainOptions,
    UpdateWriter,
    encode,
    in_one_row,
    writing_updates,
)
from lineage_store.placement import Partition, band_at
from lineage_store.rows import Rows, RowStore
from lineage_store.tensors import State
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.training.step_checkpoints import REGENERATE

WAITING = 8


class Recorder(Protocol):
    """What is kept of a step besides its record; `before` and `after` bracket the step.

    It is entered before the first step of a shard, and left after the last, or when one fails.
    """

    def __enter__(self) -> "Recorder": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def before(self, rows: Rows) -> None:
        """Look at the learner before a step, and at the batch."""

    def after(self, position: int) -> None:
        """Look at the learner after the step."""

    def finish(self) -> Mapping[int, str]:
        """End a stage: return the digests of what is now kept of its steps, by position."""


class KeepNothing:
    """The policies `none`, and `regenerate`: updates are computed again from checkpoints."""

    def __enter__(self) -> "KeepNothing":
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to end."""

    def before(self, rows: Rows) -> None:
        """Nothing to look at."""

    def after(self, position: int) -> None:
        """Nothing to keep."""

    def finish(self) -> Mapping[int, str]:
        """Nothing was kept."""
        return {}


class KeepUpdates:
    """The policies `all` and `at-risk`: keeps changes of the trainable weights, by a codec.

    With `chosen`, only those of steps whose batch holds a row of these keys. Raises BadInput for
    weights that are not float32.
    """

    def __init__(
        self,
        learner: KerasLearner,
        shard: ShardLedger,
        codec: str,
        chosen: frozenset[bytes] | None = None,
    ) -> None:
        self._learner = learner
        self._shard = shard
        self._codec = codec
        self._chosen = chosen
        self._keeps = True
        self._last: State = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="updates")
        self._pending: deque[tuple[int, Future[str]]] = deque()
        self._digests: dict[int, str] = {}
        self._writer: UpdateWriter | None = None
        self._open = ExitStack()

    def __enter__(self) -> "KeepUpdates":
        weights = self._learner.trainable()
        in_one_row(weights, sorted(weights))  # refuses other types before the first step
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the thread; of a stage that did not end nothing is left."""
        self._pool.shutdown(cancel_futures=True)
        self._open.__exit__(kind, error, traceback)

    def before(self, rows: Rows) -> None:
        """Remember the weights, unless they are known as those after the step before."""
        if self._chosen is not None:
            self._keeps = any(key.tobytes() in self._chosen for key in rows.row_keys)
        if not self._keeps:
            self._last = {}
        elif not self._last:
            self._last = self._learner.trainable()

    def after(self, position: int) -> None:
        """Hand the weights before and after the step over to the thread."""
        if not self._keeps:
            return
        if len(self._pending) == WAITING:
            self._take()
        if self._writer is None:
            archive = self._shard.updates.archive_from(position)
            self._writer = self._open.enter_context(writing_updates(archive))
        last, self._last = self._last, self._learner.trainable()
        job = self._pool.submit(self._write, self._writer, position, last, self._last)
        self._pending.append((position, job))

    def finish(self) -> Mapping[int, str]:
        """Wait for the thread, make the stage's updates durable, and return their digests."""
        while self._pending:
            self._take()
        self._open.close()
        self._writer = None
        digests, self._digests = self._digests, {}
        return digests

    def _take(self) -> None:
        position, job = self._pending.popleft()
        self._digests[position] = job.result()

    def _write(self, writer: UpdateWriter, position: int, before: State, after: State) -> str:
        return writer.add(position, encode(self._codec, before=before, after=after))


def rows_at_risk(store: RowStore, shard: int, partition: Partition) -> frozenset[bytes]:
    """Return the keys of a shard's rows for which a risk rule holds: their slice tells them."""
    return frozenset(
        key.tobytes()
        for slice_ in range(partition.slices)
        if band_at(shard, slice_, partition)
        for key in store.slice_rows(shard, slice_).row_keys
    )


RECORDED = ("all", "at-risk")
RECORDERS = ("none", *RECORDED, REGENERATE)


def recorder_of(
    options: TrainOptions,
    *,
    learner: KerasLearner,
    ledger: ShardLedger,
    store: RowStore,
    shard: int,
) -> Recorder:
    """Return the recorder of a policy for a shard that is about to be trained."""
    if options.record not in RECORDED:
        return KeepNothing()
    chosen = None
    if options.record != "all":
        chosen = rows_at_risk(store, shard, options.partition)
    return KeepUpdates(learner, ledger, options.codec, chosen)
