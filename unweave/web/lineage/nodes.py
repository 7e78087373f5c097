"""What the lineage is made of, each by its number: models, deletions, requests, parts and within.

    m2          a model            m2.3        a part of it, as a shard is
    r1          a deletion         m2.3.u5     a unit of that part
    q3          a request          m2.3.c7     a cell of its data

These stand in addresses. What somebody types is read in words, too (`part 3 of m2`), and never put
into an address before it is known to be numbers: it might be a name.
"""

import re
from dataclasses import dataclass
from typing import Literal

from lineage_store.errors import BadInput, NothingFound

Kind = Literal["model", "deletion", "request"]
Inner = Literal["", "unit", "cell"]
LETTERS: dict[str, Kind] = {"m": "model", "r": "deletion", "q": "request"}
_ADDRESS = re.compile(r"([mrq])([1-9]\d{0,8})(?:\.(\d{1,4})(?:\.([uc])(\d{1,8}))?)?", re.ASCII)
_WORD = re.compile(r"[\s.,;:/]*(?:(?:of|in|the)\s+)*([a-z]*)\s*(\d{1,9})", re.ASCII)
_WORDS = {
    "m": "model", "model": "model", "r": "deletion", "deletion": "deletion", "q": "request",
    "request": "request", "p": "part", "part": "part", "s": "part", "shard": "part", "u": "unit",
    "unit": "unit", "stage": "unit", "c": "cell", "cell": "cell", "": "",
}  # fmt: skip
HOW = "Say it by numbers, as m2, r1, q3, part 0 of m2 or unit 1 of part 0 of m2."


@dataclass(frozen=True)
class Node:
    """A model, a deletion or a request; or a part of a model, or a unit or a cell of a part."""

    kind: Kind
    number: int
    part: int | None = None
    inner: Inner = ""
    place: int = 0

    @property
    def whole(self) -> "Node":
        """The model, deletion or request that it is, or is a part of."""
        return Node(self.kind, self.number)

    @property
    def above(self) -> "Node | None":
        """What it lies in; None of what lies in nothing."""
        if self.inner:
            return Node(self.kind, self.number, self.part)
        return None if self.part is None else self.whole

    @property
    def id(self) -> str:
        """What it is called in an address."""
        letter = next(one for one, kind in LETTERS.items() if kind == self.kind)
        part = "" if self.part is None else f".{self.part}"
        return f"{letter}{self.number}{part}" + (
            f".{self.inner[0]}{self.place}" if self.inner else ""
        )

    @property
    def words(self) -> str:
        """What it is called by people."""
        if self.part is None:
            return self.id
        inner = f"{self.inner} {self.place} of " if self.inner else ""
        return f"{inner}part {self.part} of {self.whole.id}"


def node_of(address: str) -> Node:
    """Return the node of an address; raises NothingFound for what is none."""
    found = _ADDRESS.fullmatch(address)
    if found is None or (found[3] is not None and found[1] != "m"):
        raise NothingFound("There is no such place in the lineage.")
    inner: Inner = "" if found[4] is None else "unit" if found[4] == "u" else "cell"
    part = None if found[3] is None else int(found[3])
    return Node(LETTERS[found[1]], int(found[2]), part, inner, int(found[5] or 0))


def typed(text: str) -> tuple[Node, ...]:
    """Return what somebody may mean, by words and numbers; several for a number alone.

    Raises BadInput for anything else, which it does not repeat.
    """
    said: dict[str, int] = {}
    at = 0
    text = text.strip().lower()
    while found := _WORD.match(text, at):
        at = found.end()
        name = _WORDS.get(found[1])
        if name is None or name in said:
            raise BadInput(HOW)
        said[name] = int(found[2])
    if at != len(text) or not said:
        raise BadInput(HOW)
    if said.keys() == {""}:
        return tuple(Node(kind, said[""]) for kind in LETTERS.values())
    if {"model", ""} <= said.keys() and "part" not in said:  # m2.3
        said["part"] = said.pop("")
    for kind in LETTERS.values():
        if said.keys() == {kind}:
            return (Node(kind, said[kind]),)
    if said.keys() == {"model", "part"}:
        return (Node("model", said["model"], said["part"]),)
    if said.keys() == {"model", "part", "unit"}:
        return (Node("model", said["model"], said["part"], "unit", said["unit"]),)
    if said.keys() == {"model", "part", "cell"}:
        return (Node("model", said["model"], said["part"], "cell", said["cell"]),)
    raise BadInput(HOW)
