"""How the shards' outputs become one answer (Bourtoule et al. 2021, section IV-B).

    mean     probabilities or values, averaged over the shards
    vote     each shard votes for its likeliest class; a class's probability is its share of the
             votes, and of classes with as many votes the one of higher mean probability is taken
    median   values: the middle one of the shards' (of an even number, the mean of the two)

Each is written twice, for arrays and as a TensorFlow graph for the served model, and held together
by a test. A shard without rows is not among the members.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput

Outputs = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Aggregation:
    """One rule: members (shards, n, units) to (outputs (n, units), scores (n, units)).

    The class told is that of the highest score; outputs are what the model returns.
    """

    name: str
    tasks: tuple[str, ...]
    arrays: Callable[[Outputs], tuple[Outputs, Outputs]]
    graph: Callable[[Any], tuple[Any, Any]]


def _mean(members: Outputs) -> tuple[Outputs, Outputs]:
    mean: Outputs = np.mean(members, axis=0)
    return mean, mean


def _mean_graph(members: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    mean = tf.reduce_mean(members, axis=0)
    return mean, mean


def _vote(members: Outputs) -> tuple[Outputs, Outputs]:
    votes = np.eye(members.shape[2])[members.argmax(axis=2)]
    share: Outputs = votes.mean(axis=0)
    # Half a vote is more than what tells equal numbers of votes apart.
    return share, votes.sum(axis=0) + members.mean(axis=0) / 2


def _vote_graph(members: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    votes = tf.one_hot(tf.argmax(members, axis=2), members.shape[2], dtype=members.dtype)
    score = tf.reduce_sum(votes, axis=0) + tf.reduce_mean(members, axis=0) / 2
    return tf.reduce_mean(votes, axis=0), score


def _median(members: Outputs) -> tuple[Outputs, Outputs]:
    median: Outputs = np.median(members, axis=0)
    return median, median


def _median_graph(members: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    ordered, count = tf.sort(members, axis=0), members.shape[0]
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return median, median


AGGREGATIONS = {
    one.name: one
    for one in (
        Aggregation("mean", ("classification", "regression"), _mean, _mean_graph),
        Aggregation("vote", ("classification",), _vote, _vote_graph),
        Aggregation("median", ("regression",), _median, _median_graph),
    )
}
DEFAULT = "mean"


def aggregation_for(name: str, *, task: str) -> Aggregation:
    """Return an aggregation by its name; raises BadInput if the task has no use for it."""
    found = AGGREGATIONS[name]
    if task not in found.tasks:
        fitting = [one.name for one in AGGREGATIONS.values() if task in one.tasks]
        raise BadInput(
            f"The label makes this a {task}, and `aggregate` {name} is for a "
            f"{found.tasks[0]}: choose {' or '.join(fitting)}."
        )
    return found


def aggregation_or_default(name: str, *, task: str | None) -> Aggregation:
    """Return an aggregation by its name, or the default if the task has no use for it.

    A deletion may change the task, and must not be stopped by it.
    """
    found = AGGREGATIONS[name]
    return found if task in found.tasks else AGGREGATIONS[DEFAULT]


def stacked(members: Sequence[npt.NDArray[Any]]) -> Outputs:
    """Return the members' outputs as one array (shards, n, units) float64."""
    return np.stack([member.astype(np.float64) for member in members])
