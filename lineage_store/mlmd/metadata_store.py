"""ML Metadata, through the calls that work on every version (1.16 and 1.21).

MLMD 1.21 has no query engine, so nothing here uses `filter_query` or `get_lineage_subgraph`. MLMD
is the public record: anyone who can write to it can edit it, nothing in it can be deleted, and so
no personal data is ever put there. Its file is opened by no other code than this.

It lives where the workspace says (`connection`). A store that has lost its server is not used
again: MLMD 1.16 ends the whole process with a segmentation fault on its second call then.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ml_metadata import errors as mlmd_errors
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb

from lineage_store.errors import BadInput
from lineage_store.graph.node import LineageNode
from lineage_store.graph.unit_types import UNIT_TYPES
from lineage_store.mlmd.names import place_of
from lineage_store.mlmd.places import Places, places
from lineage_store.mlmd.server import (
    connection_config,
    in_reach,
    translating_server_errors,
    unlogged,
)
from lineage_store.workspace.folder import Workspace
from lineage_store.workspace.metadata_address import Connection, password_from, sqlite_file

__all__ = ["INPUTS", "OUTPUTS", "Metadata", "int_of", "pb", "pieces", "set_properties", "text_of"]

AT_ONCE = 500
PLACED = "components.Ledger"  # one or a few a model: their URIs tell where the workspace lay

ARTIFACT_TYPES = frozenset(
    {"lineage.Request", *(kind.name for kind in UNIT_TYPES.values() if not kind.execution)}
)
EXECUTION_TYPES = frozenset(
    {"lineage.Deletion", *(kind.name for kind in UNIT_TYPES.values() if kind.execution)}
)


class Metadata:
    """An open metadata store, with the types of the lineage registered on demand."""

    def __init__(self, where: Connection | Path, *, create: bool, root: Path | None = None) -> None:
        """Open MLMD; a path is that of an SQLite file, `root` the workspace that it belongs to.

        Raises BadInput if there is no such file and none is to be made, MetadataUnavailable if a
        server does not answer or refuses.
        """
        connection = sqlite_file(where) if isinstance(where, Path) else where
        if not create and not connection.is_there():
            raise BadInput(
                "The workspace has no metadata: it was made without a TFX pipeline, or its file is "
                "lost; `unweave doctor` tells which."
            )
        config = connection_config(connection, password_from(), create=create)
        in_reach(connection)
        with translating_server_errors(connection), unlogged():
            self.store = metadata_store.MetadataStore(config)
        self._type_names: dict[int, str] = {}
        self._artifact_types: dict[str, int] = {}
        self._execution_types: dict[str, int] = {}
        if create:
            with translating_server_errors(connection):
                self._register_types()
        self.places = Places("")
        if root is not None:
            with translating_server_errors(connection):
                placed = self.store.get_artifacts_by_type(PLACED)
            self.places = places(root, (artifact.uri for artifact in placed))

    @classmethod
    def of(cls, workspace: Workspace, *, create: bool = False) -> "Metadata":
        """Open a workspace's MLMD; raises what opening it does."""
        return cls(workspace.metadata, create=create, root=workspace.root)

    def _register_types(self) -> None:
        """Register the types of the lineage before several writers could do it at once.

        MLMD on PostgreSQL makes a type twice then, and each holds a part of the nodes.
        """
        artifacts = {kind.name: kind.id for kind in self.store.get_artifact_types()}
        executions = {kind.name: kind.id for kind in self.store.get_execution_types()}
        self._artifact_types |= artifacts
        self._execution_types |= executions
        for name in sorted(ARTIFACT_TYPES):
            self.artifact_type(name)
        for name in sorted(EXECUTION_TYPES):
            self.execution_type(name)

    def artifact_type(self, name: str) -> int:
        """Return the id of an artifact type, registering it if need be."""
        if name not in self._artifact_types:
            self._artifact_types[name] = self.store.put_artifact_type(pb.ArtifactType(name=name))
        return self._artifact_types[name]

    def execution_type(self, name: str) -> int:
        """Return the id of an execution type, registering it if need be."""
        if name not in self._execution_types:
            made = self.store.put_execution_type(pb.ExecutionType(name=name))
            self._execution_types[name] = made
        return self._execution_types[name]

    def type_name(self, type_id: int) -> str:
        """Return the name of an artifact type; MLMD's own are in no list of it."""
        if type_id not in self._type_names:
            (known,) = self.store.get_artifact_types_by_id([type_id])
            self._type_names[type_id] = known.name
        return self._type_names[type_id]

    def artifacts(self, ids: Iterable[int]) -> list[pb.Artifact]:
        """Read artifacts by their ids."""
        found: list[pb.Artifact] = []
        for piece in pieces(sorted(ids)):
            found.extend(self.store.get_artifacts_by_id(piece))
        return found

    def by_external_id(self, external_ids: Iterable[str]) -> dict[str, pb.Artifact]:
        """Read those artifacts that exist, by their external ids."""
        found: dict[str, pb.Artifact] = {}
        for piece in pieces(list(external_ids)):
            try:
                read = self.store.get_artifacts_by_external_ids(external_ids=piece)
            except mlmd_errors.NotFoundError:
                continue
            found |= {artifact.external_id: artifact for artifact in read}
        return found

    def executions_by_external_id(self, external_ids: Iterable[str]) -> dict[str, pb.Execution]:
        """Read those executions that exist, by their external ids."""
        found: dict[str, pb.Execution] = {}
        for piece in pieces(list(external_ids)):
            try:
                read = self.store.get_executions_by_external_ids(external_ids=piece)
            except mlmd_errors.NotFoundError:
                continue
            found |= {execution.external_id: execution for execution in read}
        return found

    def execution_exists(self, external_id: str) -> bool:
        """Say whether an execution of that external id was recorded."""
        return bool(self.executions_by_external_id([external_id]))

    def execution_is_complete(self, external_id: str) -> bool:
        """Say whether an execution of that external id was recorded to its end."""
        found = self.executions_by_external_id([external_id]).get(external_id)
        return found is not None and found.last_known_state == pb.Execution.COMPLETE

    def all_by_uri(self, uri: str) -> list[pb.Artifact]:
        """Read the artifacts with this URI, wherever the workspace lay when they were written."""
        spelt = self.places.spellings(uri)
        return [one for known in spelt for one in self.store.get_artifacts_by_uri(known)]

    def by_uri(self, uri: str) -> pb.Artifact | None:
        """Return the newest artifact with this URI, or None."""
        return max(self.all_by_uri(uri), key=lambda artifact: artifact.id, default=None)

    def mark_deleted(self, artifacts: Iterable[pb.Artifact]) -> None:
        """Set the state of artifacts to DELETED; their records stay."""
        changed = []
        for artifact in artifacts:
            if artifact.state != pb.Artifact.DELETED:
                artifact.state = pb.Artifact.DELETED
                changed.append(artifact)
        for piece in pieces(changed):
            self.store.put_artifacts(piece)

    def move(self, places: Iterable[tuple[pb.Artifact, str]]) -> None:
        """Set the URIs of artifacts whose files lie elsewhere now."""
        changed = []
        for artifact, uri in places:
            if artifact.uri != uri:
                artifact.uri = uri
                changed.append(artifact)
        for piece in pieces(changed):
            self.store.put_artifacts(piece)

    def downstream(self, ids: Iterable[int]) -> set[int]:
        """Return the ids of all artifacts downstream of the given ones, without them: complete."""
        return self._reach(ids, inputs_first=True)

    def upstream(self, ids: Iterable[int]) -> set[int]:
        """Return the ids of all artifacts upstream of the given ones, without them: complete."""
        return self._reach(ids, inputs_first=False)

    def _reach(self, ids: Iterable[int], *, inputs_first: bool) -> set[int]:
        into, out_of = (INPUTS, OUTPUTS) if inputs_first else (OUTPUTS, INPUTS)
        start = set(ids)
        seen, executions, frontier = set(start), set(), set(start)
        while frontier:
            reached: set[int] = set()
            for piece in pieces(sorted(frontier)):
                for event in self.store.get_events_by_artifact_ids(piece):
                    if event.type in into and event.execution_id not in executions:
                        reached.add(event.execution_id)
            executions |= reached
            frontier = set()
            for piece in pieces(sorted(reached)):
                for event in self.store.get_events_by_execution_ids(piece):
                    if event.type in out_of and event.artifact_id not in seen:
                        frontier.add(event.artifact_id)
            seen |= frontier
        return seen - start

    def node(self, artifact: pb.Artifact) -> LineageNode:
        """Return an artifact as a node of the lineage: its place by its properties or its name."""
        named = place_of(artifact.external_id)
        model = text_of(artifact, "model") or named.get("model")
        place = {name: int_of(artifact, name) for name in ("shard", "stage", "position")}
        place |= {name: value for name, value in named.items() if isinstance(value, int)}
        return LineageNode(
            id=artifact.id,
            kind=self.type_name(artifact.type_id),
            uri=self.places.here(artifact.uri),
            model=None if model is None else str(model),
            shard=place["shard"],
            stage=place["stage"],
            position=place["position"],
        )


INPUTS = (pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT)
OUTPUTS = (pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT)


def pieces(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut a sequence into pieces that MLMD takes at once."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def int_of(artifact: pb.Artifact, name: str) -> int | None:
    """Return a custom property that is a number, or None."""
    if name not in artifact.custom_properties:
        return None
    value = artifact.custom_properties[name]
    return value.int_value if value.HasField("int_value") else None


def text_of(artifact: pb.Artifact, name: str) -> str | None:
    """Return a custom property that is text, or None."""
    if name not in artifact.custom_properties:
        return None
    value = artifact.custom_properties[name]
    return value.string_value if value.HasField("string_value") else None


def set_properties(node: pb.Artifact | pb.Execution, values: dict[str, str | int | float]) -> None:
    """Set custom properties."""
    for name, value in values.items():
        if isinstance(value, str):
            node.custom_properties[name].string_value = value
        elif isinstance(value, int):
            node.custom_properties[name].int_value = value
        else:
            node.custom_properties[name].double_value = value
