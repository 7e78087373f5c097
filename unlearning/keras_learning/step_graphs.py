"""What a Keras model computes, as graphs that take tensors: a training step, a loss, answers.

Each graph is traced once, when it is first wanted, and serves all shards, whose states are loaded
into the one model. A graph takes

    columns    what the inputs are made of (`columns_of`)
    labels     one tensor for each label, and one with the groups of rows if a loss reads them
    position   where the step stands in the plan: the optimizer's count is set from it
    seeds      of the random generators, which are set from the position, too
    weights    what each row counts for, or each class, where that is asked
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lineage_store.placement import tweak
from lineage_store.rows import Rows
from lineage_store.tensors import Array
from unlearning.keras_models.module_file import TEXTS, ModelSpec
from unlearning.keras_models.named_inputs import NamedInputs, TableTensors
from unlearning.keras_models.outputs import Outputs
from unlearning.keras_models.parsing import ParsedInputs
from unlearning.keras_models.seeds import seeded_for_this_thread, set_seeds

INIT = 11


@dataclass(frozen=True)
class Traceable:
    """What graphs are traced of: a built model, what it is given, and what its outputs mean.

    `generators` are the variables that hold the state of its random numbers, `seed` is the run's.
    """

    model: Any
    spec: ModelSpec
    inputs: NamedInputs | ParsedInputs
    outputs: Outputs
    generators: Sequence[Any]
    seed: int

    def columns_of(self, rows: Rows) -> list[Array]:
        """Return the arrays of rows that the inputs are made of."""
        if isinstance(self.inputs, ParsedInputs):
            return self.inputs.arrays(rows)
        texts = [rows[TEXTS]] if self.inputs.reads_texts else []
        return [rows["numbers"], rows["categories"], *texts]

    def labels_of(self, rows: Rows) -> list[Array]:
        """Return the labels of rows, (n,) each, and their groups' numbers if a loss reads them.

        Raises KeyError if rows have no groups, where one does.
        """
        labels = [rows[name] for name in self.spec.label_names]
        if self.outputs.reads_groups:
            labels.append(numbers_of_groups(rows))
        return labels

    def inputs_of(self, columns: Sequence[Any]) -> Any:
        """Return what the model is called with, of columns as tensors."""
        if isinstance(self.inputs, ParsedInputs):
            return self.inputs.of(columns)
        return self.inputs.of(TableTensors(*columns))

    def signature(self) -> tuple[list[Any], list[Any]]:
        """Return the signatures of columns and labels."""
        import tensorflow as tf

        types = {"classification": tf.int32, "regression": tf.float32}
        labels = [types[head.task] for head in self.spec.heads]
        labels += [tf.int32] if self.outputs.reads_groups else []
        return self._of_columns(), [tf.TensorSpec([None], of) for of in labels]

    def _of_columns(self) -> list[Any]:
        import tensorflow as tf

        if isinstance(self.inputs, ParsedInputs):
            return self.inputs.signature()
        texts = [tf.TensorSpec([None, len(self.spec.strings)], tf.string)]
        return [
            tf.TensorSpec([None, len(self.spec.numbers)], tf.float32),
            tf.TensorSpec([None, len(self.spec.strings)], tf.int32),
            *(texts if self.inputs.reads_texts else ()),
        ]


def numbers_of_groups(rows: Rows) -> Array:
    """Return the number of each row's group (n,) int32; raises KeyError if rows have no groups."""
    numbers = rows.group_numbers
    if numbers is None:
        raise KeyError("group")
    return numbers


class StepGraphs:
    """The graphs of one model; those that hold what its layers learnt are traced for one state."""

    def __init__(self, of: Traceable) -> None:
        self.of = of

    @functools.cached_property
    def step(self) -> Any:
        """One training step in which all rows count alike, or each for its own weight."""
        return self.counted_step if self.of.spec.weighed else self._traced_step()

    @functools.cached_property
    def weighted_step(self) -> Any:
        """One training step that takes what each class counts for."""
        return self._traced_step(weighted=True)

    @functools.cached_property
    def counted_step(self) -> Any:
        """One training step that takes what each row counts for."""
        return self._traced_step(counted=True)

    def _traced_step(self, *, weighted: bool = False, counted: bool = False) -> Any:
        import tensorflow as tf

        of = self.of
        model, generators = of.model, of.generators
        columns, labels = of.signature()
        signature = [
            *columns,
            *labels,
            tf.TensorSpec([], tf.int64),
            tf.TensorSpec([len(generators), 2], tf.int64),
        ]
        if weighted or counted:
            units = of.spec.outputs if weighted else None
            signature.append(tf.TensorSpec([units], tf.float32))

        def step(given: Sequence[Any], right: Sequence[Any], position: Any, seeds: Any,
                 weights: Any) -> Any:  # fmt: skip
            model.optimizer.iterations.assign(tf.cast(position, model.optimizer.iterations.dtype))
            for number, generator in enumerate(generators):
                generator.assign(tf.cast(seeds[number], generator.dtype))
            inputs = of.inputs_of(given)
            with tf.GradientTape() as tape:
                outputs = model(inputs, training=True)
                counts = tf.gather(weights, right[0]) if weighted else weights
                targets = of.outputs.targets(right)
                loss = model.compute_loss(x=inputs, y=targets, y_pred=outputs, sample_weight=counts)
            gradients = tape.gradient(loss, model.trainable_variables)
            model.optimizer.apply(gradients, model.trainable_variables)
            return loss

        def taken(*given: Any) -> Any:
            *rows, position, seeds, weights = given if weighted or counted else (*given, None)
            cut = len(columns)
            return step(rows[:cut], rows[cut:], position, seeds, weights)

        # The one graph itself: a tf.function would choose among its graphs anew in every step.
        with seeded_for_this_thread(tweak(INIT, of.seed, 0)):  # what tracing draws, too
            return tf.function(taken, input_signature=signature).get_concrete_function()

    @functools.cached_property
    def loss(self) -> Any:
        """The mean loss of rows in inference mode."""
        import tensorflow as tf

        of = self.of
        columns, labels = of.signature()

        def loss(*given: Any) -> Any:
            *rows, counts = given if of.spec.weighed else (*given, None)
            inputs = of.inputs_of(rows[: len(columns)])
            right = of.outputs.targets(rows[len(columns) :])
            outputs = of.model(inputs, training=False)
            return of.model.compute_loss(x=inputs, y=right, y_pred=outputs, sample_weight=counts)

        set_seeds(tweak(INIT, of.seed, 0))  # as before tracing a step
        counts = [tf.TensorSpec([None], tf.float32)] if of.spec.weighed else []
        traced = tf.function(loss, input_signature=[*columns, *labels, *counts])
        return traced.get_concrete_function()

    @functools.cached_property
    def forward(self) -> Any:
        """The answers in inference mode, of what the model is called with."""
        import tensorflow as tf

        return tf.function(
            lambda inputs: self.of.outputs.answers(self.of.model(inputs, training=False)),
            reduce_retracing=True,
        )
