"""The external ids of the lineage's nodes: what a node is, told without MLMD's own numbers."""

from dataclasses import dataclass

from lineage_store.ledger import StageRecord


@dataclass(frozen=True)
class Names:
    """External ids: unique across workspaces by the workspace's key id."""

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
        return self.of(stage.model, f"s{stage.shard}.p{position}:step")

    def checkpoint(self, stage: StageRecord) -> str:
        """Return the external id of the checkpoint of a stage."""
        return self.of(stage.model, f"s{stage.shard}.r{stage.stage}:checkpoint")

    def update(self, stage: StageRecord, position: int) -> str:
        """Return the external id of a step's update."""
        return self.of(stage.model, f"s{stage.shard}.p{position}:update")

    def batch(self, stage: StageRecord, position: int) -> str:
        """Return the external id of a step's batch."""
        return self.of(stage.model, f"s{stage.shard}.p{position}:batch")

    def subtracted(self, model: str, shard: int) -> str:
        """Return the external id of a shard's weights after a subtraction."""
        return self.of(model, f"s{shard}.subtracted:checkpoint")
