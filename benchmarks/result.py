"""What a benchmark returns: tables and figures for people, and all numbers for programs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """A title, a table, sentences below it, and all numbers; skipped benchmarks have no rows.

    `figures` are SVG files by name.
    """

    title: str
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, bytes] = field(default_factory=dict)
