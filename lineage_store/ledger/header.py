"""The header of a ledger: what stands in `header.json`, and what an older one means by silence.

A field that came later has the value that its absence means; these values stand here and nowhere
else. A ledger's digest covers the header as it stands on disk, so an older one keeps its digest.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.canonical import Json
from lineage_store.ledger.train_options import FIRST_FAMILY, TrainOptions
from lineage_store.placement import Partition

FORMAT, FORMAT_OF_OTHERS = 1, 2  # an unweave that knows stages of steps alone refuses the latter


@dataclass(frozen=True)
class ModuleOrigin:
    """The source of a model: the name under which it is recorded, and the digest of its text."""

    name: str
    digest: str


@dataclass(frozen=True)
class BaseOrigin:
    """The model that a training started from, and a digest of each shard's weights.

    The digest of a shard without weights is None.
    """

    model: str
    weights: tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a run fixed, what it inferred, and by which code it ran in which environment.

    `spec` and `optimizer` are in the learner's own terms, `data` in those of the row store;
    `trainable` names the weights that steps change.
    """

    model: str
    options: TrainOptions
    module: ModuleOrigin
    spec: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    trainable: tuple[str, ...]
    data: Mapping[str, Any]
    code: str
    environment: Mapping[str, Any]
    key_id: str
    base: BaseOrigin | None = None

    @property
    def partition(self) -> Partition:
        """How the run cut its data."""
        return self.options.partition

    def to_json(self) -> dict[str, Json]:
        """Return the header as it is written; without a base there is no such key."""
        value: dict[str, Json] = {
            "format": FORMAT if self.options.model_family == FIRST_FAMILY else FORMAT_OF_OTHERS,
            "model": self.model,
            **self.options.in_header(),
            "module": asdict(self.module),
            "spec": dict(self.spec),
            "optimizer": dict(self.optimizer),
            "trainable": list(self.trainable),
            "data": dict(self.data),
            "code": self.code,
            "environment": dict(self.environment),
            "key_id": self.key_id,
        }
        if self.base is not None:
            value["base"] = {"model": self.base.model, "weights": list(self.base.weights)}
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Header":
        """Read a header, of whatever age; raises KeyError or TypeError for what is none."""
        base = value.get("base")
        return cls(
            model=value["model"],
            options=TrainOptions.from_json(value),
            module=ModuleOrigin(**value["module"]),
            spec=value["spec"],
            optimizer=value.get("optimizer", {}),
            trainable=tuple(value["trainable"]),
            data=value["data"],
            code=value["code"],
            environment=value["environment"],
            key_id=value["key_id"],
            base=None if base is None else BaseOrigin(base["model"], tuple(base["weights"])),
        )
