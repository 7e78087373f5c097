"""One SavedModel of several shards' SavedModels, whatever code wrote them: signature by signature.

A signature that every shard has is one of the joined model, with the same inputs. Where it depends
on weights, its outputs are the means of the shards', which must be floats: of anything else nobody
said what the mean is. Where it does not (features that are transformed alike in every shard), it is
the first shard's. A shard without rows is not among the members, and a single one is taken as it
is.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput

GRAPH = "saved_model.pb"


def join_models(models: Sequence[Path], into: Path) -> None:
    """Write the joined SavedModel; of models that are none, a folder with each of them.

    Raises BadInput for outputs that have no mean, and for models of which no signature is common.
    """
    if len(models) == 1:
        shutil.copytree(models[0], into)
    elif are_graphs(models):
        _join(models, into)
    else:
        for number, model in enumerate(models):
            shutil.copytree(model, into / f"member-{number:03d}")


def are_graphs(models: Sequence[Path]) -> bool:
    """Say whether models are SavedModels, all of them."""
    return all((model / GRAPH).is_file() for model in models)


def _join(models: Sequence[Path], into: Path) -> None:
    import tensorflow as tf

    members = [tf.saved_model.load(str(model)) for model in models]
    names = [one for one in members[0].signatures if all(one in m.signatures for m in members)]
    if not names:
        raise BadInput(
            "The shards' models have no signature in common: let run_fn save them with one."
        )
    joined = tf.Module()
    joined.members = members
    signatures = {name: _signature([m.signatures[name] for m in members], name) for name in names}
    tf.saved_model.save(joined, str(into), signatures=signatures)


def _signature(functions: Sequence[Any], name: str) -> Any:
    import tensorflow as tf

    first = functions[0]
    inputs: Mapping[str, Any] = first.structured_input_signature[1]
    if not any(function.trainable_variables for function in functions):
        functions = functions[:1]
    for output, told in first.structured_outputs.items():
        if len(functions) > 1 and not told.dtype.is_floating:
            raise BadInput(
                f"The output {output!r} of the signature {name!r} is of type {told.dtype.name}, "
                f"of which shards have no mean: serve numbers, and let who asks round them."
            )

    def answer(**given: Any) -> dict[str, Any]:
        answers = [function(**given) for function in functions]
        return {one: _mean([each[one] for each in answers]) for one in answers[0]}

    return tf.function(answer).get_concrete_function(**inputs)


def _mean(values: Sequence[Any]) -> Any:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total if len(values) == 1 else total / len(values)
