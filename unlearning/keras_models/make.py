"""The learner of a store's rows, built from a module's source."""

from lineage_store.rows import RowStore
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_models.keras_learner import KerasLearner
from unlearning.keras_models.module_file import spec_of


def make_learner(text: str, *, name: str, store: RowStore, seed: int) -> KerasLearner:
    """Build the learner of a store's rows from a module's source."""
    pin_tensorflow()
    return KerasLearner(text, name=name, spec=spec_of(store.schema), seed=seed)
