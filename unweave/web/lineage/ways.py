"""What stands next to something in the lineage, and the way from one thing to another."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from lineage_store.errors import NothingFound
from lineage_store.index import deletions, models, queue
from lineage_store.questions import Part, count_of_parts, part_of
from lineage_store.workspace import Workspace
from unweave.web.lineage.lines import Lines
from unweave.web.lineage.nodes import Inner, Node, node_of

AT_MOST = 60  # boxes of a picture
OF_A_KIND = 12  # of them in one group


@dataclass(frozen=True)
class WayStep:
    """One step of a way: how it hangs together with the one before, and which came first.

    `told` reads from the one before to this one. `down` says that this one came of the other.
    """

    node: Node
    told: str = ""
    down: bool = True


@dataclass(frozen=True)
class Way:
    """A way; in its middle `left_out` steps are counted and not shown, behind the first `whole`."""

    steps: tuple[WayStep, ...]
    whole: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Group:
    """What hangs together with something in one manner; `left_out` counts the rest."""

    told: str
    nodes: tuple[Node, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Around:
    """What something came of, and what came of it."""

    before: tuple[Group, ...]
    after: tuple[Group, ...]


class Ancestry:
    """The lineage of a workspace, read as far as it is asked about."""

    def __init__(self, connection: sqlite3.Connection, workspace: Workspace) -> None:
        self._connection, self._workspace = connection, workspace
        self.lines = Lines.of(connection)

    def must_have(self, node: Node) -> None:
        """Raise NothingFound unless there is such a thing."""
        if node.kind == "deletion":
            deletions.find_request(self._connection, node.id)
        elif node.kind == "request":
            queue.find(self._connection, node.id)
        elif node.part is None:
            self.lines.model(node)
        else:
            part = self._part(node)
            if node.inner and node.place not in _places(part, node.inner):
                raise NothingFound(f"There is no {node.words}.")

    def is_gone(self, node: Node) -> bool:
        """Say whether it is a model that has ended."""
        found = self.lines.by_id.get(node.whole.id)
        return node.kind == "model" and found is not None and found.state != "live"

    def line_of(self, node: Node) -> str | None:
        """Return the line of a model or of what is in it."""
        found = self.lines.by_id.get(node.whole.id) if node.kind == "model" else None
        return None if found is None else found.family

    def way(self, first: Node, last: Node) -> Way | None:
        """Return the way from one to another; None if nothing leads there within their lines."""
        if first.whole == last.whole:
            return self._shown(_within(first, last))
        found: Sequence[Node] = ()
        for start in self._ends(first):
            for end in self._ends(last):
                one = self.lines.way(start, end)
                if one and (not found or len(one) < len(found)):
                    found = one
        if not found:
            return None
        nodes = [*_up(first), *found, *reversed(_up(last))]
        return self._shown([one for n, one in enumerate(nodes) if n == 0 or one != nodes[n - 1]])

    def _shown(self, nodes: Sequence[Node]) -> Way:
        steps = [
            WayStep(node) if n == 0 else WayStep(node, *self._between(nodes[n - 1], node))
            for n, node in enumerate(nodes)
        ]
        if len(steps) <= AT_MOST:
            return Way(tuple(steps))
        whole = AT_MOST // 2
        last = AT_MOST - whole - 1  # one box says how many are left out
        return Way((*steps[:whole], *steps[-last:]), whole, len(steps) - whole - last)

    def _between(self, one: Node, other: Node) -> tuple[str, bool]:
        """Return how two neighbours hang together, and whether the other came of the one."""
        if other == one.above:
            return (_TOLD[one.inner] if one.inner else "is a part of"), True
        if one == other.above:
            return f"has the {other.inner or 'part'}", False
        if one.kind == "request":
            return "was run as", True
        if other.kind == "request":
            return "ran for", False
        if one.kind == "deletion":
            is_new = self.lines.model(other).request == one.id
            return ("made", True) if is_new else ("ended", False)
        if other.kind == "deletion":
            is_new = self.lines.model(one).request == other.id
            return ("was made by", False) if is_new else ("was ended by", True)
        if self.lines.model(other).base == one.id:
            return "gave its weights to", True
        if self.lines.model(one).base == other.id:
            return "started from the weights of", False
        return ("was followed by", True) if one.number < other.number else ("followed", False)

    def around(self, node: Node) -> Around:
        """Return what stands next to something."""
        if node.kind == "request":
            return Around((), _groups(("was run as", self._runs(node))))
        if node.kind == "deletion":
            return self._around_a_deletion(node)
        if node.part is None:
            return self._around_a_model(node)
        if node.inner:
            return Around(
                (), _groups((_TOLD[node.inner], [node_of(f"m{node.number}.{node.part}")]))
            )
        part = self._part(node)
        others = [node_of(one) for one in part.learnt_for if one != node.whole.id]
        return Around(
            _groups(
                ("was learnt for, and taken over from", others),
                *((f"has the {inner}s", [Node("model", node.number, node.part, inner, one)
                                         for one in _places(part, inner)]) for inner in _TOLD),
            ),
            _groups(("is a part of", [node.whole])),
        )  # fmt: skip

    def _around_a_deletion(self, node: Node) -> Around:
        served = [node_of(one.id) for one in queue.of_run(self._connection, node.id)]
        made = self.lines.made.get(node.id, ())
        ended = [one for one in map(self.lines.before, made) if one is not None]
        return Around(
            _groups(
                ("ran for", served), ("ended", [node_of(one.id) for one in ended])
            ),
            _groups(("made", [node_of(one.id) for one in made])),
        )  # fmt: skip

    def _around_a_model(self, node: Node) -> Around:
        model, lines = self.lines.model(node), self.lines
        before, after = lines.before(model), lines.after(model)
        record = models.find_model(self._connection, model.id)
        count = count_of_parts(self._workspace, record)
        parts = [Node("model", node.number, one) for one in range(min(count, OF_A_KIND + 1))]
        ended_by = None if after is None else after.request
        followed = before if model.request is None else None
        follows = after if ended_by is None else None
        started = [node_of(one.id) for one in lines.started.get(model.id, ())]
        return Around(
            _groups(
                ("was made by", _these(model.request)),
                ("followed", [] if followed is None else [node_of(followed.id)]),
                ("started from the weights of", _these(model.base)),
                ("has the parts", parts, count),
            ),
            _groups(
                ("was ended by", _these(ended_by)),
                ("was followed by", [] if follows is None else [node_of(follows.id)]),
                ("gave its weights to", started),
            ),
        )

    def _part(self, node: Node) -> Part:
        assert node.part is not None
        record = models.find_model(self._connection, node.whole.id)
        return part_of(self._workspace, record, node.part)

    def _runs(self, node: Node) -> list[Node]:
        run = queue.find(self._connection, node.id).run
        return [] if run is None else [node_of(run)]

    def _ends(self, node: Node) -> list[Node]:
        """Return what a way to something goes through: of a request its deletion."""
        return self._runs(node) if node.kind == "request" else [node.whole]


_TOLD: dict[Inner, str] = {"unit": "was learnt in", "cell": "has rows that were learnt in"}


def _within(first: Node, last: Node) -> list[Node]:
    """Return the way within one model: up to what both lie in, and down."""
    up, down = _up(first), _up(last)
    shared = next(one for one in up if one in down)
    return [*up[: up.index(shared) + 1], *reversed(down[: down.index(shared)])]


def _above(node: Node) -> list[Node]:
    found = []
    while node.above is not None:
        node = node.above
        found.append(node)
    return found


def _up(node: Node) -> list[Node]:
    """Return the way from something to the model that it lies in, or to what stands for it."""
    return [node, *_above(node)]


def _places(part: Part, inner: Inner) -> list[int]:
    if inner == "unit":
        return [one.number for one in part.units]
    return list(range(len(part.cells or ())))


def _these(name: str | None) -> list[Node]:
    return [] if name is None else [node_of(name)]


def _groups(
    *given: tuple[str, Sequence[Node]] | tuple[str, Sequence[Node], int],
) -> tuple[Group, ...]:
    found = []
    for told, nodes, *count in given:
        if nodes:
            total = count[0] if count else len(nodes)
            shown = tuple(nodes[:OF_A_KIND])
            found.append(Group(told, shown, total - len(shown)))
    return tuple(found)
