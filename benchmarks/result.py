"""What a benchmark returns: a table for people, and the numbers behind it for programs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """A title, a table, sentences below it, and all numbers; skipped benchmarks have no rows."""

    title: str
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
