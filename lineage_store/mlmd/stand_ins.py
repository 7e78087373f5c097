"""Stand-ins for TFX's artifacts and executions, for where MLMD no longer has them.

A workspace that has lost its MLMD still knows which folders TFX made for each model, and so does
one whose pipelines ran where nothing is written to MLMD, as on Kubeflow. An artifact of the same
type with the recorded URI stands in for each, joined as the training pipeline joins them, so that
the lineage reaches from Examples to PushedModel again. Stand-ins carry the custom property
`rebuilt` = 1: times, parameters and all else that TFX knew are lost.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from lineage_store.graph.ledger_nodes import TYPES_OF_FOLDERS
from lineage_store.index.models import ModelRecord
from lineage_store.mlmd.metadata_store import Metadata, pb, set_properties
from lineage_store.mlmd.names import Names
from lineage_store.workspace.folder import Workspace

REBUILT = "rebuilt"
CERTIFICATE = "components.Certificate"
CERTIFICATE_JSON = "certificate.json"  # as `components` names it
TRAINER = "LineageTrainer"
RENAMED = ("GatedExampleGen", "GatedStatisticsGen")

TYPES = {**TYPES_OF_FOLDERS, "pushed_artifact": "PushedModel"}
# The steps of a pipeline: name, what goes in, what comes out.
STEPS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("GatedExampleGen", (), ("examples",)),
    ("GatedStatisticsGen", ("examples",), ("statistics",)),
    ("SchemaGen", ("statistics",), ("schema",)),
    ("ExampleValidator", ("statistics", "schema"), ("anomalies",)),
    ("RowIndexer", ("examples", "schema"), ("rows",)),
    (TRAINER, ("rows",), ("ledger", "model")),
    ("Pusher", ("model",), ("pushed_artifact",)),
)


def made_by_tfx(record: ModelRecord) -> bool:
    """Say whether a model was made by TFX pipelines, and so is in MLMD."""
    return "examples" in record.paths


def uris_of(workspace: Workspace, record: ModelRecord) -> dict[str, str]:
    """Return the URIs of TFX's artifacts of a model, by the names of its folders."""
    return {
        name: str(workspace.absolute(path)) for name, path in record.paths.items() if name in TYPES
    }


def certificate_uris(workspace: Workspace, requests: Iterable[str]) -> dict[str, str]:
    """Return the URI of the certificate that a pipeline made for each request, if it is there."""
    found = {}
    for request in requests:
        made = workspace.outputs(f"forget-{request}", "certificate", CERTIFICATE_JSON)
        if (newest := max((str(file.parent) for file in made), default=None)) is not None:
            found[request] = newest
    return found


def certificate_of(metadata: Metadata, workspace: Workspace, request: str) -> str:
    """Return the URI of a request's certificate, or an empty text if no pipeline made it.

    A run that was killed between writing and publishing it is not run again, for its request is
    done: then a stand-in is put.
    """
    uri = certificate_uris(workspace, [request]).get(request, "")
    if uri and find(metadata, CERTIFICATE, uri) is None:
        put_certificate(metadata, uri)
    return uri


def find(metadata: Metadata, kind: str, uri: str) -> pb.Artifact | None:
    """Return the newest artifact of a type with this URI, or None."""
    found = [
        artifact
        for artifact in metadata.all_by_uri(uri)
        if metadata.type_name(artifact.type_id) == kind
    ]
    return max(found, key=lambda artifact: artifact.id, default=None)


def is_lost(metadata: Metadata, workspace: Workspace, record: ModelRecord) -> bool:
    """Say whether MLMD lacks any of TFX's artifacts of a model."""
    return any(
        find(metadata, TYPES[name], uri) is None for name, uri in uris_of(workspace, record).items()
    )


def stand_in_for(
    metadata: Metadata,
    workspace: Workspace,
    names: Names,
    record: ModelRecord,
    *,
    base: ModelRecord | None,
) -> None:
    """Put stand-ins for what MLMD lacks of TFX's artifacts and executions of a model.

    `base` is the model that it was trained from. May run twice; where TFX wrote all of it, nothing
    is put.
    """
    uris = uris_of(workspace, record)
    found = {name: find(metadata, TYPES[name], uri) for name, uri in uris.items()}
    there = {name: node for name, node in found.items() if node is not None}
    put = put_artifacts(metadata, workspace, record, but=there)
    if put or any(REBUILT in node.custom_properties for node in there.values()):
        ids = {name: node.id for name, node in there.items()} | put
        ledger = (
            None
            if base is None
            else find(metadata, TYPES["ledger"], uris_of(workspace, base)["ledger"])
        )
        put_steps(metadata, names, record, ids, base_ledger=None if ledger is None else ledger.id)


def put_artifacts(
    metadata: Metadata, workspace: Workspace, record: ModelRecord, *, but: Collection[str] = ()
) -> dict[str, int]:
    """Put a stand-in for each of TFX's artifacts of a model but these; return their ids by name."""
    ended = record.state != "live"
    uris = {name: uri for name, uri in uris_of(workspace, record).items() if name not in but}
    nodes = []
    for name, uri in uris.items():
        node = pb.Artifact(
            type_id=metadata.artifact_type(TYPES[name]),
            uri=uri,
            state=pb.Artifact.DELETED if ended else pb.Artifact.LIVE,
        )
        set_properties(node, {REBUILT: 1})
        if name == "pushed_artifact":
            pushed = str(workspace.absolute(record.paths["pushed"]))
            set_properties(node, {"pushed_destination": pushed})
        nodes.append(node)
    return dict(zip(uris, metadata.store.put_artifacts(nodes) if nodes else [], strict=True))


def put_steps(
    metadata: Metadata,
    names: Names,
    record: ModelRecord,
    ids: dict[str, int],
    *,
    base_ledger: int | None,
) -> None:
    """Put a stand-in for each execution between a model's artifacts that has none yet.

    `base_ledger` is the id of the ledger of the model that it was trained from, if there is one.
    """
    for step, inputs, outputs in STEPS:
        if ids.keys().isdisjoint(outputs):
            continue  # a step that this pipeline had not
        component = _maker(record, outputs[0]) if step in RENAMED else step
        external_id = names.of(record.id, f"{REBUILT}:{component}")
        if metadata.execution_exists(external_id):
            continue
        node = pb.Execution(
            type_id=metadata.execution_type(component),
            external_id=external_id,
            last_known_state=pb.Execution.COMPLETE,
        )
        set_properties(node, {REBUILT: 1, "model": record.id})
        edges = [
            (0, None, pb.Event(type=kind, artifact_id=ids[name]))
            for kind, ends in ((pb.Event.INPUT, inputs), (pb.Event.OUTPUT, outputs))
            for name in ends
            if name in ids
        ]
        if step == TRAINER and base_ledger is not None:
            edges.append((0, None, pb.Event(type=pb.Event.INPUT, artifact_id=base_ledger)))
        metadata.store.put_lineage_subgraph([node], [], [], edges)


def _maker(record: ModelRecord, name: str) -> str:
    """Return what made an artifact of a model, by its folder: an earlier unweave used TFX's own.

    Below it lies the output, by its name; LocalDagRunner puts a number below that.
    """
    above, _, _ = record.paths[name].rpartition(f"/{name}")
    return Path(above).name.partition("_")[0]


def put_certificate(metadata: Metadata, uri: str) -> None:
    """Put a stand-in for a certificate that a pipeline made."""
    node = pb.Artifact(
        type_id=metadata.artifact_type(CERTIFICATE), uri=str(Path(uri)), state=pb.Artifact.LIVE
    )
    set_properties(node, {REBUILT: 1})
    metadata.store.put_artifacts([node])
