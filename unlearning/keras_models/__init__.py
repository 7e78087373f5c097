"""A Keras model as a learner, and what it needs to be trained the same way twice.

keras_learner   the learner
make            builds the learner of a store's rows
module_file     what a model file must offer, and what it is told
refusals        what no run could repeat bit for bit
tabular         the built-in model
encoding        of columns, the same in training and in the served model
class_weights   what a row counts for, by its class
seeds           of Python's random numbers in one thread
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.keras_models.class_weights import must_fit
    from unlearning.keras_models.keras_learner import KerasLearner
    from unlearning.keras_models.make import make_learner
    from unlearning.keras_models.module_file import BUILT_IN, load_module, module_text
else:
    __getattr__ = lazily(
        __name__,
        {
            "class_weights": ("must_fit",),
            "keras_learner": ("KerasLearner",),
            "make": ("make_learner",),
            "module_file": ("BUILT_IN", "load_module", "module_text"),
        },
    )

__all__ = ["BUILT_IN", "KerasLearner", "load_module", "make_learner", "module_text", "must_fit"]
