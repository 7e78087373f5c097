"""The nodes of the lineage that a ledger names: shards, batches, updates, checkpoints, model."""

from collections.abc import Iterator

from lineage_store.graph.node import LineageNode
from lineage_store.graph.unit_types import UNIT_TYPES
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.shards import Ledger
from lineage_store.ledger.units import unit_records

# The names of a model's folders that are artifacts' own, with the artifacts' types.
TYPES_OF_FOLDERS = {
    "examples": "Examples",
    "statistics": "ExampleStatistics",
    "schema": "Schema",
    "anomalies": "ExampleAnomalies",
    "rows": "components.Rows",
    "ledger": "components.Ledger",
    "model": "Model",
}
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
    for found in unit_records(ledger):
        kind, place = UNIT_TYPES[found.unit.kind], found.unit.place
        if not kind.execution and (found.file is not None or not kind.in_file):
            yield LineageNode(
                0, kind.name, "", place.model, place.shard, place.stage, place.position
            )
