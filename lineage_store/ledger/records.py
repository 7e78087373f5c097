"""What a ledger records of one step and of one stage."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import UnionType
from typing import Any, Literal, get_args, get_origin

Kind = Literal["stage", "sums", "trees", "optimum", "fit"]


@dataclass(frozen=True)
class StepRecord:
    """One parameter update: where it stands, and digests of what caused it and what it did.

    `batch_digest` covers the row keys of the batch; `update_digest` the recorded update, and
    `checkpoint_digest` the checkpoint after the step, if there is one.
    """

    position: int
    epoch: int
    batch: int
    rows: int
    batch_digest: str
    loss: float
    update_digest: str | None = None
    checkpoint_digest: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, as it always was where there is no checkpoint."""
        return without(asdict(self), checkpoint_digest=None)


@dataclass(frozen=True)
class StageRecord:
    """One trained stage of a shard.

    `epochs` are those taken, which early stopping makes fewer than planned. `rows_digest` covers
    keys and contents of all rows it saw; `seconds` is wall time of the steps. `resumed` of its
    steps were taken over from the ledger before, with the checkpoint after them. `start_digest` is
    that of the weights after a subtraction, for a stage that repairs what it left. `watched` are
    the losses on the watched rows after each epoch, where these decide when it ends. Of any other
    kind than "stage" it is one unit of all its rows (their sums, say), and has no steps.
    """

    shard: int
    stage: int
    rows: int
    epochs: int
    batches: int
    first_position: int
    steps: int
    rows_digest: str
    checkpoint_digest: str
    steps_digest: str
    model: str
    seconds: float
    resumed: int = 0
    start_digest: str = ""
    kind: Kind = "stage"
    watched: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "watched", tuple(self.watched))  # JSON gives a list

    @property
    def at_once(self) -> bool:
        """Whether it was made of its rows at once, by no steps."""
        return self.kind != "stage"

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, as it always was where nothing was taken over or repaired."""
        value = asdict(self) | {"watched": list(self.watched)}
        return without(value, resumed=0, start_digest="", kind="stage", watched=[])


def read_stage(value: Mapping[str, Any]) -> StageRecord:
    """Read a stage's record; raises TypeError where a value is of another type than it says."""
    found = StageRecord(**value)
    for field in fields(found):
        if not _fits(getattr(found, field.name), field.type):
            raise TypeError(f"{field.name} of a stage is of another type")
    return found


def _fits(value: Any, kind: Any) -> bool:
    """Say whether a value is of the type that a field is declared with."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in parts
    if origin is tuple:
        return all(_fits(one, parts[0]) for one in value)
    if isinstance(kind, UnionType):
        return any(_fits(value, one) for one in parts)
    return type(value) in ((int, float) if kind is float else (kind,))


def without(value: dict[str, Any], **absent: object) -> dict[str, Any]:
    """Leave out what has the value that its absence means: older ledgers keep their digests."""
    return {
        name: item for name, item in value.items() if name not in absent or item != absent[name]
    }
