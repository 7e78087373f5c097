"""Lines of models as they hang together: by deletions, and by weights that one gave to another.

A deletion may have part in several lines. From one into another nothing leads across it: what it
did there is not what this line comes from. So whoever walks along a deletion stays in the line by
which they came to it.
"""

import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from lineage_store.errors import NothingFound
from lineage_store.index import Outline, outlines
from unweave.web.lineage.nodes import Node

LOOKED_AT = 10_000  # models, the newest

_State = tuple[Node, str | None]  # and in which line


@dataclass(frozen=True)
class Lines:
    """The models of a workspace, oldest first, with what each came from."""

    every: tuple[Outline, ...]

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> "Lines":
        """Read them."""
        return cls(outlines(connection, size=LOOKED_AT))

    @cached_property
    def by_id(self) -> dict[str, Outline]:
        """Models by their ids."""
        return {one.id: one for one in self.every}

    @cached_property
    def made(self) -> dict[str, list[Outline]]:
        """The models that each deletion made."""
        found: defaultdict[str, list[Outline]] = defaultdict(list)
        for one in self.every:
            if one.request is not None:
                found[one.request].append(one)
        return dict(found)

    @cached_property
    def started(self) -> dict[str, list[Outline]]:
        """The models that started from the weights of each."""
        found: defaultdict[str, list[Outline]] = defaultdict(list)
        for one in self.every:
            if one.base is not None:
                found[one.base].append(one)
        return dict(found)

    @cached_property
    def _neighbours(self) -> dict[str, tuple[Outline | None, Outline | None]]:
        lines: defaultdict[str, list[Outline]] = defaultdict(list)
        for one in self.every:
            lines[one.family].append(one)
        found = {}
        for line in lines.values():
            around = [None, *line, None]
            for n, one in enumerate(line):
                found[one.id] = (around[n], around[n + 2])
        return found

    def model(self, node: Node) -> Outline:
        """Return the model of a node; raises NothingFound if there is none, or too long ago."""
        found = self.by_id.get(node.whole.id)
        if found is None:
            raise NothingFound(f"There is no model {node.whole.id} among the newest models.")
        return found

    def before(self, one: Outline) -> Outline | None:
        """Return the model of its line that it followed."""
        return self._neighbours[one.id][0]

    def after(self, one: Outline) -> Outline | None:
        """Return the model of its line that followed it."""
        return self._neighbours[one.id][1]

    def way(self, first: Node, last: Node) -> Sequence[Node]:
        """Return the shortest way between two models or deletions; none if nothing leads there."""
        start: _State = (first, None)
        came: dict[_State, _State | None] = {start: None}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            if here[0] == last:
                found = [here]
                while (at := came[found[-1]]) is not None:
                    found.append(at)
                return [node for node, _ in reversed(found)]
            for there in self._beside(here):
                if there not in came:
                    came[there] = here
                    waiting.append(there)
        return ()

    def _beside(self, state: _State) -> Iterator[_State]:
        node, line = state
        if node.kind == "deletion":
            for one in self.made.get(node.id, ()):
                if line in (None, one.family):
                    for model in (one, self.before(one)):
                        if model is not None:
                            yield _node(model.id), one.family
            return
        model = self.by_id.get(node.id)
        if model is None:
            return
        before, after = self.before(model), self.after(model)
        if model.request is not None:
            yield _deletion(model.request), model.family
        elif before is not None:
            yield _node(before.id), model.family
        if after is not None:
            there = _node(after.id) if after.request is None else _deletion(after.request)
            yield there, model.family
        if (base := self.by_id.get(model.base or "")) is not None:
            yield _node(base.id), base.family
        for one in self.started.get(model.id, ()):
            yield _node(one.id), one.family


def _node(model: str) -> Node:
    return Node("model", int(model[1:]))


def _deletion(name: str) -> Node:
    return Node("deletion", int(name[1:]))
