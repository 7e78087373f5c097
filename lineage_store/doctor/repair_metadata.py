"""Writing into MLMD what `metadata` found to be missing or wrong.

Artifacts come first, then executions, then the events between them, each in pieces that MLMD takes
whole; what is there is not written again, so a killed repair is simply run again. Nothing is taken
out, since MLMD cannot.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from lineage_store.doctor.metadata import Mismatch, artifacts, events, executions
from lineage_store.doctor.rebuilt_metadata import Rebuilt
from lineage_store.mlmd.metadata_store import AT_ONCE, Metadata, pb


def write_missing(rebuilt: Rebuilt, actual: Metadata) -> None:
    """Put right every node and event of MLMD that has a right form."""
    known = {kind.name: kind.id for kind in actual.store.get_artifact_types()}

    def artifact_type(name: str) -> int:
        return known[name] if name in known else actual.artifact_type(name)

    for nodes in _pieces(artifacts(rebuilt, actual), type_of=artifact_type):
        actual.store.put_artifacts(nodes)
    for nodes in _pieces(executions(rebuilt, actual), type_of=actual.execution_type):
        actual.store.put_executions(nodes)
    missing = (one.right for one in events(rebuilt, actual) if one.right is not None)
    while piece := list(islice(missing, AT_ONCE)):
        edges = [(None, None, event) for event in piece]
        actual.store.put_lineage_subgraph([], [], [], edges)


def _pieces(found: Iterator[Mismatch], *, type_of: Callable[[str], int]) -> Iterator[list[Any]]:
    """Yield nodes to be written, each once though more than one thing of it differs."""
    while piece := list(islice(found, AT_ONCE)):
        nodes: dict[int, pb.Artifact | pb.Execution] = {}
        for one in piece:
            if one.right is None:
                continue
            if not one.right.HasField("id"):
                one.right.type_id = type_of(one.kind)
            nodes[id(one.right)] = one.right
        yield list(nodes.values())
