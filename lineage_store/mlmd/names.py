"""The external ids of the lineage in MLMD, and what they say of the place of a thing.

    unweave:<key id>:<model>:s<shard>.r<stage>.p<position>:<what>     a batch, step or update,
                                                                      a checkpoint after a step
    unweave:<key id>:<model>:s<shard>.r<stage>:<what>                 a checkpoint or stage
    unweave:<key id>:<model or request>:<what>                        all else

They are unique across workspaces by the workspace's key id.
"""

import re
from dataclasses import dataclass

from lineage_store.ledger.records import StageRecord

PLACE = re.compile(r"unweave:[^:]*:(?P<model>m\d+):s(?P<shard>\d+)\.r(?P<stage>\d+)"
                   r"(?:\.p(?P<position>\d+))?:")  # fmt: skip
CONTENT = "urn:sha256:"


@dataclass(frozen=True)
class Names:
    """Makes the external ids of a workspace."""

    key_id: str

    def of(self, model: str, what: str) -> str:
        """Return the external id of a thing of a model."""
        return f"unweave:{self.key_id}:{model}:{what}"

    def stage(self, stage: StageRecord) -> str:
        """Return the external id of a stage's execution."""
        return self.of(stage.model, f"s{stage.shard}.r{stage.stage}:stage")

    def batching(self, stage: StageRecord) -> str:
        """Return the external id of the execution that cut a stage into batches."""
        return self.stage(stage) + ":batching"

    def step(self, stage: StageRecord, position: int) -> str:
        """Return the external id of a step's execution."""
        return self.of(stage.model, f"s{stage.shard}.r{stage.stage}.p{position}:step")

    def checkpoint(self, stage: StageRecord) -> str:
        """Return the external id of the checkpoint of a stage."""
        return self.of(stage.model, f"s{stage.shard}.r{stage.stage}:checkpoint")

    def step_checkpoint(self, stage: StageRecord, position: int) -> str:
        """Return the external id of the checkpoint after a step."""
        return self.of(stage.model, f"s{stage.shard}.r{stage.stage}.p{position}:checkpoint")

    def update(self, stage: StageRecord, position: int) -> str:
        """Return the external id of a step's update."""
        return self.of(stage.model, f"s{stage.shard}.r{stage.stage}.p{position}:update")

    def batch(self, stage: StageRecord, position: int) -> str:
        """Return the external id of a step's batch."""
        return self.of(stage.model, f"s{stage.shard}.r{stage.stage}.p{position}:batch")

    def subtracted(self, model: str, shard: int) -> str:
        """Return the external id of a shard's weights after a subtraction."""
        return self.of(model, f"s{shard}.subtracted:checkpoint")


def place_of(external_id: str) -> dict[str, str | int]:
    """Return `model`, `shard`, `stage` and `position`, as far as an external id tells them."""
    found = PLACE.match(external_id)
    if found is None:
        return {}
    told = {name: text for name, text in found.groupdict().items() if text is not None}
    return {name: text if name == "model" else int(text) for name, text in told.items()}


def content_uri(digest: str) -> str:
    """Return the URI of what is known by its content alone, and lies in no file of its own."""
    return f"{CONTENT}{digest}"
