"""LightGBM's own file, text: trees and settings, no code.

Ke et al. 2017, "LightGBM: A Highly Efficient Gradient Boosting Decision Tree". Which way it reads
rows (by rows or by columns) it finds out by the clock, and says in its file: by rows, here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lineage_store.data import Task
from lineage_store.tensors import Array


@dataclass(frozen=True)
class AskedBooster:
    """A booster of LightGBM."""

    booster: Any

    def values(self, features: Any) -> Array:
        """Return a value for each row (n,)."""
        return np.asarray(self.booster.predict(features, num_threads=1))

    def shares(self, features: Any) -> Array:
        """Return the shares (n, m) of classes: of two it tells that of the second."""
        told = self.values(features)
        return np.stack([1 - told, told], axis=1) if told.ndim == 1 else told


class LightGBMFile:
    """Files of LightGBM."""

    library = "lightgbm"
    suffix = "txt"
    forks = True

    def load_library(self) -> None:
        """Import it."""
        import lightgbm  # noqa: F401

    def pin(self, estimator: Any) -> None:
        """Let it use one thread, read rows one way, and say nothing of rows."""
        told = estimator.get_params()
        if told.get("n_jobs") is None:
            estimator.set_params(n_jobs=1)
        if not (told.get("force_row_wise") or told.get("force_col_wise")):
            estimator.set_params(force_row_wise=True)
        if "deterministic" not in told:
            estimator.set_params(deterministic=True)

    def stored(self, estimator: Any) -> bytes:
        """Return the file of a fitted estimator."""
        text: str = estimator.booster_.model_to_string()
        return text.encode("utf-8")

    def loaded(self, file: bytes, task: Task) -> AskedBooster:
        """Read a model back."""
        import lightgbm

        return AskedBooster(lightgbm.Booster(model_str=file.decode("utf-8")))
