"""The header of a ledger: what stands in `header.json`, and what an older one means by silence.

A field that came later has the value that its absence means; these values stand here and nowhere
else. A ledger's digest covers the header as it stands on disk, so an older one keeps its digest.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.canonical import Json
from lineage_store.placement import Partition
from lineage_store.update_codecs import LOSSLESS

FORMAT = 1


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
    `trainable` names the weights that steps change. Checkpoints within stages are kept every
    `checkpoint_every` batches, or as often as they fit in `checkpoint_budget` bytes.
    """

    model: str
    partition: Partition
    record: str
    module: ModuleOrigin
    spec: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    trainable: tuple[str, ...]
    data: Mapping[str, Any]
    code: str
    environment: Mapping[str, Any]
    key_id: str
    update_codec: str = LOSSLESS
    aggregate: str = "mean"
    class_weights: str = "none"
    early_stop: int | None = None
    checkpoint_every: int | None = None
    checkpoint_budget: int | None = None
    record_budget: int | None = None
    base: BaseOrigin | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the header as it is written; without a base or a budget there is no such key."""
        value: dict[str, Json] = {
            "format": FORMAT,
            "model": self.model,
            "partition": asdict(self.partition),
            "record": self.record,
            "update_codec": self.update_codec,
            "aggregate": self.aggregate,
            "class_weights": self.class_weights,
            "early_stop": self.early_stop,
            "checkpoints": {"every": self.checkpoint_every, "budget": self.checkpoint_budget},
            "module": asdict(self.module),
            "spec": dict(self.spec),
            "optimizer": dict(self.optimizer),
            "trainable": list(self.trainable),
            "data": dict(self.data),
            "code": self.code,
            "environment": dict(self.environment),
            "key_id": self.key_id,
        }
        if self.record_budget is not None:
            value["record_budget"] = self.record_budget
        if self.base is not None:
            value["base"] = {"model": self.base.model, "weights": list(self.base.weights)}
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Header":
        """Read a header, of whatever age; raises KeyError or TypeError for what is none."""
        checkpoints, base = value.get("checkpoints", {}), value.get("base")
        later = ("update_codec", "aggregate", "class_weights", "early_stop", "record_budget")
        return cls(
            model=value["model"],
            partition=Partition(**value["partition"]),
            record=value["record"],
            module=ModuleOrigin(**value["module"]),
            spec=value["spec"],
            optimizer=value.get("optimizer", {}),
            trainable=tuple(value["trainable"]),
            data=value["data"],
            code=value["code"],
            environment=value["environment"],
            key_id=value["key_id"],
            checkpoint_every=checkpoints.get("every"),
            checkpoint_budget=checkpoints.get("budget"),
            base=None if base is None else BaseOrigin(base["model"], tuple(base["weights"])),
            **{name: value[name] for name in later if name in value},
        )
