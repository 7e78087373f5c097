"""Scikit-learn's estimators as files of skops: a schema in JSON, and arrays; nothing is executed.

What may stand in a file are scikit-learn's estimators, NumPy's and SciPy's arrays and functions,
which skops trusts itself, and besides the classes of `TRUSTED`: each is scikit-learn's own, and is
made of numbers and arrays by its own constructor. Anything else, a function of the module's for
instance, is refused by name when it is stored, and when it is loaded.

skops names objects and files by their addresses in memory, which are others in every process. Here
they are numbered in the order in which the schema names them, and the archive says no time: so the
bytes of a file are those of the schema and of every array in it. Such a file is one of skops's.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

from lineage_store.data import Task
from lineage_store.errors import BadInput
from unlearning.estimators.model_format import INSTALL, AskedByClass

SCHEMA, ID, FILE = "schema.json", "__id__", "file"
UNIX, OWNER_ALONE = 3, 0o600 << 16
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
TRUSTED = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    *(
        f"sklearn.gaussian_process.kernels.{name}"
        for name in (
            "CompoundKernel", "ConstantKernel", "DotProduct", "Exponentiation", "ExpSineSquared",
            "Matern", "PairwiseKernel", "Product", "RBF", "RationalQuadratic", "Sum", "WhiteKernel",
        )
    ),
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    *(
        f"sklearn.metrics._dist_metrics.{name}Distance64"
        for name in ("Chebyshev", "Euclidean", "Manhattan", "Minkowski")
    ),
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)  # fmt: skip


class SkopsFile:
    """Files of skops."""

    library = "sklearn"
    suffix = "skops"
    forks = True

    def load_library(self) -> None:
        """Import it, and what stores it."""
        import skops.io  # noqa: F401

    def pin(self, estimator: Any) -> None:
        """Do nothing: it uses one thread where nothing else is said."""
        return

    def stored(self, estimator: Any) -> bytes:
        """Return the file of a fitted estimator, in its one form."""
        from skops.io.exceptions import UnsupportedTypeException

        try:
            file = canonical(_skops().dumps(estimator))
        except UnsupportedTypeException as error:
            raise BadInput(
                f"{type(estimator).__name__} holds what no file without code can hold: build it of "
                f"scikit-learn's own parts."
            ) from error
        _must_be_trusted(file)
        return file

    def loaded(self, file: bytes, task: Task) -> AskedByClass:
        """Read an estimator back; raises BadInput for a file with types that are not trusted."""
        _must_be_trusted(file)
        return AskedByClass(_skops().loads(file, trusted=list(TRUSTED)))


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise BadInput(f"Estimators of scikit-learn are stored by skops: {INSTALL}.") from error
    return skops.io


def _must_be_trusted(file: bytes) -> None:
    found: Sequence[str] = _skops().get_untrusted_types(data=file)
    if other := sorted({*found} - {*TRUSTED}):
        raise BadInput(
            f"The estimator holds {', '.join(other)}, which could be code of anybody's and is not "
            f"loaded: build it of scikit-learn's own parts, and do the rest in `features` of the "
            f"module."
        )


def canonical(file: bytes) -> bytes:
    """Return a file of skops with all names in order of appearance; raises KeyError for others."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        names = _InOrder()
        schema = names.given(json.loads(archive.read(SCHEMA)))
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as into:
            _write(into, SCHEMA, json.dumps(schema, separators=(",", ":")).encode("ascii"))
            for old, new in names.files.items():
                _write(into, new, archive.read(old))
    return made.getvalue()


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, FIRST_DAY)
    entry.create_system, entry.external_attr = UNIX, OWNER_ALONE
    archive.writestr(entry, content)


class _InOrder:
    """New names for objects and files, in the order in which they are met."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self._objects: dict[int, int] = {}

    def given(self, part: Any) -> Any:
        """Return a part of a schema with new names."""
        if isinstance(part, list):
            return [self.given(one) for one in part]
        if not isinstance(part, dict):
            return part
        return {name: self._renamed(name, one) for name, one in part.items()}

    def _renamed(self, name: str, value: Any) -> Any:
        if name == ID and isinstance(value, int):
            return self._objects.setdefault(value, len(self._objects))
        if name == FILE and isinstance(value, str):
            ending = value.rpartition(".")[2]
            return self.files.setdefault(value, f"{len(self.files)}.{ending}")
        return self.given(value)
