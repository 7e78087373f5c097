"""What the user fixed for a training run: it stands in the ledger, and in every shard's task."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.ledger import Ledger, without
from lineage_store.placement import Partition
from lineage_store.update_codecs import LOSSLESS
from unlearning.aggregation import DEFAULT
from unlearning.class_weights import ALIKE
from unlearning.contract import BUILT_IN, module_text

MODULE_FILE = "module.py"


@dataclass(frozen=True)
class TrainConfig:
    """What the user fixed for a run.

    `module` is the name of the model file, `base` the id of the model whose weights it starts from.
    Checkpoints within stages are kept every `checkpoint_every` batches, or as often as they fit in
    `checkpoint_budget` bytes; they change no bit of the result, and nor does the codec by which
    updates are recorded, if they are. Where `record_budget` is given, policy, codec and interval
    are what these bytes afforded (`record_budget.affordable`).
    """

    partition: Partition
    record: str
    module: str
    key_id: str
    aggregate: str = DEFAULT
    class_weights: str = ALIKE
    early_stop: int | None = None
    base: str | None = None
    checkpoint_every: int | None = None
    checkpoint_budget: int | None = None
    update_codec: str = LOSSLESS
    record_budget: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON; without base or budget there is no such key, as ever."""
        return without(asdict(self), base=None, record_budget=None)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainConfig":
        """Read the value back."""
        return cls(**{**value, "partition": Partition(**value["partition"])})


def config_of(ledger: Ledger) -> TrainConfig:
    """Return the configuration of the run that a ledger records."""
    header = ledger.header
    return TrainConfig(
        header.partition,
        header.record,
        header.module.name,
        header.key_id,
        header.aggregate,
        header.class_weights,
        header.early_stop,
        None if header.base is None else header.base.model,
        checkpoint_every=header.checkpoint_every,
        checkpoint_budget=header.checkpoint_budget,
        update_codec=header.update_codec,
        record_budget=header.record_budget,
    )


def module_source(ledger: Ledger) -> str:
    """Return the source of a ledger's model: the user's as it was, the built-in one as it is."""
    if ledger.header.module.name == BUILT_IN:
        return module_text(None)
    return (ledger.folder / MODULE_FILE).read_text(encoding="utf-8")
