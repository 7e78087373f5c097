"""What belongs into the picture of a model, of an artifact or of a subject.

A model or an artifact is shown with all that it was made from and all that came of it; a model
without the lines of others, with which it has a deletion in common and nothing else. A subject
stands for itself, under its pseudonym, in front of the batches that saw its rows (or of the shards
that hold them, where nothing is trained in steps), and with all that came of these. Of a node's
properties only those in `SHOWN` are taken: TFX's own hold parameters and paths, which are nobody
else's business, and an older version wrote digests and losses.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lineage_store.errors import NothingFound
from lineage_store.graph.closure import Edge, artifact_key, execution_key, id_of, is_execution
from lineage_store.graph.fold import PictureNode, Value
from lineage_store.ledger.shards import Ledger
from lineage_store.ledger.units import STAGE, Place, Unit, kind_of, units_of_step
from lineage_store.mlmd.metadata_store import Metadata, pb, pieces
from lineage_store.mlmd.names import Names, place_of
from lineage_store.mlmd.read_graph import Lineage
from lineage_store.placement import Stage

SHOWN: Mapping[str, type[Value]] = {
    "model": str,
    "shard": int,
    "stage": int,
    "request": str,
    "guarantee": str,
}
SUBJECT = -1
PUSHER = "tfx.components.pusher.component.Pusher"


@dataclass(frozen=True)
class Picture:
    """Nodes and the edges between them, by key; `title` says what it is of."""

    title: str
    nodes: tuple[PictureNode, ...]
    edges: tuple[Edge, ...]


def picture_of_model(
    metadata: Metadata, lineage: Lineage, names: Names, model: str, *, others: Iterable[str] = ()
) -> Picture:
    """Collect the lineage of a model. Raises NothingFound if MLMD does not know it.

    `others` are the URIs of models that it has nothing to do with: a deletion leads to them, too.
    """
    key = _model_key(metadata, lineage, names, model)
    blocked = {artifact_key(one.id) for uri in others for one in metadata.all_by_uri(uri)} - {key}
    return _around(metadata, lineage, key, f"model {model}", blocked=blocked)


def picture_of_artifact(metadata: Metadata, lineage: Lineage, artifact_id: int) -> Picture:
    """Collect the lineage of an artifact. Raises NothingFound if MLMD does not know it."""
    return _around(metadata, lineage, artifact_key(artifact_id), f"artifact {artifact_id}")


def picture_of_subject(
    metadata: Metadata,
    lineage: Lineage,
    names: Names,
    touched: Mapping[str, Any],
    ledgers: Mapping[str, Ledger],
) -> Picture:
    """Collect what came of a subject's rows.

    `touched` is the answer of `traces.trace_subject`; `ledgers` are those of its models.
    """
    wanted = [
        names.unit(unit)
        for model in touched["models"]
        for unit in _first_units(ledgers[model["model"]], model["shards"], model["batches"])
    ]
    first = sorted({artifact_key(a.id) for a in metadata.by_external_id(wanted).values()})
    keys = [*first, *lineage.graph.downstream(first).tolist()]
    edges = lineage.graph.among(keys)
    short = touched["pseudonym"][:12]
    rows = max(model["rows"] for model in touched["models"])
    subject = PictureNode(SUBJECT, f"Subject {short}", values={"rows": rows})
    return Picture(
        f"subject {short} (pseudonym)",
        (subject, *_named(_nodes(metadata, lineage, keys), edges)),
        (*((SUBJECT, key) for key in first), *edges),
    )


def _first_units(ledger: Ledger, shards: Iterable[int], batches: Iterable[str]) -> Iterable[Unit]:
    """Give batches named s0.r0.e0.b0, in the run that trained their stage, and what has none."""
    stages = {
        (number, stage.stage): stage
        for number, shard in enumerate(ledger.shards())
        for stage in shard.stages()
    }
    for name in batches:
        shard, stage, epoch, batch = (int(part[1:]) for part in name.split("."))
        ran = stages[shard, stage]
        planned = Stage(ran.stage, ran.rows, ran.epochs, ran.batches, ran.first_position)
        position = planned.position(epoch=epoch, batch=batch)
        yield units_of_step(ran, position)[0]
    for (number, _), ran in stages.items():
        if number in shards and kind_of(ran) != STAGE:
            yield Unit("shard", Place(ran.model, number))


def _model_key(metadata: Metadata, lineage: Lineage, names: Names, model: str) -> int:
    external_id = names.of(model, "assembly")
    if metadata.execution_exists(external_id):
        (made,) = metadata.store.get_executions_by_external_ids(external_ids=[external_id])
        for event in metadata.store.get_events_by_execution_ids([made.id]):
            key = artifact_key(event.artifact_id)
            if event.type == pb.Event.OUTPUT and lineage.kind(key) == "Model":
                return key
    raise NothingFound(f"MLMD has no lineage of the model {model}.")


def _around(
    metadata: Metadata,
    lineage: Lineage,
    key: int,
    title: str,
    *,
    blocked: Container[int] = frozenset(),
) -> Picture:
    graph = lineage.graph
    near = {key, *graph.upstream([key]).tolist(), *graph.downstream([key]).tolist()}
    if blocked:
        near = _not_through(graph.among(near), key, blocked)
    edges = graph.among(near)
    return Picture(title, _named(_nodes(metadata, lineage, near), edges), tuple(edges))


def _not_through(edges: Iterable[Edge], key: int, blocked: Container[int]) -> set[int]:
    """Return what a node was made from and what came of it, not by way of what is blocked."""
    before: defaultdict[int, list[int]] = defaultdict(list)
    after: defaultdict[int, list[int]] = defaultdict(list)
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    found = {key}
    for neighbours in (before, after):
        seen, left = {key}, [key]
        while left:
            new = {one for one in neighbours[left.pop()] if one not in seen and one not in blocked}
            seen |= new
            left += new
        found |= seen
    return found


def _named(nodes: Iterable[PictureNode], edges: Iterable[Edge]) -> tuple[PictureNode, ...]:
    """Give TFX's models and what pushed them the id of the model, which the assembly knows.

    What pushed a model, and was pushed, says what the model may be called.
    """
    known = {node.key: node for node in nodes}
    pairs = [(a, b) for a, b in edges if a in known and b in known]
    for kind, after in (
        ("lineage.Assembly", "Model"),
        ("Model", PUSHER),
        (PUSHER, "PushedModel"),
    ):
        for a, b in pairs:
            if known[a].kind == kind and known[b].kind == after and "model" in known[a].values:
                named = {k: v for k, v in known[a].values.items() if k in ("model", "guarantee")}
                known[b] = replace(known[b], values={**known[b].values, **named})
    return tuple(known.values())


def _nodes(metadata: Metadata, lineage: Lineage, keys: Iterable[int]) -> Iterable[PictureNode]:
    ordered = sorted(keys)
    artifacts = [id_of(key) for key in ordered if not is_execution(key)]
    executions = [id_of(key) for key in ordered if is_execution(key)]
    for artifact in metadata.artifacts(artifacts):
        key = artifact_key(artifact.id)
        deleted = artifact.state == pb.Artifact.DELETED
        yield PictureNode(key, lineage.kind(key), False, deleted, _values(artifact))
    for piece in pieces(executions):
        for execution in metadata.store.get_executions_by_id(piece):
            key = execution_key(execution.id)
            yield PictureNode(key, lineage.kind(key), True, False, _values(execution))


def _values(node: pb.Artifact | pb.Execution) -> dict[str, Value]:
    """Take the properties that are shown, if they are of the type they have in this project."""
    values: dict[str, Value] = dict(place_of(node.external_id))
    for name, kind in SHOWN.items():
        if name in node.custom_properties:
            held = node.custom_properties[name]
            value = getattr(held, held.WhichOneof("value") or "", None)
            if type(value) is kind:
                values[name] = value
    return values
