"""A lineage made small enough to look at: nodes that are alike are folded into one.

Nodes are folded by what they have in common, coarser and coarser: not at all; those of one stage of
a shard; those of a shard; those of a model; those of a type. The finest of these grains that keeps
to the number of nodes asked for is taken. Deleted and live nodes are never folded into one. An edge
stands between two folds if there is one between any two of their nodes.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lineage_store.graph.closure import Edge

Value = str | int | float


@dataclass(frozen=True)
class PictureNode:
    """A node to be drawn: its key, its type, and what is known of it that is no personal data."""

    key: int
    kind: str
    execution: bool = False
    deleted: bool = False
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Fold:
    """One or more nodes drawn as one; `name` and `detail` are the two lines of its label."""

    nodes: tuple[PictureNode, ...]
    name: str
    detail: str

    @property
    def first(self) -> PictureNode:
        """The node with the lowest key, of which kind and state are those of all."""
        return self.nodes[0]


@dataclass(frozen=True)
class Folded:
    """Folds in the order of their first nodes, and the edges between them by place."""

    folds: tuple[Fold, ...]
    edges: tuple[Edge, ...]


Grain = Callable[[PictureNode], Hashable]


def _by(*names: str) -> Grain:
    """Return a grain: nodes that have all these values are alike if the values are the same."""

    def grain(node: PictureNode) -> Hashable:
        if not all(name in node.values for name in names):
            return node.key
        return tuple(node.values[name] for name in names)

    return grain


GRAINS: tuple[Grain, ...] = (
    lambda node: node.key,
    _by("model", "shard", "stage"),
    _by("model", "shard"),
    _by("model"),
    lambda node: None,
)


def fold(nodes: Iterable[PictureNode], edges: Iterable[Edge], *, at_most: int) -> Folded:
    """Fold nodes until there are at most so many, or one of each type and state.

    Edges are pairs of keys of the nodes; those within a fold are left out. The result depends on
    the graph alone, not on the order in which it is given.
    """
    ordered = sorted(nodes, key=lambda node: node.key)
    groups: list[list[PictureNode]] = []
    for grain in GRAINS:
        groups = _grouped(ordered, grain)
        if len(groups) <= at_most:
            break
    place = {node.key: number for number, group in enumerate(groups) for node in group}
    between = {(place[a], place[b]) for a, b in edges}
    return Folded(
        tuple(Fold(tuple(group), name_of(group), detail_of(group)) for group in groups),
        tuple(sorted((a, b) for a, b in between if a != b)),
    )


def _grouped(nodes: Sequence[PictureNode], grain: Grain) -> list[list[PictureNode]]:
    groups: dict[Hashable, list[PictureNode]] = {}
    for node in nodes:
        groups.setdefault((node.kind, node.execution, node.deleted, grain(node)), []).append(node)
    return list(groups.values())


def name_of(nodes: Sequence[PictureNode]) -> str:
    """Return the first line of a label: `Batch`, or `1,204 batches`."""
    name = nodes[0].kind.rpartition(".")[2]
    if len(nodes) == 1:
        return name
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    if words.endswith("y"):
        words = words[:-1] + "ie"
    ending = "" if words.endswith("s") else "es" if words.endswith("ch") else "s"
    return f"{len(nodes):,} {words}{ending}"


def detail_of(nodes: Sequence[PictureNode]) -> str:
    """Return the second line of a label: the place that all the nodes have in common."""
    parts = []
    for name, shown in (
        ("model", "{}"),
        ("guarantee", "{}"),
        ("request", "{}"),
        ("shard", "shard {}"),
        ("stage", "stage {}"),
        ("position", "step {}"),
        ("rows", "{:,} rows"),
    ):
        found = {node.values.get(name) for node in nodes}
        if len(found) == 1 and (value := found.pop()) is not None:
            parts.append(shown.format(value))
    return " · ".join(parts)
