"""What a scheduled search for poisoned rows is asked: `detect.json` in the workspace.

    {"csv": ["trips.csv"], "row_id_column": "id", "method": "spectral", "share": 0.05}

The names are those of the options of `unweave detect`; `csv` may be one file or several.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import read_json
from lineage_store.errors import BadInput

DETECTION_FILE = "detect.json"
TEXTS = ("row_id_column", "model", "method", "trusted", "source_column")
NAMES = ("csv", *TEXTS, "share")


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search that is asked for again and again; `source` and `trusted` go with provenance."""

    csv: tuple[str, ...]
    row_id: str
    model: str | None = None
    method: str = "loss"
    share: float = 0.02
    trusted: str | None = None
    source: str | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Search":
        """Read what the file says.

        Raises BadInput for a name that it may not say, one that it must, and a value of another
        type. What fits together is looked at when rows are looked for.
        """
        if unknown := sorted(set(value) - set(NAMES)):
            raise BadInput(
                f"{DETECTION_FILE} says {', '.join(unknown)}: it may say {', '.join(NAMES)}."
            )
        if missing := sorted({"csv", "row_id_column"} - set(value)):
            raise BadInput(f"{DETECTION_FILE} does not say {', '.join(missing)}: it must.")
        csv = value["csv"] if isinstance(value["csv"], list) else [value["csv"]]
        texts = {"csv": csv} | {name: [value[name]] for name in TEXTS if name in value}
        for name, values in texts.items():
            if not values or not all(isinstance(one, str) for one in values):
                raise BadInput(f"{DETECTION_FILE} says no text for {name}: write it in quotes.")
        share = value.get("share", cls.share)
        if not isinstance(share, int | float):
            raise BadInput(f"{DETECTION_FILE} says no number for share: write one, as 0.05.")
        return cls(
            csv=tuple(csv),
            row_id=value["row_id_column"],
            model=value.get("model"),
            method=value.get("method", cls.method),
            share=share,
            trusted=value.get("trusted"),
            source=value.get("source_column"),
        )


def load_search(root: Path) -> Search:
    """Return what the file in a workspace's folder asks; raises BadInput for none, or a bad one."""
    try:
        return Search.from_json(read_json(root / DETECTION_FILE))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BadInput(
            f"There is no {DETECTION_FILE} in the workspace that can be read: it says which files "
            f"are searched, and how (docs/poison.md)."
        ) from error
