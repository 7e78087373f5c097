"""What a scheduled search for poisoned rows is asked: `detect.json` in the workspace.

    {"csv": ["trips.csv"], "row_id_column": "id", "method": "spectral", "share": 0.05}

The names are those of the options of `unweave detect`; `csv` may be one file or several.
"""

from collections.abc import Mapping
from typing import Any

from lineage_store.errors import BadInput

DETECTION_FILE = "detect.json"
OPTIONS = ("csv", "row_id_column", "model", "method", "share", "trusted", "source_column")


def arguments_of(value: Mapping[str, Any]) -> list[str]:
    """Return the arguments of the command; raises BadInput for a name that is no option of it."""
    unknown = sorted(set(value) - set(OPTIONS))
    if unknown:
        raise BadInput(
            f"{DETECTION_FILE} says {', '.join(unknown)}: it may say {', '.join(OPTIONS)}."
        )
    found: list[str] = []
    for name in OPTIONS:
        given = value.get(name, ())
        for one in given if isinstance(given, list | tuple) else [given]:
            found += [f"--{name.replace('_', '-')}", str(one)]
    return found
