"""Fitting an estimator to the rows of a part: in this process, which was started for it.

`fitting_server` starts the processes, with one thread and Python's hashes seeded. Here the random
generators of Python and NumPy are, so that an estimator without a seed of its own draws alike in
every process. What a library says of rows goes nowhere: words of others may hold values.
"""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from lineage_store.tensors import Array, State
from unlearning.estimators.estimator_module import EstimatorModule, EstimatorSpec, frame_of
from unlearning.estimators.known_formats import FORMATS, must_use_one_thread

NUMBERS, TEXTS, ENDS, TARGETS, WEIGHT = "numbers", "texts", "ends", "targets", "weight"


@dataclass(frozen=True)
class RowsToFit:
    """The rows of a part that count, in key order.

    `numbers` (n, N) float32, `texts` (n, M) str, `targets` (n,) int64 or float64; `weights` (n,)
    float64, None if all rows count alike.
    """

    numbers: npt.NDArray[np.float32]
    texts: npt.NDArray[Any]
    targets: Array
    weights: npt.NDArray[np.float64] | None

    def to_state(self) -> State:
        """Return the rows as arrays of numbers, as they are sent to another process."""
        each = [text.encode("utf-8") for text in self.texts.reshape(-1)]
        found: State = {
            NUMBERS: np.ascontiguousarray(self.numbers),
            TEXTS: np.frombuffer(b"".join(each), np.uint8),
            ENDS: np.cumsum([len(text) for text in each], dtype=np.int64).reshape(self.texts.shape),
            TARGETS: self.targets,
        }
        return found if self.weights is None else {**found, WEIGHT: self.weights}

    @classmethod
    def from_state(cls, state: State) -> "RowsToFit":
        """Read the rows back."""
        together, ends = state[TEXTS].tobytes(), state[ENDS]
        texts, start = np.empty(ends.size, object), 0
        for place, end in enumerate(ends.reshape(-1).tolist()):
            texts[place] = together[start:end].decode("utf-8")
            start = end
        return cls(state[NUMBERS], texts.reshape(ends.shape), state[TARGETS], state.get(WEIGHT))


def fitted(module: EstimatorModule, spec: EstimatorSpec, rows: RowsToFit) -> tuple[str, bytes]:
    """Fit a module's estimator to rows, and return the suffix and the bytes of its file.

    Raises BadInput for an estimator that cannot be fitted to them, or cannot be stored.
    """
    random.seed(spec.seed)
    np.random.seed(spec.seed)  # what estimators without a seed of their own draw from
    estimator = built_alike(module, spec)
    frame = frame_of(spec, rows.numbers, rows.texts)
    module.must_be_of_a_row(frame, spec)
    given = {} if rows.weights is None else {_weight_name(estimator): rows.weights}
    try:
        estimator.fit(module.features(frame, spec), rows.targets, **given)
    except BadInput:
        raise
    except Exception as error:  # whose words may hold values
        raise BadInput(
            f"fit of {type(estimator).__name__} fails with {type(error).__name__} on the rows of a "
            f"part: try it on some rows in Python, whose words of an error may hold values."
        ) from error
    stored = FORMATS.of(estimator)
    return stored.suffix, stored.stored(estimator)


def built_alike(module: EstimatorModule, spec: EstimatorSpec) -> Any:
    """Return a module's estimator, with one thread; raises BadInput for one that will not do."""
    estimator = module.built(spec)
    must_use_one_thread(estimator)
    FORMATS.of(estimator).pin(estimator)
    if spec.weighed:
        _weight_name(estimator)
    return estimator


def _weight_name(estimator: Any) -> str:
    """Return how `fit` calls the weights of rows: of a pipeline, those of its last step."""
    from inspect import Parameter, signature

    steps = getattr(estimator, "steps", None)
    last, prefix = (steps[-1][1], f"{steps[-1][0]}__") if steps else (estimator, "")
    told = signature(last.fit).parameters
    takes_any = any(one.kind is Parameter.VAR_KEYWORD for one in told.values())
    if "sample_weight" not in told and not takes_any:
        raise BadInput(
            f"Rows have weights, and fit of {type(last).__name__} takes no sample_weight: leave "
            f"the weights out, or take another estimator."
        )
    return f"{prefix}sample_weight"
