"""How estimators of one library are stored: in its own format, which holds no code.

A file is data: what is loaded from it are numbers, names and the classes of the library itself. No
pickle, and nothing that reads one, is on the way.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lineage_store.data import Task
from lineage_store.tensors import Array

INSTALL = "install unweave[estimators], or the library alone"


class StoredModel(Protocol):
    """A model that was read back from its file."""

    def values(self, features: Any) -> Array:
        """Return a value for each row (n,)."""

    def shares(self, features: Any) -> Array:
        """Return the shares (n, m) of the classes that it was fitted with, at least two."""


class ModelFormat(Protocol):
    """How estimators of one library are stored."""

    library: str
    """What the library is imported as."""
    suffix: str
    """What the names of its files end in."""
    forks: bool
    """Whether a process that has imported the library may be forked: it starts no threads."""

    def load_library(self) -> None:
        """Import what fitting takes; raises ImportError if it is not installed."""

    def pin(self, estimator: Any) -> None:
        """Let an estimator use one thread and write no files, where it leaves that open."""

    def stored(self, estimator: Any) -> bytes:
        """Return the file of a fitted estimator: the same bytes for the same model.

        Raises BadInput for one that cannot be stored without code.
        """

    def loaded(self, file: bytes, task: Task) -> StoredModel:
        """Read a model back; raises BadInput for a file that holds more than data."""


@dataclass(frozen=True)
class AskedByClass:
    """An estimator that has `predict`, and maybe `predict_proba`."""

    estimator: Any

    def values(self, features: Any) -> Array:
        """Return a value for each row (n,)."""
        return np.asarray(self.estimator.predict(features)).reshape(-1)

    def shares(self, features: Any) -> Array:
        """Return the shares (n, m) of classes: all of it for one, if it tells no more."""
        if hasattr(self.estimator, "predict_proba"):
            return np.asarray(self.estimator.predict_proba(features))
        return np.eye(len(self.estimator.classes_))[self.values(features).astype(np.int64)]
