"""CatBoost's own file: trees, statistics of categories and settings, no code.

Prokhorenkova et al. 2018, "CatBoost: unbiased boosting with categorical features". It writes into
each file when it was trained, a random name, and what was lost on the way: these are left out, so
that its bytes are those of the model.
"""

import tempfile
from pathlib import Path
from typing import Any

from lineage_store.data import Task
from unlearning.estimators.model_format import AskedByClass

OF_THE_RUN = ("model_guid", "train_finish_time", "training")


class CatBoostFile:
    """Files of CatBoost."""

    library = "catboost"
    suffix = "cbm"
    forks = False

    def load_library(self) -> None:
        """Import it."""
        import catboost  # noqa: F401

    def pin(self, estimator: Any) -> None:
        """Let it use one thread, and write no files besides."""
        told = estimator.get_params()
        estimator.set_params(thread_count=told.get("thread_count") or 1, allow_writing_files=False)

    def stored(self, estimator: Any) -> bytes:
        """Return the file of a fitted estimator."""
        told = estimator.get_metadata()
        for name in OF_THE_RUN:
            if name in told.keys():  # noqa: SIM118  # no dict: it has no `in` of its own
                del told[name]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"model.{self.suffix}"
            estimator.save_model(str(file), format=self.suffix)
            return file.read_bytes()

    def loaded(self, file: bytes, task: Task) -> AskedByClass:
        """Read a model back."""
        import catboost

        kind = catboost.CatBoostRegressor if task == "regression" else catboost.CatBoostClassifier
        model = kind(thread_count=1)
        model.load_model(blob=file)
        return AskedByClass(model)
