"""The lineage as a graph in memory, to close over it and to say why two nodes are connected.

Both directions are held as compressed adjacency: the neighbours of node number i are
`targets[starts[i]:starts[i + 1]]`. A million edges take about 30 MB. Artifacts and executions
number apart in MLMD, so a node's key is twice its id, plus one for an execution. `read_lineage`
fills the graph from MLMD; any iterable of edges will do.

A closure is complete or an error: nothing is cut off at a depth or a number. For one question
about a small neighbourhood `Metadata.downstream` and `Metadata.upstream` need no reading of the
whole store; for several questions, or a closure that spans much of the store, use this.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from lineage_store.errors import NothingFound

Keys = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
Edge = tuple[int, int]

FEW = 32


def artifact_key(artifact_id: int) -> int:
    """Return the key of the node of an artifact."""
    return 2 * artifact_id


def execution_key(execution_id: int) -> int:
    """Return the key of the node of an execution."""
    return 2 * execution_id + 1


def is_execution(key: int) -> bool:
    """Say whether a key is that of an execution."""
    return bool(key % 2)


def id_of(key: int) -> int:
    """Return the MLMD id of a node, of which the key says whether it is an execution."""
    return key // 2


@dataclass(frozen=True)
class Adjacency:
    """The neighbours of every node in one direction."""

    starts: npt.NDArray[np.int64]
    targets: Numbers

    def walk(self, starts: Numbers, *, until: int | None = None) -> Numbers:
        """Go breadth first from some nodes; return each node's predecessor, -1 if not reached.

        The nodes begun at are their own predecessors. With `until`, stop once that node is reached.
        """
        before = np.full(len(self.starts) - 1, -1, dtype=np.int32)
        before[starts] = starts
        level = starts
        while level.size and (until is None or before[until] < 0):
            level = (
                self._few(level, before, until) if level.size < FEW else self._many(level, before)
            )
        return before

    def _many(self, level: Numbers, before: Numbers) -> Numbers:
        first = self.starts[level]
        counts = self.starts[level + 1] - first
        ends = np.cumsum(counts)
        places = np.repeat(first - ends + counts, counts) + np.arange(ends[-1])
        reached, sources = self.targets[places], np.repeat(level, counts)
        new = before[reached] < 0
        found: Numbers
        found, where = np.unique(reached[new], return_index=True)
        before[found] = sources[new][where]
        return found

    def _few(self, level: Numbers, before: Numbers, until: int | None) -> Numbers:
        """Walk by single nodes while levels are narrow: a chain has as many as nodes."""
        starts, targets, seen = (self.starts.data, self.targets.data, before.data)
        here: list[int] = level.tolist()
        while here and len(here) < FEW and (until is None or seen[until] < 0):
            there = []
            for node in here:
                for reached in targets[starts[node] : starts[node + 1]]:
                    if seen[reached] < 0:
                        seen[reached] = node
                        there.append(reached)
            here = sorted(there)
        return np.array(here, dtype=np.int32)


@dataclass(frozen=True)
class Graph:
    """A lineage: the keys of its nodes in rising order, and their neighbours either way."""

    keys: Keys
    after: Adjacency
    before: Adjacency

    @property
    def edges(self) -> int:
        """The number of edges, parallel ones included."""
        return len(self.after.targets)

    def downstream(self, keys: Iterable[int]) -> Keys:
        """Return the keys of all nodes that come of the given ones, without them; sorted.

        Raises NothingFound for a node that is not in the graph.
        """
        return self._reach(self.after, keys)

    def upstream(self, keys: Iterable[int]) -> Keys:
        """Return the keys of all nodes that the given ones were made from, without them; sorted.

        Raises NothingFound for a node that is not in the graph.
        """
        return self._reach(self.before, keys)

    def why(self, source: int, target: int) -> list[int]:
        """Return the keys on a shortest path from one node to another, both included.

        Among paths of the same length the answer is always the same one. It is empty if there is
        no path. Raises NothingFound for a node that is not in the graph.
        """
        first, last = self._numbers([source])[0], int(self._numbers([target])[0])
        before = self.after.walk(np.array([first], dtype=np.int32), until=last)
        if before[last] < 0:
            return []
        path = [last]
        while path[-1] != first:
            path.append(int(before[path[-1]]))
        return [int(key) for key in self.keys[path[::-1]]]

    def among(self, keys: Iterable[int]) -> list[Edge]:
        """Return the edges of which both ends are among the given nodes, each once; sorted."""
        chosen = self._numbers(keys)
        inside = np.zeros(len(self.keys), dtype=bool)
        inside[chosen] = True
        counts = self.after.starts[chosen + 1] - self.after.starts[chosen]
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        places = np.repeat(self.after.starts[chosen] - ends + counts, counts) + np.arange(total)
        targets, sources = self.after.targets[places], np.repeat(chosen, counts)
        kept = inside[targets]
        pairs = zip(
            self.keys[sources[kept]].tolist(), self.keys[targets[kept]].tolist(), strict=True
        )
        return sorted(set(pairs))

    def _reach(self, adjacency: Adjacency, keys: Iterable[int]) -> Keys:
        starts = self._numbers(keys)
        before = adjacency.walk(starts)
        before[starts] = -1
        return self.keys[before >= 0]

    def _numbers(self, keys: Iterable[int]) -> Numbers:
        wanted = np.unique(np.fromiter(keys, dtype=np.int64))
        places = np.searchsorted(self.keys, wanted)
        known = places < len(self.keys)
        known[known] = self.keys[places[known]] == wanted[known]
        if not known.all():
            raise NothingFound("The lineage has no such node.")
        return places.astype(np.int32)


def graph_of(edges: Iterable[Edge], *, nodes: Iterable[int] = ()) -> Graph:
    """Build the graph of edges (from, to), given as keys, and of nodes that may have no edge."""
    ends = np.fromiter(chain.from_iterable(edges), dtype=np.int64).reshape(-1, 2)
    return graph_of_arrays(ends, nodes=np.fromiter(nodes, dtype=np.int64))


def graph_of_arrays(ends: Keys, *, nodes: Keys) -> Graph:
    """Build the graph of an array of edges, shape (edges, 2), and of keys of further nodes."""
    keys = np.unique(np.concatenate([ends.ravel(), nodes]))
    sources = np.searchsorted(keys, ends[:, 0]).astype(np.int32)
    targets = np.searchsorted(keys, ends[:, 1]).astype(np.int32)
    return Graph(
        keys, _adjacency(sources, targets, len(keys)), _adjacency(targets, sources, len(keys))
    )


def _adjacency(sources: Numbers, targets: Numbers, size: int) -> Adjacency:
    starts = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(sources, minlength=size), out=starts[1:])
    return Adjacency(starts, targets[np.lexsort((targets, sources))])
