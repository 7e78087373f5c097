"""One lineage of many edges, built and closed by one side, in a process of its own.

    python -m benchmarks.one_closure ours|networkx EDGES WIDTH

The generator makes what training makes: of each stage a batching, WIDTH batches, steps and updates,
the stage and its checkpoint, which is also read by the next stage, and at the end a model. Each
step gives four edges. A WIDTH of 1 makes long chains instead of wide fans. The graph is closed
downwards from its first node and upwards from its last, and the path between them is asked for.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from lineage_store.graph.closure import Edge, graph_of

FIRST, LAST = 0, 1


def lineage(edges: int, width: int) -> Iterator[Edge]:
    """Give about so many edges of a training run."""
    free, before, made = 2, None, 0
    while made < edges:
        batching, stage, checkpoint = free, free + 1, free + 2
        free += 3
        yield FIRST, batching
        for batch in range(free, free + 3 * width, 3):
            yield batching, batch
            yield batch, batch + 1
            yield batch + 1, batch + 2
            yield batch + 2, stage
        free += 3 * width
        if before is not None:
            yield before, stage
        yield stage, checkpoint
        before = checkpoint
        made += 4 * width + 3
    if before is not None:
        yield before, LAST


def ours(edges: int, width: int) -> tuple[Any, Callable[[Any], tuple[int, int, int]]]:
    """Build the graph of this project."""
    graph = graph_of(lineage(edges, width))

    def ask(what: Any) -> tuple[int, int, int]:
        return len(what.downstream([FIRST])), len(what.upstream([LAST])), len(what.why(FIRST, LAST))

    return graph, ask


def by_networkx(edges: int, width: int) -> tuple[Any, Callable[[Any], tuple[int, int, int]]]:
    """Build networkx's graph."""
    import networkx as nx

    graph = nx.DiGraph(lineage(edges, width))

    def ask(what: Any) -> tuple[int, int, int]:
        return (
            len(nx.descendants(what, FIRST)),
            len(nx.ancestors(what, LAST)),
            len(nx.shortest_path(what, FIRST, LAST)),
        )

    return graph, ask


def main(side: str, edges: int, width: int) -> None:
    """Build and ask, and print the seconds and the peak of resident memory in bytes."""
    began = time.perf_counter()
    graph, ask = {"ours": ours, "networkx": by_networkx}[side](edges, width)
    built = time.perf_counter()
    found = ask(graph)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    numbers = {"build": built - began, "ask": done - built, "peak": peak, "found": found}
    print(json.dumps(numbers))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
