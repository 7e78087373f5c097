"""What a module sets before a shard's first step, from the rows of the shard's first slice."""

import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from lineage_store.errors import BadInput, NotReproducible
from lineage_store.placement import tweak
from lineage_store.rows import Rows
from unlearning.keras_models.module_file import TEXTS, ModelSpec
from unlearning.keras_models.named_inputs import TableTensors, by_name, named_inputs
from unlearning.keras_models.parsing import parsed_inputs
from unlearning.keras_models.seeds import seeded_for_this_thread

ADAPT = 13


def adapt_to(
    rows: Rows,
    model: Any,
    spec: ModelSpec,
    *,
    module: types.ModuleType,
    name: str,
    seed: int,
    shard: int,
) -> None:
    """Call what a module has of `adapt` and `adapt_to_labels`; `name` is the module's.

    Raises BadInput if one fails.
    """
    parse = getattr(module, "parse", None)
    calls: tuple[tuple[str, Callable[[Any], tuple[Any, ...]], tuple[int, ...]], ...] = (
        ("adapt", lambda called: _given(called, rows, model, spec, parse, name), ()),
        ("adapt_to_labels", lambda called: (_labels_of(rows, spec),), (1,)),
    )
    for function, given, second in calls:
        called = getattr(module, function, None)
        if called is None:
            continue
        try:
            with seeded_for_this_thread(tweak(ADAPT, seed, shard, *second)):
                called(model, *given(called))
        except Exception as error:
            raise BadInput(
                f"{function} of {name} fails: {type(error).__name__}: {error}."
            ) from error


def must_be_in_the_state(adapted: Any, loaded: Any, inputs: Any, name: str) -> None:
    """Compare what a model that was adapted answers with one that was put into its state.

    Raises NotReproducible if they differ: then `adapt` sets what no checkpoint has.
    """
    import keras

    answers = (keras.tree.flatten(model(inputs, training=False)) for model in (adapted, loaded))
    if not all(
        np.allclose(one, other, rtol=1e-3, atol=1e-5, equal_nan=True)
        for one, other in zip(*answers, strict=True)
    ):
        raise NotReproducible(
            f"Change this: The model of {name} cannot be trained reproducibly: adapt sets what is "
            f"no weight, nor learnt by a layer of Keras's own, so no checkpoint has it: use "
            f"add_weight."
        )


def _labels_of(rows: Rows, spec: ModelSpec) -> Any:
    """Return the labels of rows, of several labels by their names."""
    if not spec.labels:
        return rows.labels
    each = zip(spec.labels, spec.label_names, strict=True)
    return {label.name: rows[name] for label, name in each}


def _given(
    called: Any, rows: Rows, model: Any, spec: ModelSpec, parse: Any, name: str
) -> tuple[Any, ...]:
    """Return what `adapt` is given: rows by name, or three arrays if it takes them."""
    if parse is not None:
        parsed = parsed_inputs(model, spec, parse, name=name)
        return (dict(zip(parsed.names, parsed.arrays(rows), strict=True)),)
    if len(inspect.signature(called).parameters) != 2:
        missing = np.isnan(rows["numbers"])
        numbers = np.where(missing, np.float32(0), rows["numbers"])
        return numbers, missing.astype(np.float32), rows["categories"]
    texts = rows.columns.get(TEXTS)
    tensors = TableTensors(rows["numbers"], rows["categories"], texts)
    named = by_name(named_inputs(model, spec, name=name), spec, tensors)
    return ({one: np.asarray(values) for one, values in named.items()},)
