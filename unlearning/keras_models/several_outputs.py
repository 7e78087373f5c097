"""Several outputs, one for each label of a table, each called like its label (`output_name`).

    keras.Model(inputs, {"late": late, "minutes": minutes})   by the keys of a dict
    keras.Model(inputs, [late, minutes])                      by the names of the layers behind them

What each is told and says is what the only output of a model would be and say (`outputs`), by its
own loss: one for all, a list in the order of the outputs, or a dict by their names. Keras adds the
losses up, with `loss_weights`; a row's weight counts in each. A module's `targets` is given a dict
of labels by their names, and returns one by the names of outputs. The answers of all stand side by
side, in the order of the labels.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lineage_store.errors import BadInput
from unlearning.keras_models.module_file import LabelSpec, ModelSpec
from unlearning.keras_models.outputs import Outputs, reads_groups, targets_and_answers


def several_outputs_of(model: Any, spec: ModelSpec, *, own: Any, name: str) -> Outputs:
    """Return how the outputs of a compiled model of several labels are read.

    `own` is its module's `targets`, if any. Raises BadInput, with all reasons, for outputs that are
    not those of the labels, or do not fit them.
    """
    import keras
    import tensorflow as tf

    structure = getattr(model, "output", None)
    named = _by_name(model, structure)
    wanted = {label.output_name: label for label in spec.labels}
    if named is None or set(named) != set(wanted):
        found = "one without a name" if named is None else ", ".join(map(repr, named))
        raise BadInput(
            f"The model of {name} has the outputs {found}: it needs one for each label, called "
            f"{', '.join(map(repr, wanted))}; call the keys of a dict, or the last layers so."
        )
    losses, wrong = _losses(model.loss, list(named)), []
    read: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}
    for output, label in wanted.items():
        if losses.get(output) is None:
            wrong.append(f"The output {output!r} of {name} has no loss: compile it with one.")
            continue
        try:
            shape = tuple(named[output].shape)
            told = f"output {output!r}"
            read[output] = targets_and_answers(shape, label, losses[output], name=name, what=told)
        except BadInput as error:
            wrong.append(str(error))
    if wrong:
        raise BadInput(" ".join(wrong))
    by_label = [(label, *read[output]) for output, label in wanted.items()]

    def packed(targets: Mapping[str, Any]) -> Any:
        flat = [targets[output] for output in named]
        return keras.tree.pack_sequence_as(structure, flat)

    def targets(labels: Sequence[Any]) -> Any:
        if own is not None:
            each = zip(spec.labels, labels, strict=False)
            told = {label.name: values for label, values in each}
            return packed(own(told, spec, *labels[len(told) :]))
        made = zip(by_label, labels, strict=True)
        return packed({label.output_name: make(values) for (label, make, _), values in made})

    def answers(outputs: Any) -> Any:
        told = dict(zip(named, keras.tree.flatten(outputs), strict=True))
        return tf.concat([say(told[label.output_name]) for label, _, say in by_label], axis=1)

    as_it_is = tf.autograph.experimental.do_not_convert
    grouped = reads_groups(own, spec, name=name)
    return Outputs(as_it_is(targets), as_it_is(answers), grouped)


def _by_name(model: Any, structure: Any) -> dict[str, Any] | None:
    """Return the outputs by their names, in Keras's order; None if they have none."""
    import keras

    if isinstance(structure, dict) and not any(map(keras.tree.is_nested, structure.values())):
        return {key: structure[key] for key in sorted(structure)}
    if isinstance(structure, list | tuple) and not any(map(keras.tree.is_nested, structure)):
        return dict(zip(model.output_names, structure, strict=True))
    return None


def _losses(loss: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return the loss of each output as it was compiled."""
    if isinstance(loss, dict):
        return dict(loss)
    if isinstance(loss, list | tuple):
        return dict(zip(names, loss, strict=False))
    return dict.fromkeys(names, loss)


def slice_of(spec: ModelSpec, label: LabelSpec) -> slice:
    """Return where the answers of a label stand among those of all."""
    before = 0
    for one in spec.heads:
        if one == label:
            break
        before += one.outputs
    return slice(before, before + label.outputs)
