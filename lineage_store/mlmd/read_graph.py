"""The whole lineage read from MLMD into memory, in pieces of bounded size.

MLMD numbers nodes from 1 and deletes none, so all of them are read by ranges of ids up to the
highest. Events have no number and no count; they are read by their executions and, when all is
read, counted once more by their artifacts. As none can be removed, equal counts mean that the same
events were seen both times. `get_lineage_subgraph` is not used: it cuts off and does not say so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ml_metadata.metadata_store import ListOptions, OrderByField

from lineage_store.errors import CheckFailed
from lineage_store.graph.closure import Graph, Keys, artifact_key, execution_key, graph_of_arrays
from lineage_store.mlmd.metadata_store import INPUTS, OUTPUTS, Metadata, pb

AT_ONCE = 5000


@dataclass(frozen=True)
class Lineage:
    """A graph with the type of each node, as a place in `kinds`, and whether it is deleted."""

    graph: Graph
    kinds: tuple[str, ...]
    kind_numbers: npt.NDArray[np.int32]
    deleted: npt.NDArray[np.bool_]

    def kind(self, key: int) -> str:
        """Return the name of the type of a node of the graph."""
        return self.kinds[int(self.kind_numbers[np.searchsorted(self.graph.keys, key)])]


def read_lineage(metadata: Metadata, *, at_once: int = AT_ONCE) -> Lineage:
    """Read all nodes and events.

    Raises CheckFailed if someone wrote to MLMD in the meantime: the graph would be neither the old
    one nor the new one.
    """
    store = metadata.store
    last = _last(store.get_artifacts), _last(store.get_executions)
    kinds = _Kinds()
    artifacts = _nodes(kinds, store.get_artifact_types(), store.get_artifacts_by_id, last[0],
                       at_once, key_of=artifact_key)  # fmt: skip
    executions = _nodes(kinds, store.get_execution_types(), store.get_executions_by_id, last[1],
                        at_once, key_of=execution_key)  # fmt: skip
    ends, count = _events(store, last[1], at_once)
    counted = sum(len(store.get_events_by_artifact_ids(ids)) for ids in _ranges(last[0], at_once))
    nodes = np.concatenate([artifacts, executions])
    nodes = nodes[np.argsort(nodes[:, 0])]
    graph = graph_of_arrays(ends, nodes=nodes[:, 0])
    if (
        counted != count
        or last != (_last(store.get_artifacts), _last(store.get_executions))
        or len(graph.keys) != len(nodes)
    ):
        raise CheckFailed(
            "The lineage in MLMD changed while it was read, so nothing is answered: ask again when "
            "the command that writes to it has ended."
        )
    return Lineage(graph, tuple(kinds.names), nodes[:, 1].astype(np.int32), nodes[:, 2] != 0)


class _Kinds:
    """Names of types, each with a number."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def number(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def _last(listing: Callable[..., Sequence[Any]]) -> int:
    newest = listing(list_options=ListOptions(limit=1, order_by=OrderByField.ID, is_asc=False))
    return int(newest[0].id) if newest else 0


def _ranges(last: int, at_once: int) -> Iterator[range]:
    for start in range(1, last + 1, at_once):
        yield range(start, min(start + at_once, last + 1))


def _nodes(
    kinds: _Kinds,
    types: Sequence[Any],
    read: Callable[[range], Sequence[Any]],
    last: int,
    at_once: int,
    *,
    key_of: Callable[[int], int],
) -> Keys:
    """Read all nodes up to an id; return rows of key, number of the type, and 1 if deleted."""
    numbers = {known.id: kinds.number(known.name) for known in types}
    found = [np.empty((0, 3), dtype=np.int64)]
    for ids in _ranges(last, at_once):
        nodes = read(ids)
        for node in nodes:
            if node.type_id not in numbers:  # MLMD's own are in no list of it
                numbers[node.type_id] = kinds.number(node.type)
        rows = [(key_of(n.id), numbers[n.type_id], int(_deleted(n))) for n in nodes]
        found.append(np.array(rows, dtype=np.int64).reshape(-1, 3))
    return np.concatenate(found)


def _deleted(node: pb.Artifact | pb.Execution) -> bool:
    return isinstance(node, pb.Artifact) and node.state == pb.Artifact.DELETED


def _events(store: Any, last: int, at_once: int) -> tuple[Keys, int]:
    """Read all events; return the edges as rows of keys, and how many events there were."""
    found, count = [np.empty((0, 2), dtype=np.int64)], 0
    for ids in _ranges(last, at_once):
        edges = []
        events = store.get_events_by_execution_ids(ids)
        for event in events:
            artifact, execution = artifact_key(event.artifact_id), execution_key(event.execution_id)
            if event.type in INPUTS:
                edges.append((artifact, execution))
            elif event.type in OUTPUTS:
                edges.append((execution, artifact))
        count += len(events)
        found.append(np.array(edges, dtype=np.int64).reshape(-1, 2))
    return np.concatenate(found), count
