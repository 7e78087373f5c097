"""What was read is of the types that its dataclass says, or is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from lineage_store.own_files.typed import typed


@dataclass(frozen=True)
class Inner:
    name: str
    kind: Literal["number", "text"]


@dataclass(frozen=True)
class Outer:
    count: int
    share: float
    yes: bool
    inner: tuple[Inner, ...]
    pair: tuple[str, int]
    seen: frozenset[int] | None
    rows: Mapping[str, tuple[int, ...]]
    folder: Path
    other: Any = None


WHOLE = Outer(
    count=3, share=1, yes=True, inner=(Inner("a", "text"),), pair=("b", 2), seen=frozenset({4}),
    rows={"train": (1, 2)}, folder=Path(),
)  # fmt: skip


def test_what_holds_what_it_says_is_given_back():
    assert typed(WHOLE) is WHOLE
    for other in (None, "x", [1]):
        assert typed(replace(WHOLE, seen=None, share=0.5, inner=(), other=other))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", True), ("count", 3.0), ("count", None), ("count", "3"), ("share", "1"),
        ("share", False), ("yes", 1), ("inner", [Inner("a", "text")]), ("inner", ("a",)),
        ("inner", (Inner("a", "date"),)), ("inner", (Inner(None, "text"),)),
        ("inner", (Inner("a", []),)), ("pair", ("b",)), ("pair", (2, "b")), ("pair", "b2"),
        ("seen", frozenset({"4"})), ("seen", {4}), ("rows", {"train": [1]}), ("rows", {1: (1,)}),
        ("rows", [("train", (1,))]), ("folder", "."),
    ],
)  # fmt: skip
def test_what_does_not_is_refused_by_its_field(field, value):
    with pytest.raises(TypeError, match="of another type"):
        typed(replace(WHOLE, **{field: value}))
