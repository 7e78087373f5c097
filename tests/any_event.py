"""An event of any kind and body: the log keeps and proves them all, not unweave's own alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AnyEvent:
    """The name of a kind, and any body."""

    name: str
    body: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self):
        """Return the body."""
        return self.body
