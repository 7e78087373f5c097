"""The formats that there are: the one table that names them, and what is asked of any estimator.

A new library is a file with a `ModelFormat`, and a line here.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from lineage_store.data import Task
from lineage_store.errors import BadInput, CheckFailed, UnweaveError
from unlearning.estimators.model_format import ModelFormat, StoredModel

THREADS = frozenset(("n_jobs", "nthread", "num_threads", "nthreads", "thread_count"))
"""What libraries call the number of threads."""


class FileFormats:
    """The formats that there are, by the names of their files."""

    @cached_property
    def by_suffix(self) -> Mapping[str, ModelFormat]:
        """Return them by suffix."""
        from unlearning.estimators.catboost_format import CatBoostFile
        from unlearning.estimators.lightgbm_format import LightGBMFile
        from unlearning.estimators.skops_format import SkopsFile
        from unlearning.estimators.xgboost_format import XGBoostFile

        known: tuple[ModelFormat, ...] = (
            SkopsFile(), XGBoostFile(), LightGBMFile(), CatBoostFile(),
        )  # fmt: skip
        return {one.suffix: one for one in known}

    def of(self, estimator: Any) -> ModelFormat:
        """Return the format of an estimator; raises BadInput for one of another library."""
        kinds = {kind.__module__.partition(".")[0] for kind in type(estimator).__mro__}
        own = type(estimator).__module__.partition(".")[0]
        libraries = {one.library: one for one in self.by_suffix.values()}
        if own in libraries:
            return libraries[own]
        known = ", ".join(libraries)
        what = f"an object of {type(estimator).__name__}"
        if kinds & libraries.keys():
            raise BadInput(
                f"{what} is of a class of its own, which no file without code can hold: return "
                f"one of {known} itself."
            )
        raise BadInput(
            f"{what} is of no library whose models can be stored without code ({known}): return "
            f"one of these."
        )

    def read(self, suffix: str, file: bytes, task: Task) -> StoredModel:
        """Read a model back from a file.

        Raises BadInput for one that holds more than data, CheckFailed for one that is damaged.
        """
        try:
            return self.by_suffix[suffix].loaded(file, task)
        except UnweaveError:
            raise
        except Exception as error:  # each library has its own
            raise CheckFailed(
                f"The file of an estimator ({suffix}) is damaged, or its library is another one "
                f"than it was written by: restore the workspace from a backup."
            ) from error


FORMATS = FileFormats()


def must_use_one_thread(estimator: Any) -> None:
    """Raise BadInput for an estimator, or one within, that asks for several threads."""
    asks = getattr(estimator, "get_params", None)
    told = {} if asks is None else asks()
    for name, number in told.items():
        if name.rpartition("__")[2] in THREADS and number not in (None, 1):
            raise BadInput(
                f"The estimator asks for {number} threads ({name}), and sums depend on how many "
                f"there are: leave it out, or say 1."
            )
