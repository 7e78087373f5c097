"""Which units end with a model: those that it was made of and that its successor does not keep.

They are found from the model's own ends, its assembly and its placement, up to what is kept: a
stage stands on those before it, so what a kept checkpoint was made from is kept, too. What was made
along the way (batches, checkpoints after steps) is found beside it. No other past model is walked
through, and it matters not what is marked already: a killed run is simply run again.

A part without a row is in no assembly, so its stages are asked for by their names.
"""

from collections.abc import Collection, Container, Iterable, Iterator

from lineage_store.index.models import ModelRecord
from lineage_store.ledger.units import Place, Unit
from lineage_store.mlmd.live_nodes import ENDING
from lineage_store.mlmd.metadata_store import OUTPUTS, Metadata, pb, pieces
from lineage_store.mlmd.names import Names


def ended_nodes(
    metadata: Metadata,
    names: Names,
    old: ModelRecord,
    line: Collection[str],
    *,
    live: Container[str],
) -> list[pb.Artifact]:
    """Return the units of a model that has ended but for those named `live`.

    `line` are the ids of the models of its line: what another line's model started from is that
    one's.
    """

    def ending(nodes: Iterable[pb.Artifact]) -> dict[int, pb.Artifact]:
        return {
            one.id: one
            for one in nodes
            if metadata.type_name(one.type_id) in ENDING
            and one.external_id not in live
            and metadata.node(one).model in line
        }

    ends = _ends(metadata, names, old)
    rowless = metadata.by_external_id(_of_parts_without_rows(metadata, names, old, line, ends))
    frontier = ending([*ends, *rowless.values()])
    found = dict(frontier)
    seen: set[int] = set()
    while frontier:
        makers = _makers(metadata, frontier) - seen
        seen |= makers
        beside = _joined(metadata, makers) - found.keys()
        frontier = ending(metadata.artifacts(beside))
        found |= frontier
    return list(found.values())


def _ends(metadata: Metadata, names: Names, old: ModelRecord) -> list[pb.Artifact]:
    """Return what a model was assembled from, and its shards."""
    wanted = (names.unit(Unit(kind, Place(old.id))) for kind in ("assembly", "placement"))
    known = metadata.executions_by_external_id(wanted)
    return metadata.artifacts(_joined(metadata, {one.id for one in known.values()}))


def _of_parts_without_rows(
    metadata: Metadata,
    names: Names,
    old: ModelRecord,
    line: Collection[str],
    ends: Iterable[pb.Artifact],
) -> Iterator[str]:
    """Yield what the last checkpoints may be called of parts that the model was not made of."""
    partition = old.config["partition"]
    made_of = {node.shard for node in map(metadata.node, ends) if node.stage is not None}
    for shard in set(range(partition["shards"])) - made_of:
        for model in sorted(line):
            for stage in range(partition["slices"]):
                yield names.unit(Unit("checkpoint", Place(model, shard, stage)))


def _makers(metadata: Metadata, ids: Iterable[int]) -> set[int]:
    return {
        event.execution_id
        for piece in pieces(sorted(ids))
        for event in metadata.store.get_events_by_artifact_ids(piece)
        if event.type in OUTPUTS
    }


def _joined(metadata: Metadata, executions: Iterable[int]) -> set[int]:
    return {
        event.artifact_id
        for piece in pieces(sorted(executions))
        for event in metadata.store.get_events_by_execution_ids(piece)
    }
