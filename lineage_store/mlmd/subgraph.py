"""Nodes and edges that MLMD takes in one atomic write, and how several writers agree on them.

Each writer first asks what MLMD lacks and then writes all of that or nothing. An external id that
another writer has added meanwhile makes the write fail as a whole, and the writer asks again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ml_metadata import errors as mlmd_errors
from ml_metadata.proto import metadata_store_pb2 as pb

from lineage_store.mlmd.metadata_store import Metadata, set_properties

TRIES = 20

Values = dict[str, str | int | float]


@dataclass
class Subgraph:
    """Nodes and edges that are written together."""

    metadata: Metadata
    artifacts: list[pb.Artifact] = field(default_factory=list)
    executions: list[pb.Execution] = field(default_factory=list)
    edges: list[tuple[int | None, int | None, pb.Event]] = field(default_factory=list)

    def artifact(self, kind: str, external_id: str, values: Values, *, uri: str = "") -> int:
        """Add an artifact and return its place."""
        node = pb.Artifact(
            type_id=self.metadata.artifact_type(kind),
            external_id=external_id,
            uri=uri,
            state=pb.Artifact.LIVE,
        )
        set_properties(node, values)
        self.artifacts.append(node)
        return len(self.artifacts) - 1

    def execution(
        self, kind: str, external_id: str, values: Values, *, running: bool = False
    ) -> int:
        """Add an execution, finished or still running, and return its place."""
        node = pb.Execution(
            type_id=self.metadata.execution_type(kind),
            external_id=external_id,
            last_known_state=pb.Execution.RUNNING if running else pb.Execution.COMPLETE,
        )
        set_properties(node, values)
        self.executions.append(node)
        return len(self.executions) - 1

    def edge(self, execution: int, artifact: int, kind: "pb.Event.Type") -> None:
        """Add an event between two nodes of this subgraph."""
        self.edges.append((execution, artifact, pb.Event(type=kind)))

    def edge_from(self, execution_id: int, artifact: int, kind: "pb.Event.Type") -> None:
        """Add an event of an execution that MLMD has already."""
        self.edges.append((None, artifact, pb.Event(type=kind, execution_id=execution_id)))

    def edge_to(self, execution: int, artifact_id: int, kind: "pb.Event.Type") -> None:
        """Add an event to an artifact that MLMD has already."""
        self.edges.append((execution, None, pb.Event(type=kind, artifact_id=artifact_id)))

    def write(self) -> None:
        """Write all of it atomically."""
        self.metadata.store.put_lineage_subgraph(
            self.executions,
            self.artifacts,
            [],
            self.edges,
        )


def write_once(missing: Callable[[], Subgraph | None]) -> None:
    """Write what MLMD lacks; when another writer was faster, look again at what it lacks.

    Raises MLMD's error if it still refuses after as many tries as no writers could cause.
    """
    for attempt in range(TRIES):
        graph = missing()
        if graph is None:
            return
        try:
            graph.write()
            return
        except (mlmd_errors.AlreadyExistsError, mlmd_errors.AbortedError):
            if attempt == TRIES - 1:
                raise
