"""What the user fixed for a training run: it stands in the ledger, and in every shard's task."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.placement import Partition
from unlearning.aggregation import DEFAULT


@dataclass(frozen=True)
class TrainConfig:
    """What the user fixed for a run; `module` is the name of the model file."""

    partition: Partition
    record: str
    module: str
    key_id: str
    aggregate: str = DEFAULT

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainConfig":
        """Read the value back."""
        return cls(**{**value, "partition": Partition(**value["partition"])})
