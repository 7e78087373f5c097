"""What a run says of the model that it makes, before it is made: it goes along as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.index.models import Guarantee


@dataclass(frozen=True, kw_only=True)
class NewModel:
    """A model that a run makes: its id, its line (`family`), and from which snapshot it comes.

    `request` is the deletion that makes it; `extra` goes into its report.
    """

    model: str
    family: str
    snapshot: int
    guarantee: Guarantee
    request: str | None
    extra: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "NewModel":
        """Read the value back."""
        return cls(**value)
