"""What a ledger remembers of a marginal subtraction: by what the weights of a shard were corrected.

A whole subtraction leaves the positions of its updates in `subtracted.json`. A marginal one leaves
those of the batches that held deleted rows, and beside them what is told here: a later deletion
starts from the corrected state, and must know that it is the recorded one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Correction:
    """The newest correction of a shard.

    `model` is the one whose run made it, in `steps` training steps; the first `kept_stages` stages
    never saw a deleted row. `state_digest` is the SHA-256 of the file of the corrected state.
    """

    model: str
    steps: int
    kept_stages: int
    state_digest: str

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self)


def read_correction(subtracted: Mapping[str, Any]) -> Correction | None:
    """Return what `subtracted.json` says of a correction; None after a whole subtraction."""
    told = subtracted.get("correction")
    return None if told is None else Correction(**told)
