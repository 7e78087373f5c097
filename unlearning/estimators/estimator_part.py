"""What a part of a model is that is an estimator: its file, and what its answers are of.

    model.SUFFIX  uint8, the bytes of the file in its library's own format (`known_formats`)
    classes       int64, the keys of the classes that it has, in the order of their names; none for
                  values
    counted       int64, how many rows it was fitted to: those of weight 0 are none of them

Where there is nothing to tell (of one class, or of no row that counts) no estimator is fitted, and
the part says what there is: the one class, all classes alike, or zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lineage_store.errors import CheckFailed
from lineage_store.tensors import WEIGHTS, Array, State

MODEL, CLASSES, COUNTED = f"{WEIGHTS}model.", f"{WEIGHTS}classes", f"{WEIGHTS}counted"


def no_classes() -> npt.NDArray[np.int64]:
    """Return the keys of no classes."""
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class EstimatorPart:
    """A part; `suffix` and `file` are empty where no estimator was fitted."""

    counted: int
    classes: npt.NDArray[np.int64] = field(default_factory=no_classes)
    suffix: str = ""
    file: bytes = b""

    def to_state(self) -> State:
        """Return the part as arrays by name."""
        state: State = {CLASSES: self.classes, COUNTED: np.array([self.counted], np.int64)}
        if self.suffix:
            state[f"{MODEL}{self.suffix}"] = np.frombuffer(self.file, np.uint8)
        return state

    @classmethod
    def from_state(cls, state: State) -> "EstimatorPart":
        """Read the part back."""
        name = next((one for one in state if one.startswith(MODEL)), "")
        file = state[name].tobytes() if name else b""
        return cls(int(state[COUNTED][0]), state[CLASSES], name.removeprefix(MODEL), file)


def needs_no_estimator(counted: int, classes: Sequence[int] | Array, *, task: str) -> bool:
    """Say whether there is nothing that an estimator could tell."""
    return not counted or (task == "classification" and len(classes) < 2)


def spread_over(
    told: Array | None, part: EstimatorPart, *, classes: Sequence[int], rows: int
) -> npt.NDArray[np.float64]:
    """Return shares (n, classes) by the keys of all classes of the model.

    `told` (n, m) are those of the part's own, None if it has no estimator. One that it never had
    has none; without any all have as much. Raises CheckFailed for a part of other classes.
    """
    if not len(part.classes):
        return np.full((rows, len(classes)), 1 / len(classes))
    found = np.zeros((rows, len(classes)))
    known = {key: place for place, key in enumerate(classes)}
    if not known.keys() >= {*part.classes.tolist()}:
        raise CheckFailed(
            "A part of the model has classes that the model has not: restore the workspace from a "
            "backup."
        )
    places = [known[key] for key in part.classes.tolist()]
    found[:, places] = 1.0 if told is None else told
    return found
