"""A learner: a model that can be put into a state, take one step, and say what state it is in.

This is all that training and the strategies know of a model; `keras_learner` is the one for Keras.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.rows import Rows, RowSet
from lineage_store.tensors import Array, State
from unlearning.keras_models.class_weights import Weights


class Learner(Protocol):
    """What can be trained step by step, from any state."""

    def initial_state(self, shard: int, first_rows: Rows | None) -> State:
        """Return a shard's state before its first step."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Put the learner into a state."""

    def state(self) -> State:
        """Return the whole training state: weights and optimizer slots."""

    def weights(self) -> State:
        """Return the weights alone."""

    def step(
        self, rows: Rows, *, shard: int, position: int, class_weights: Weights | None = None
    ) -> Any:
        """Train on one batch; return the loss, possibly not yet computed."""

    def loss(self, rows: RowSet) -> float:
        """Return the mean loss on rows in inference mode, in the state that it is in."""

    def predict(self, weights: Mapping[str, Array], rows: Rows) -> npt.NDArray[np.float32]:
        """Return the outputs (n, units) for rows, from these weights."""
