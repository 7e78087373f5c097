"""XGBoost's own file, UBJSON: trees and settings, no code; its bytes are the same in every process.

Chen and Guestrin 2016, "XGBoost: A Scalable Tree Boosting System".
"""

from typing import Any

from lineage_store.data import Task
from unlearning.estimators.model_format import AskedByClass


class XGBoostFile:
    """Files of XGBoost."""

    library = "xgboost"
    suffix = "ubj"
    forks = True

    def load_library(self) -> None:
        """Import it."""
        import xgboost  # noqa: F401

    def pin(self, estimator: Any) -> None:
        """Let it use one thread."""
        if estimator.get_params().get("n_jobs") is None:
            estimator.set_params(n_jobs=1)

    def stored(self, estimator: Any) -> bytes:
        """Return the file of a fitted estimator."""
        return bytes(estimator.get_booster().save_raw(self.suffix))

    def loaded(self, file: bytes, task: Task) -> AskedByClass:
        """Read a model back."""
        import xgboost

        kind = xgboost.XGBRegressor if task == "regression" else xgboost.XGBClassifier
        model = kind(n_jobs=1)
        model.load_model(bytearray(file))
        return AskedByClass(model)
