"""Marks: the digest of the whole state after each step that a checkpoint can reach in one.

Whoever takes such a step again from its checkpoint, later and perhaps elsewhere, must come to the
same digest, or what stands in the ledger is not what he would make (`earned`). So wherever a shard
is trained, the engine looks on: a step after a state that was loaded or kept is marked. That costs
a digest a checkpoint, changes no bit of the training, and is part of no digest of the ledger: a
mark that is changed can only make a later deletion retrain.

    shards/003/marks.json   {"0": "9f86d0...", "42": "..."}, by the positions of the steps

A mark goes with the states that it stands between: a later ledger takes over those of the steps
that it takes over, and none of a shard from which an approximate deletion took something.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from safetensors.numpy import save

from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.ledger import ShardLedger
from lineage_store.rows import Rows
from lineage_store.tensors import Array, State
from unlearning.keras_learning.class_weights import Weights
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.strategies.decision import Decision
from unlearning.training.stages import Run


class Marker:
    """A learner that marks the steps that follow a state which was loaded or looked at.

    It is asked like the learner that it stands before.
    """

    def __init__(self, run: Run) -> None:
        self._learner = run.learner
        self._follows = False
        self._after: State | None = None
        self.marks: dict[int, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._learner, name)

    def load(self, state: Mapping[str, Array]) -> None:
        """Put the model into a state."""
        self._learner.load(state)
        self._follows, self._after = True, None

    def state(self) -> State:
        """Return the whole training state: it is about to be kept."""
        self._follows = True
        return self._learner.state() if self._after is None else self._after

    def step(
        self, rows: Rows, *, shard: int, position: int, class_weights: Weights | None = None
    ) -> Any:
        """Take a step, and mark it if a checkpoint stands before it."""
        loss = self._learner.step(rows, shard=shard, position=position, class_weights=class_weights)
        self._after = None
        if self._follows:
            self._after = self._learner.state()
            self.marks[position] = state_digest(self._after)
            self._follows = False
        return loss


def marked(run: Run) -> tuple[Run, Marker]:
    """Return the run whose learner marks steps, and what remembers the marks."""
    marker = Marker(run)
    return replace(run, learner=cast(KerasLearner, marker)), marker


def state_digest(state: Mapping[str, Array]) -> str:
    """Return the digest of a whole state: that of the file that a checkpoint of it would be."""
    data = save({name: np.asarray(array, order="C") for name, array in state.items()})
    return hashlib.sha256(data).hexdigest()


def marks_file(shard: ShardLedger) -> Path:
    """The marks of a shard; absent in a ledger of an earlier unweave."""
    return shard.folder / "marks.json"


def marks_of(shard: ShardLedger) -> dict[int, str]:
    """Read the marks of a shard: digests by position."""
    file = marks_file(shard)
    return {int(place): mark for place, mark in read_json(file).items()} if file.exists() else {}


def keep_marks(
    decision: Decision, *, old: ShardLedger | None, new: ShardLedger,
    made: Mapping[int, str] | None = None,
) -> None:  # fmt: skip
    """Write a new shard's marks: those `made`, and those of the steps that were taken over."""
    if not decision.changes:
        return  # they came along with the folder
    found: dict[int, str] = {}
    if old is not None and decision.anew:
        end = taken_over(old, decision)
        found = {position: mark for position, mark in marks_of(old).items() if position < end}
    found |= made or {}
    marks_file(new).unlink(missing_ok=True)  # a link to the old one's, if it came along
    if found and decision.anew:
        document = {str(position): found[position] for position in sorted(found)}
        write_atomic(marks_file(new), canonical_json(document) + b"\n")


def taken_over(old: ShardLedger, decision: Decision) -> int:
    """Return the position before which all steps of a shard are taken over."""
    if decision.changes and decision.stays.resume is not None:
        return decision.stays.resume + 1
    kept = old.stages()[: stages_kept(old, decision)]
    return kept[-1].first_position + kept[-1].epochs * kept[-1].batches if kept else 0


def stages_kept(old: ShardLedger, decision: Decision) -> int:
    """Return how many leading stages of a shard are taken over."""
    return decision.stays.stages if decision.changes else len(old.stages())
