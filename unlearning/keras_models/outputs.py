"""What a model's output means, and in which form its loss wants the labels.

    output        loss                        labels are given as               answers are
    (n, 1)        of a regression             values (n,) float32               the values
    (n, classes)  categorical, or its focal   one-hot (n, classes) float32      the output
    (n, classes)  any other                   class numbers (n,) int32          the output
    (n, 1)        of two classes              0 or 1, (n, 1) float32            1 - p, p

Where Keras's loss says `from_logits`, answers are made probabilities by softmax or sigmoid. A
module that wants its labels in another form, for a loss of its own, says so:

    def targets(labels, spec)     # of tensors: class numbers (n,) int32, or values (n,) float32

One that takes a third, `groups`, is given the number of each row's group besides, (n,) int32: they
mean something in one batch alone, which has all rows of its groups.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput
from unlearning.keras_models.module_file import LabelSpec, ModelSpec

ONE_HOT = frozenset(
    {
        "categorical_crossentropy",
        "CategoricalCrossentropy",
        "categorical_focal_crossentropy",
        "CategoricalFocalCrossentropy",
        "categorical_hinge",
        "CategoricalHinge",
        "kl_divergence",
        "KLDivergence",
    }
)
BY_NUMBER = frozenset({"sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"})


@dataclass(frozen=True)
class Outputs:
    """How one model is told what is right, and what its outputs say; both take tensors.

    `targets` make of the labels, (n,) each, and of the groups behind them if it `reads_groups`,
    what the loss takes, `answers` of what the model returns the answers (n, units).
    """

    targets: Callable[[Sequence[Any]], Any]
    answers: Callable[[Any], Any]
    reads_groups: bool = False


def reads_groups(own: Any, spec: ModelSpec, *, name: str) -> bool:
    """Say whether a module's `targets`, if it has any, takes the numbers of groups.

    Raises BadInput if it does, and rows have no groups.
    """
    taken = own is not None and len(inspect.signature(own).parameters) > 2
    if taken and not spec.grouped:
        raise BadInput(
            f"The targets of {name} take groups, and the table has none: name the column that says "
            f"which rows belong together as `group_column`."
        )
    return taken


def outputs_of(model: Any, spec: ModelSpec, *, own: Any, name: str) -> Outputs:
    """Return how the only output of a compiled model is read.

    `own` is its module's `targets`, if any. Raises BadInput for an output that does not fit the
    task, or a loss that does not fit it.
    """
    import tensorflow as tf

    shape, (head,) = getattr(model, "output_shape", None), spec.heads
    if isinstance(shape, dict) or (
        isinstance(shape, list | tuple) and shape and not isinstance(shape[0], int | None)
    ):
        raise BadInput(
            f"The model of {name} has output shape {shape}, and there is one label: name a label "
            f"for each output, or leave all outputs but one out."
        )
    make, answers = targets_and_answers(shape, head, model.loss, name=name, what="output")
    own_ones = None if own is None else _by_module(own, spec)
    grouped = reads_groups(own, spec, name=name)
    # As they are written: a module's source stands in no file that could be converted.
    as_it_is = tf.autograph.experimental.do_not_convert
    return Outputs(as_it_is(own_ones or _of_the_only(make)), as_it_is(answers), grouped)


def targets_and_answers(
    shape: Any, head: LabelSpec, compiled: Any, *, name: str, what: str
) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return how one output is told what is right, and what it answers; each takes one tensor.

    `compiled` is its loss as it was given to Keras. Raises BadInput for a shape or a loss that does
    not fit the label.
    """
    wanted = (None, head.outputs)
    one_of_two = head.task == "classification" and shape == (None, 1) and head.outputs == 2
    if shape != wanted and not one_of_two:
        other = " or (None, 1)" if head.task == "classification" and head.outputs == 2 else ""
        raise BadInput(
            f"The model of {name} has {what} shape {shape}: the task needs {wanted}{other}."
        )
    loss = _only_loss(compiled)
    called = getattr(loss, "__name__", type(loss).__name__)
    if one_of_two and called in ONE_HOT | BY_NUMBER:
        one = "one output" if what == "output" else f"one unit for {what}"
        raise BadInput(
            f"The model of {name} has {one}, and the loss {called} compares as "
            f"many as there are classes: take binary_crossentropy, or a layer of spec.outputs."
        )
    targets: Callable[[Any], Any] = _as_they_are
    if one_of_two:
        targets = _as_column
    elif called in ONE_HOT and head.task == "classification":
        targets = _one_hot(head.outputs)
    return targets, _answers(one_of_two, logits=_from_logits(loss))


def _only_loss(loss: Any) -> Any:
    """Return the loss of a model with one output as Keras has it: a function or an object."""
    import keras

    inside = list(loss.values()) if isinstance(loss, dict) else loss
    while isinstance(inside, list | tuple):
        (inside,) = inside
    return keras.losses.get(inside)


def _from_logits(loss: Any) -> bool:
    import keras

    return isinstance(loss, keras.losses.Loss) and bool(loss.get_config().get("from_logits"))


def _as_they_are(tensor: Any) -> Any:
    return tensor


def _by_module(own: Any, spec: ModelSpec) -> Callable[[Sequence[Any]], Any]:
    return lambda labels: own(labels[0], spec, *labels[1:])


def _of_the_only(make: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Any]:
    return lambda labels: make(labels[0])


def _as_column(labels: Any) -> Any:
    import tensorflow as tf

    return tf.cast(labels[:, tf.newaxis], tf.float32)


def _one_hot(classes: int) -> Callable[[Any], Any]:
    def targets(labels: Any) -> Any:
        import tensorflow as tf

        return tf.one_hot(labels, classes)

    return targets


def _answers(one_of_two: bool, *, logits: bool) -> Callable[[Any], Any]:
    if not one_of_two and not logits:
        return _as_they_are

    def answers(outputs: Any) -> Any:
        import tensorflow as tf

        if not one_of_two:
            return tf.nn.softmax(outputs)
        likely = tf.sigmoid(outputs) if logits else outputs
        return tf.concat([1.0 - likely, likely], axis=1)

    return answers
