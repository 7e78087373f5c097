"""The nodes of the lineage that a ledger names: shards, batches, updates, checkpoints, model."""

from collections.abc import Iterator

from lineage_store.graph.node import LineageNode
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.shards import Ledger

# The names of a model's folders that are artifacts' own, with the artifacts' types.
TYPES_OF_FOLDERS = {
    "examples": "Examples",
    "statistics": "ExampleStatistics",
    "schema": "Schema",
    "rows": "components.Rows",
    "ledger": "components.Ledger",
    "model": "Model",
}
# What a stage of a kind leaves: a whole training state, or the sums that are all there is.
KINDS_OF_UNITS = {"stage": "lineage.Checkpoint", "sums": "lineage.Sums"}
KINDS_OF_PATHS = {**TYPES_OF_FOLDERS, "pushed": "PushedModel"}


def ledger_nodes(ledger: Ledger, record: ModelRecord) -> list[LineageNode]:
    """Return all nodes of a model that exist, without any metadata store; ids count from 1."""
    nodes = list(_nodes(ledger, record))
    return [
        LineageNode(number, n.kind, n.uri, n.model, n.shard, n.stage, n.position)
        for number, n in enumerate(nodes, start=1)
    ]


def _nodes(ledger: Ledger, record: ModelRecord) -> Iterator[LineageNode]:
    for name, path in record.paths.items():
        if name in KINDS_OF_PATHS:
            yield LineageNode(0, KINDS_OF_PATHS[name], path, record.id)
    for number, shard in enumerate(ledger.shards()):
        yield LineageNode(0, "lineage.Shard", "", record.id, number)
        recorded, checkpoints = shard.recorded_updates(), shard.step_checkpoints()
        for stage in shard.stages():
            if shard.has_checkpoint(stage.stage):
                yield LineageNode(
                    0, KINDS_OF_UNITS[stage.kind], "", stage.model, number, stage.stage
                )
            for step in shard.steps(stage.stage):
                place = (stage.model, number, stage.stage, step.position)
                yield LineageNode(0, "lineage.Batch", "", *place)
                if step.position in recorded:
                    yield LineageNode(0, "lineage.Update", "", *place)
                if step.position in checkpoints:
                    yield LineageNode(0, "lineage.Checkpoint", "", *place)
