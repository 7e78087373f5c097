"""Keras models as a family's learner: stages of recorded steps, as `training` takes them.

An adapter and no more: what a step, a stage and a served model are is said by `keras_models`,
`training` and `serving.export`, and no bit of them depends on this file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_store.data import Task
from lineage_store.ledger import Ledger, ShardLedger, TrainOptions
from lineage_store.placement import Stage
from lineage_store.rows import Rows, RowSet, RowStore, label_name
from lineage_store.tensors import Array, State
from unlearning.families.family import Description, PartRun
from unlearning.keras_learning.class_weights import ALIKE
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_learning.last_hidden import last_hidden
from unlearning.keras_models.module_file import LabelSpec
from unlearning.keras_models.several_outputs import slice_of
from unlearning.serving.aggregation import aggregation_or_default
from unlearning.serving.export import export
from unlearning.serving.saved_weights import holds_weights
from unlearning.training.base_weights import must_fit
from unlearning.training.batches import shard_schedule
from unlearning.training.record_budget import affordable
from unlearning.training.stages import Run, probe, train_shard
from unlearning.training.step_checkpoints import interval


def run_of(learner: KerasLearner, run: PartRun) -> Run:
    """Return the training run that learning a part is."""
    return Run(
        learner=learner,
        options=run.options,
        model=run.model,
        clock=run.clock,
        progress=run.progress,
        given=run.given,
        interval=run.interval,
    )


@dataclass(frozen=True)
class OneLabel:
    """What a Keras model answers for one of its labels, numbered from 0 on."""

    keras: KerasLearner
    number: int = 0

    @property
    def _head(self) -> LabelSpec:
        return self.keras.spec.heads[self.number]

    @property
    def task(self) -> Task:
        """What the label makes it."""
        return self._head.task

    @property
    def units(self) -> int:
        """The units of an answer."""
        return self._head.outputs

    def predict(self, state: State, rows: Rows) -> Array:
        """Return the answers of a part with these weights."""
        outputs = self.keras.predict(state, rows)
        return (
            outputs[:, slice_of(self.keras.spec, self._head)] if self.keras.spec.labels else outputs
        )

    def targets(self, rows: Rows) -> Array:
        """Return the right answers."""
        return rows[label_name(self.number)]


@dataclass(frozen=True)
class KerasParts(OneLabel):
    """A Keras model that learns parts; asked for answers, it gives those for its first label."""

    @property
    def further_labels(self) -> Mapping[str, OneLabel]:
        """Return who answers for each further label, by its name."""
        labels = self.keras.spec.labels
        return {
            labels[number].name: OneLabel(self.keras, number) for number in range(1, len(labels))
        }

    def describe(self) -> Description:
        """Return spec, optimizer and trainable weights."""
        return Description(
            self.keras.spec.to_json(),
            self.keras.optimizer(),
            tuple(sorted(self.keras.trainable())),
        )

    def prepare(self, options: TrainOptions) -> None:
        """Trace the step that will be taken."""
        weighted = options.class_weights != ALIKE and self.task == "classification"
        self.keras.prepare(weighted=weighted)

    def probed(self, store: RowStore, options: TrainOptions) -> TrainOptions:
        """Take the first steps twice, and return options as their budget affords."""
        options = affordable(
            options,
            _all_stages(store, options),
            trainable=self.keras.trainable(),
            state=self.keras.state(),
        )
        probe(self.keras, store, options)
        return options

    def interval(self, store: RowStore, options: TrainOptions) -> int:
        """Return after how many batches a checkpoint is kept."""
        stages = _all_stages(store, options)
        return interval(options, stages, state_bytes=self.keras.state_bytes())

    def must_start_from(self, base: Ledger) -> None:
        """Raise BadInput if the weights of a base do not fit the model."""
        must_fit(self.keras, base)

    def learn(self, run: PartRun, store: RowStore, part: int, into: ShardLedger) -> None:
        """Train a shard stage by stage."""
        train_shard(self.run(run), store, part, into, kept=0)

    def run(self, run: PartRun) -> Run:
        """Return the training run that strategies of steps are given."""
        return run_of(self.keras, run)

    def representations(self, state: State, rows: Rows) -> Array:
        """Return what the last layer is given."""
        return last_hidden(self.keras, state, rows)

    def relearnt(self, rows: RowSet) -> State | None:
        """Return None: segments of steps are taken again instead."""
        return None

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel, a TensorFlow graph of this model."""
        export(self.keras, states, folder, aggregate=aggregation_or_default(rule, task=self.task))

    def serves(self, folder: Path, states: Sequence[State], *, rule: str) -> bool:
        """Say whether a SavedModel holds these weights."""
        return holds_weights(folder, states)


def _all_stages(store: RowStore, options: TrainOptions) -> list[Stage]:
    cut = options.partition
    return [stage for shard in range(cut.shards) for stage in shard_schedule(store, shard, cut)]
