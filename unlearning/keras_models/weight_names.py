"""What a model's weights are called in states: by their place, not by Keras's counters."""

import re
from typing import Any

from lineage_store.tensors import WEIGHTS
from unlearning.keras_models.refusals import layers_of

UNNAMED = re.compile(r"^variable_\d+$")  # Keras counts these in the process too


def weight_names(model: Any) -> list[str]:
    """Return the names of a model's weights, in their order: the same in every process."""
    owner = {}
    for number, layer in enumerate(layers_of(model)):
        for variable in layer.weights:
            owner[id(variable)] = f"{number:03d}.{type(layer).__name__}"
    return [
        f"{WEIGHTS}{i:04d}.{owner.get(id(variable), 'model')}."
        f"{UNNAMED.sub('variable', variable.name)}"
        for i, variable in enumerate(model.weights)
    ]
