"""What the user fixed for a training run: it stands in the ledger, and in every shard's task."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lineage_store.canonical import damaged, digest, reading_own
from lineage_store.ledger import Ledger, TrainOptions, without
from lineage_store.placement import Partition
from unlearning.keras_models.module_file import FIRST_BUILT_IN, built_in_text

MODULE_FILE = "module.py"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The options of a run, and what they are applied to.

    `module` is the name of the model file, `base` the id of the model whose weights it starts from.
    """

    options: TrainOptions
    module: str
    key_id: str
    base: str | None = None

    @property
    def partition(self) -> Partition:
        """How the run cuts its data."""
        return self.options.partition

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON; without a base there is no such key, as ever."""
        named = {"module": self.module, "key_id": self.key_id, "base": self.base}
        return {**self.options.to_json(), **without(named, base=None)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainConfig":
        """Read the value back."""
        return cls(
            options=TrainOptions.from_json(value),
            module=value["module"],
            key_id=value["key_id"],
            base=value.get("base"),
        )


def config_of(ledger: Ledger, *, cut: Partition | None = None) -> TrainConfig:
    """Return the configuration of the run that a ledger records, or with its shards cut anew."""
    header, options = ledger.header, ledger.header.options
    if cut is not None:
        options = replace(options, shards=cut.shards, slices=cut.slices)
    return TrainConfig(
        options=options,
        module=header.module.name,
        key_id=header.key_id,
        base=None if header.base is None else header.base.model,
    )


def module_source(ledger: Ledger) -> str:
    """Return the source of a ledger's model as it was; the first built-in one as it is.

    Raises Damaged if it is not the one that its header names: code that nobody recorded is not run.
    """
    if ledger.header.module.name == FIRST_BUILT_IN:
        return built_in_text(FIRST_BUILT_IN)
    file = ledger.folder / MODULE_FILE
    with reading_own(file):
        source = file.read_bytes()
    if digest(source) != ledger.header.module.digest:
        raise damaged(file)
    return source.decode("utf-8")
