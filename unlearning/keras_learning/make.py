"""The learner of a store's rows, built from a module's source, and how it wants them."""

import functools

from lineage_store.rows import RowStore
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import (
    ModelSpec,
    built_in_text,
    built_model,
    load_module,
    spec_of,
)
from unlearning.keras_models.refusals import read_model


def make_learner(
    text: str, *, name: str, store: RowStore, seed: int, device: str = "cpu"
) -> KerasLearner:
    """Build the learner of a store's rows from a module's source."""
    pin_tensorflow(device)
    return KerasLearner(text, name=name, spec=spec_of(store.schema), seed=seed)


@functools.lru_cache(maxsize=8)
def reads_texts(text: str, *, name: str, spec: ModelSpec) -> bool:
    """Say whether the model that a module's source builds reads strings as they are.

    Raises BadInput if it does not fit the table.
    """
    if not spec.strings:
        return False
    if text == built_in_text():
        return bool(spec.words)
    pin_tensorflow()
    module = load_module(text, name=name)
    model = built_model(module, spec, seed=0, name=name)
    inputs, _ = read_model(model, spec, module=module, name=name)
    return inputs.reads_texts
