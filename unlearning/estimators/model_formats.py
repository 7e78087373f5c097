"""The formats in which estimators are stored: each library's own, none of which holds code.

A file is data: what is loaded from it are numbers, names and the classes of the library itself. No
pickle, and nothing that reads one, is on the way. A new library is a file with a `ModelFormat` and
a line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from lineage_store.data import Task
from lineage_store.errors import BadInput
from lineage_store.tensors import Array

INSTALL = "install unweave[estimators], or the library alone"
THREADS = frozenset(("n_jobs", "nthread", "num_threads", "nthreads", "thread_count"))
"""What libraries call the number of threads."""


class Asked(Protocol):
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

    def loaded(self, file: bytes, task: Task) -> Asked:
        """Read a model back; raises BadInput for a file that holds more than data."""


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
