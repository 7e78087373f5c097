"""What a verdict demands: a policy, read from a JSON file.

    {"at_least": "relative distance", "refuse_uninformative": true, "runs": 5}

What is not named keeps its default; an unknown name is an error, so that a slip of the pen loosens
nothing. The thresholds are choices, not findings: docs/verification.md says how to choose.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput

RUNGS = ("bits", "tolerance", "bound", "law", "relative distance", "behaviour")
EVIDENCE = ("forgotten loss", "attack by loss", "forgotten accuracy", "forgotten answers")


@dataclass(frozen=True)
class Policy:
    """The demands on an unlearned model.

    at_least              the weakest rung of the ladder that may carry a verdict
    must_pass             the behaviour checks that must pass, each; without any, one is enough
    refuse_uninformative  whether a verdict that tells nothing counts as a failed one
    closeness             how much of the way from the retrained to the untouched model a statistic
                          may be off, either way; 1 would be as far off as doing nothing
    utility               the least share of the retrained model's skill that must be left
    margin                how far an AUC may be on the wrong side
    relative_distance     the same as closeness, of the distance of weights
    tolerance, bound      a largest difference of one weight, a largest L2 distance; none by default
    same_seeds            the n-th model of each kind had the same seed and batches
    runs, rows            the least number of models of each kind, and of forgotten rows
    law_runs              the least number of models of each kind for a comparison of laws
    most_rows             of more rows in a file, so many are drawn
    confidence            of every interval
    draws, seed           of the bootstrap
    """

    at_least: str = "behaviour"
    must_pass: tuple[str, ...] = ()
    refuse_uninformative: bool = False
    closeness: float = 0.5
    utility: float = 0.8
    margin: float = 0.1
    relative_distance: float = 0.5
    tolerance: float | None = None
    bound: float | None = None
    same_seeds: bool = False
    runs: int = 3
    rows: int = 20
    law_runs: int = 4000
    most_rows: int = 5000
    confidence: float = 0.95
    draws: int = 2000
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self) | {"must_pass": list(self.must_pass)}


def policy_from(value: Any, *, where: str) -> Policy:
    """Read a policy; raises BadInput, naming the demand, for what is unknown or does not fit."""
    if not isinstance(value, dict):
        raise BadInput(f"{where} is no policy: it must hold one JSON object.")
    known = {field.name for field in fields(Policy)}
    for name in value:
        if name not in known:
            raise BadInput(f"{where}: there is no demand {name!r}; there are {_listed(known)}.")
    for name, demand in value.items():
        what, fits = _FITS[name]
        if not fits(demand):
            raise BadInput(f"{where}: {name} must be {what}.")
    if "must_pass" in value:
        value = value | {"must_pass": tuple(value["must_pass"])}
    return Policy(**value)


def read_policy(path: Path | None) -> Policy:
    """Read a policy file, or return the default policy without one; raises BadInput."""
    if path is None:
        return Policy()
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"The policy {path} cannot be read: {error}.") from error
    return policy_from(value, where=f"The policy {path}")


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _count(least: int) -> tuple[str, Callable[[Any], bool]]:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    return f"a whole number from {least} on", fits


def _share(most: float) -> tuple[str, Callable[[Any], bool]]:
    def fits(value: Any) -> bool:
        return _is_number(value) and 0 < value < most

    return f"a number between 0 and {most:g}", fits


_TRUTH = ("true or false", lambda value: isinstance(value, bool))
_LIMIT = (
    "null or a number from 0 on",
    lambda value: value is None or (_is_number(value) and value >= 0),
)

_FITS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "at_least": (f"one of {', '.join(RUNGS)}", lambda value: value in RUNGS),
    "must_pass": (
        f"a list of {', '.join(EVIDENCE)}",
        lambda value: isinstance(value, list) and all(one in EVIDENCE for one in value),
    ),
    "refuse_uninformative": _TRUTH,
    "closeness": _share(1),
    "utility": _share(1),
    "margin": _share(0.5),
    "relative_distance": _share(1),
    "tolerance": _LIMIT,
    "bound": _LIMIT,
    "same_seeds": _TRUTH,
    "runs": _count(2),
    "rows": _count(2),
    "law_runs": _count(2),
    "most_rows": _count(100),
    "confidence": _share(1),
    "draws": _count(200),
    "seed": _count(0),
}
