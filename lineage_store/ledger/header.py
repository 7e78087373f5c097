"""The header of a ledger: what stands in `header.json`, and what an older one means by silence.

A field that came later has the value that its absence means; these values stand here and nowhere
else. A ledger's digest covers the header as it stands on disk, so an older one keeps its digest.

Format 2 says besides what a model may claim, how many deletions lie behind it, what the whole state
of each part is, and into how many buckets the rows of a slice fall; and a nonce lies beside the
header, by which what is published of the ledger cannot be guessed (`published`). Format 1, which
unweave wrote before, has none of these, and is read.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.canonical import Json
from lineage_store.claim import Claim
from lineage_store.errors import BadInput
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition

FIRST_FORMAT, FORMAT = 1, 2


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
    `trainable` names the weights that steps change. `claim` is what the model may say of itself,
    `generation` counts the deletions since it was trained, `states` has the digest of each part's
    whole state, None of a part without rows, and `buckets` is how many cells a slice has
    (`placement.bucket_of`). Format 1 says neither: there they are None, () and 1.
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
    claim: Claim | None = None
    generation: int | None = None
    states: tuple[str | None, ...] = ()
    buckets: int = 1
    format: int = FORMAT

    @property
    def partition(self) -> Partition:
        """How the run cut its data."""
        return self.options.partition

    @property
    def grouped(self) -> bool:
        """Whether rows have groups, which place them in batches."""
        return bool(self.data.get("inference", {}).get("groups"))

    def to_json(self) -> dict[str, Json]:
        """Return the header as it is written; without a base there is no such key."""
        value: dict[str, Json] = {
            "format": self.format,
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
        if self.format > FIRST_FORMAT:
            value |= {
                "claim": None if self.claim is None else self.claim.to_json(),
                "generation": self.generation,
                "states": list(self.states),
                "buckets": self.buckets,
            }
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Header":
        """Read a header, of whatever age; raises KeyError or TypeError for what is none.

        Raises BadInput for one that a newer unweave wrote.
        """
        if value["format"] > FORMAT:
            raise BadInput(
                f"The ledger of {value['model']} has format {value['format']}, and this unweave "
                f"knows formats up to {FORMAT}: use the newer unweave that wrote it."
            )
        base, claim = value.get("base"), value.get("claim")
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
            claim=None if claim is None else Claim.from_json(claim),
            generation=value.get("generation"),
            states=tuple(value.get("states", ())),
            buckets=value.get("buckets", 1),
            format=value["format"],
        )
