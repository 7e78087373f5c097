"""What a module of the family `estimator` must offer, and what it is told.

A module is a Python file with one function:

    def build_estimator(spec: EstimatorSpec)

It sees no data. It returns an object of scikit-learn, XGBoost, LightGBM or CatBoost that is not
fitted yet: anything with `fit(X, y)` and `predict(X)`; where it has `predict_proba`, that tells the
shares of classes. Each part is fitted by an object of its own, whole, with one thread, in a process
whose random generators are seeded; what draws by a seed of its own is given `spec.seed`.

`X` is a pandas DataFrame (n, columns) with the columns of the table in their order, under their
names: numbers float32, NaN where missing; texts str, "" where missing. `y` (n,) are float64 values,
or int64 numbers of classes: 0, 1, ... in the order of the names of those that the part has, which
are `spec.classes`. If rows have weights, `fit` is given them as `sample_weight` (n,) float64; a row
of weight 0 is not there at all. Rows stand in the order of their keys.

A module may make something else of a row than its columns, before it is fitted and asked:

    def features(frame, spec)

returns an array or a DataFrame with as many rows. It must look at one row at a time, which is tried
out: what is learnt from rows (a scaler, categories) belongs into the estimator, a pipeline of
scikit-learn's for instance. `spec.hashed(frame)` is what suits libraries that take numbers alone.
"""

import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.canonical import digest
from lineage_store.data import Schema, Task
from lineage_store.errors import BadInput
from unlearning.encoding.value_keys import key_of
from unlearning.estimators.model_format import INSTALL

BUILD, FEATURES = "build_estimator", "features"
BUCKETS = 255
SEEDS = 1 << 31


@dataclass(frozen=True)
class EstimatorSpec:
    """What an estimator is built from: columns, the task, and a seed; nothing of any row.

    `columns` are all that are read, in the order of the table, `strings` those of texts. `classes`
    are the names of those that a part has, none for values.
    """

    columns: tuple[str, ...]
    strings: tuple[str, ...]
    task: Task
    classes: tuple[str, ...]
    seed: int
    weighed: bool = False

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers, dates among them."""
        return tuple(name for name in self.columns if name not in self.strings)

    def hashed(self, frame: Any, *, buckets: int = BUCKETS) -> npt.NDArray[np.float32]:
        """Return columns (n, columns) as numbers: of a text the number of its bucket, from 0.

        A bucket follows from the column and the text alone; a missing text has none, and is NaN.
        """
        found = np.empty((len(frame), len(self.columns)), np.float32)
        for place, name in enumerate(self.columns):
            column = frame[name].to_numpy()
            if name in self.strings:
                known = {text: _bucket(name, text, buckets) for text in set(column)}
                column = np.array([known[text] for text in column], np.float32)
            found[:, place] = column
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "EstimatorSpec":
        """Read the value back."""
        names = {name: tuple(value[name]) for name in ("columns", "strings", "classes")}
        return cls(**{**value, **names})


def _bucket(column: str, text: str, buckets: int) -> float:
    return key_of(column, "=" + text) % buckets if text else np.nan


def spec_of_columns(schema: Schema, *, seed: int, classes: tuple[str, ...]) -> EstimatorSpec:
    """Return the spec of a table, for a part that has some of its classes."""
    return EstimatorSpec(
        tuple(column.name for column in schema.columns),
        schema.names("text"),
        schema.label.task,
        classes,
        seed % SEEDS,
        weighed=bool(schema.weights),
    )


def load_module(text: str, *, name: str) -> types.ModuleType:
    """Run a module's source and return it.

    Raises BadInput if it fails to run or has no function `build_estimator`.
    """
    module = types.ModuleType(f"unweave_module_{digest(text.encode('utf-8'))[:12]}")
    try:
        exec(compile(text, name, "exec"), module.__dict__)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"The module {name} imports {error.name}, which is not there: {INSTALL}."
        ) from error
    except Exception as error:
        raise BadInput(
            f"The module {name} fails when it is loaded: {type(error).__name__}: {error}."
        ) from error
    if not callable(getattr(module, BUILD, None)):
        raise BadInput(f"The module {name} has no function {BUILD}(spec).")
    return module


@dataclass(frozen=True)
class EstimatorModule:
    """A module of this family, run; `name` is what it is called in messages."""

    text: str
    name: str

    @cached_property
    def _module(self) -> types.ModuleType:
        return load_module(self.text, name=self.name)

    def must_load(self) -> None:
        """Raise BadInput if the module cannot be run, or has no `build_estimator`."""
        assert self._module

    def built(self, spec: EstimatorSpec) -> Any:
        """Return a new estimator; raises BadInput for anything else."""
        try:
            estimator = getattr(self._module, BUILD)(spec)
        except Exception as error:
            raise BadInput(
                f"{BUILD} of {self.name} fails: {type(error).__name__}: {error}."
            ) from error
        for method in ("fit", "predict"):
            if isinstance(estimator, type) or not callable(getattr(estimator, method, None)):
                raise BadInput(
                    f"{BUILD} of {self.name} returns {_what(estimator)}, which has no {method}: "
                    f"return an object that can be fitted and asked."
                )
        return estimator

    def features(self, frame: Any, spec: EstimatorSpec) -> Any:
        """Return what the estimator is given of rows: the frame, or what the module makes of it.

        Raises BadInput if that fails, or has other rows.
        """
        made = getattr(self._module, FEATURES, None)
        if made is None:
            return frame
        try:
            found = made(frame, spec)
        except Exception as error:  # whose words may hold values
            raise BadInput(f"{FEATURES} of {self.name} fails: {type(error).__name__}.") from error
        if getattr(found, "ndim", None) != 2 or len(found) != len(frame):
            raise BadInput(
                f"{FEATURES} of {self.name} returns no array or DataFrame with a row for each row."
            )
        return found

    def must_be_of_a_row(self, frame: Any, spec: EstimatorSpec) -> None:
        """Raise BadInput if the features of some rows, told alone, are others than among all."""
        together = self.features(frame, spec)
        for place in {0, len(frame) // 2, len(frame) - 1}:
            one = slice(place, place + 1)
            alone = np.asarray(self.features(frame.iloc[one], spec), object)
            among = np.asarray(together, object)[one]
            if repr(alone.tolist()) != repr(among.tolist()):
                raise BadInput(
                    f"{FEATURES} of {self.name} makes something else of a row alone than among "
                    f"others: what is learnt from rows belongs into the estimator."
                )


def _what(found: Any) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else type(found).__name__


def frame_of(spec: EstimatorSpec, numbers: npt.NDArray[np.float32], texts: npt.NDArray[Any]) -> Any:
    """Return columns as a DataFrame, from numbers (n, N) and texts (n, M), str."""
    import pandas

    columns = dict(zip(spec.numbers, numbers.T, strict=True))
    columns |= dict(zip(spec.strings, texts.T, strict=True))
    return pandas.DataFrame({name: columns[name] for name in spec.columns})
