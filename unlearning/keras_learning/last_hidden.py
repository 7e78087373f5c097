"""What a Keras model makes of rows before its last layer."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from lineage_store.rows import Rows
from lineage_store.tensors import Array
from unlearning.keras_learning.keras_learner import PREDICTED_AT_ONCE, KerasLearner


def last_hidden(
    learner: KerasLearner, weights: Mapping[str, Array], rows: Rows
) -> npt.NDArray[np.float64]:
    """Return what the last layer is given (n, width), in inference mode.

    Raises BadInput for a model whose layers do not say what they are given: one that is no
    functional or sequential Keras model.
    """
    import keras

    model = learner.graph()
    if learner.spec.labels:
        raise BadInput(
            "The model has several outputs, and so no one layer before its answer, which the "
            "spectral method looks at: use `method` loss."
        )
    try:
        below = keras.Model(model.inputs, model.layers[-1].input)
    except (AttributeError, IndexError, ValueError) as error:
        raise BadInput(
            "The model does not say what its last layer is given, which the spectral method looks "
            "at: use `method` loss."
        ) from error
    learner.load(weights)
    pieces = [
        np.asarray(below(learner.given(rows, start, PREDICTED_AT_ONCE), training=False))
        for start in range(0, len(rows), PREDICTED_AT_ONCE)
    ]
    together: npt.NDArray[np.float64] = np.concatenate(pieces).astype(np.float64)
    return together.reshape((len(rows), -1))
