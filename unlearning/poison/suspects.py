"""Which rows of a trained model look poisoned: the detectors, put to its shards and its rows.

`loss` judges a shard's rows by the models of all other shards, which did not see them. `spectral`
looks for what all have learnt, a trigger, so every shard's model judges all rows, and the mean of
their scores counts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from lineage_store.rows import Rows, RowStore, joined
from lineage_store.tensors import State
from unlearning.keras_models.encoding import model_inputs
from unlearning.keras_models.keras_learner import PREDICTED_AT_ONCE, KerasLearner
from unlearning.poison.example_loss import example_losses, held_out
from unlearning.poison.ranking import highest, highest_of_each
from unlearning.poison.spectral_signature import REMOVED, spectral_scores

RowKeys = npt.NDArray[np.uint8]
Detector = Callable[[KerasLearner, Sequence[State], RowStore, float], RowKeys]


def by_loss(
    learner: KerasLearner, shards: Sequence[State], store: RowStore, share: float
) -> RowKeys:
    """Return the keys (m, 16) of the rows with the highest loss under the other shards' models.

    Empty shards' states are empty. Of a model of one shard the loss is its own, and tells less.
    """
    members = [number for number, state in enumerate(shards) if state]
    keys, losses = [np.zeros((0, 16), np.uint8)], [np.zeros(0)]
    for own, rows in shard_rows(store):
        answers = [learner.predict(shards[one], rows).astype(np.float64) for one in members]
        told = held_out(answers, own=members.index(own))
        keys.append(rows.row_keys)
        losses.append(example_losses(told, rows.labels))
    return np.concatenate(keys)[highest(np.concatenate(losses), share)]


def by_spectrum(
    learner: KerasLearner, shards: Sequence[State], store: RowStore, share: float
) -> RowKeys:
    """Return the keys (m, 16) of the rows that lie out in the spectra of their class.

    `share` is the most of a class that may be poisoned; 1.5 times as many are returned, and at
    most half. Raises what `last_hidden` raises.
    """
    rows = joined([part for _, part in shard_rows(store)])
    total = np.zeros(len(rows))
    for state in filter(None, shards):
        total += spectral_scores(last_hidden(learner, state, rows), rows.labels)
    wanted = min(REMOVED * share, 0.5) if share <= 0.5 else share
    return rows.row_keys[highest_of_each(total, rows.labels, wanted)]


DETECTORS: Mapping[str, Detector] = {"loss": by_loss, "spectral": by_spectrum}


def shard_rows(store: RowStore) -> list[tuple[int, Rows]]:
    """Return the training rows of each shard that has any, with its number."""
    found = []
    for shard, counts in enumerate(store.counts):
        if any(counts):
            rows = store.stage_rows(shard, len(counts) - 1)
            found.append((shard, rows.take(np.arange(len(rows)))))
    return found


def last_hidden(
    learner: KerasLearner, weights: Mapping[str, Any], rows: Rows
) -> npt.NDArray[np.float64]:
    """Return what the last layer is given (n, width), in inference mode.

    Raises BadInput for a model whose layers do not say what they are given: one that is no
    functional or sequential Keras model.
    """
    import keras
    import tensorflow as tf

    model, wanted = learner.graph()
    try:
        below = keras.Model(model.inputs, model.layers[-1].input)
    except (AttributeError, IndexError, ValueError) as error:
        raise BadInput(
            "The model does not say what its last layer is given, which the spectral method looks "
            "at: use --method loss."
        ) from error
    learner.load(weights)
    pieces = [
        np.asarray(
            below(
                model_inputs(
                    rows["numbers"][start : start + PREDICTED_AT_ONCE],
                    tf.constant(rows["categories"][start : start + PREDICTED_AT_ONCE]),
                    wanted=wanted,
                ),
                training=False,
            )
        )
        for start in range(0, len(rows), PREDICTED_AT_ONCE)
    ]
    together: npt.NDArray[np.float64] = np.concatenate(pieces).astype(np.float64)
    return together.reshape((len(rows), -1))
