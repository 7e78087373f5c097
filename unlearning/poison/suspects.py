"""Which rows of a trained model look poisoned: the detectors, put to its shards and its rows.

`loss` judges a shard's rows by the models of all other shards, which did not see them. `spectral`
looks for what all have learnt, a trigger, so every shard's model judges all rows, and the mean of
their scores counts.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lineage_store.rows import Rows, RowStore, joined
from lineage_store.tensors import State
from unlearning.families.family import Learner
from unlearning.poison.example_loss import example_losses, held_out
from unlearning.poison.ranking import highest, highest_of_each
from unlearning.poison.spectral_signature import REMOVED, spectral_scores

RowKeys = npt.NDArray[np.uint8]
Detector = Callable[[Learner, Sequence[State], RowStore, float], RowKeys]


def by_loss(learner: Learner, shards: Sequence[State], store: RowStore, share: float) -> RowKeys:
    """Return the keys (m, 16) of the rows with the highest loss under the other shards' models.

    Empty shards' states are empty. Of a model of one shard the loss is its own, and tells less.
    """
    members = [number for number, state in enumerate(shards) if state]
    keys, losses = [np.zeros((0, 16), np.uint8)], [np.zeros(0)]
    for own, rows in shard_rows(store):
        answers = [learner.predict(shards[one], rows).astype(np.float64) for one in members]
        of_others = held_out(answers, own=members.index(own))
        keys.append(rows.row_keys)
        losses.append(example_losses(of_others, learner.targets(rows)))
    return np.concatenate(keys)[highest(np.concatenate(losses), share)]


def by_spectrum(
    learner: Learner, shards: Sequence[State], store: RowStore, share: float
) -> RowKeys:
    """Return the keys (m, 16) of the rows that lie out in the spectra of their class.

    `share` is the most of a class that may be poisoned; 1.5 times as many are returned, and at
    most half. Raises BadInput for a model that makes nothing of rows before it answers.
    """
    rows = joined([part for _, part in shard_rows(store)])
    total, classes = np.zeros(len(rows)), learner.targets(rows)
    for state in filter(None, shards):
        total += spectral_scores(learner.representations(state, rows), classes)
    wanted = min(REMOVED * share, 0.5) if share <= 0.5 else share
    return rows.row_keys[highest_of_each(total, classes, wanted)]


DETECTORS: Mapping[str, Detector] = {"loss": by_loss, "spectral": by_spectrum}


def shard_rows(store: RowStore) -> list[tuple[int, Rows]]:
    """Return the training rows of each shard that has any, with its number."""
    found = []
    for shard, counts in enumerate(store.counts):
        if any(counts):
            rows = store.stage_rows(shard, len(counts) - 1)
            found.append((shard, rows.take(np.arange(len(rows)))))
    return found
