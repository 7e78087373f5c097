"""What a plan estimates beside what the deletion took: fifty varied requests on Adult.

Three workspaces of 20,000 people (2,000 with --quick), the built-in model: exact deletions from 5
shards of 4 slices; exact ones and corrections in turn from 2 shards of 2 slices; subtractions of
recorded updates, and exact deletions after them, from 3 shards of 2 slices. 1 to 100 people a
request, each request from the model that the last one left. Goal: seconds within 25 % for 90 % of
the requests. Seconds are of the unlearning: the model built, all shards' work, evaluation, export.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import adult
from benchmarks.apart import numbers_of
from benchmarks.result import Result, Tell

WITHIN = 0.25

Numbers = dict[str, Any]

EXACT, MARGINAL, WHOLE = "retrain-shards", "amnesiac-marginal", "amnesiac"
WORKSPACES: tuple[Numbers, ...] = (
    {"requests": 20, "strategies": [EXACT], "train": {"shards": 5, "slices": 4, "epochs": 6}},
    {
        "requests": 16,
        "strategies": [EXACT, MARGINAL],
        "train": {"shards": 2, "slices": 2, "epochs": 6},
    },
    {
        "requests": 14,
        "strategies": [WHOLE, WHOLE, EXACT],
        "train": {"shards": 3, "slices": 2, "epochs": 4, "record": "all", "update_codec": "int8"},
    },
)
SIZES = (1, 2, 5, 10, 30, 100)


def run(*, quick: bool, tell: Tell) -> Result:
    """Carry all requests out and compare."""
    title = "Estimates beside what was taken, fifty requests on Adult"
    if why := adult.missing():
        return Result(title, notes=[why])
    found: list[Numbers] = []
    for number, workspace in enumerate(WORKSPACES):
        asked = workspace | {"rows": 2_000 if quick else 20_000, "sizes": SIZES, "seed": number}
        if quick:
            asked["requests"] = 3
        found += numbers_of("one_estimates", json.dumps(asked))["requests"]
        tell(f"workspace {number + 1} of {len(WORKSPACES)}: {len(found)} requests so far")
    names = list(dict.fromkeys(line["strategy"] for line in found))
    kinds = {name: [line for line in found if line["strategy"] == name] for name in names}
    kinds["all"] = found
    columns = ("requests of", "number", "s taken, median", "within 25 %", "median error",
               "90th percentile", "steps as estimated", "bytes, median error")  # fmt: skip
    return Result(
        title=title,
        columns=columns,
        rows=[shown(name, lines) for name, lines in kinds.items()],
        notes=["An error is the distance of the estimate from what was taken, as a share of it."],
        numbers={"requests": found},
    )


def errors(lines: Sequence[Numbers], what: str) -> np.ndarray:
    """Return |estimate - actual| / actual of each request."""
    pairs = np.array([(line["estimate"][what], line["actual"][what]) for line in lines])
    return np.abs(pairs[:, 0] - pairs[:, 1]) / np.maximum(pairs[:, 1], 1e-9)


def shown(name: str, lines: Sequence[Numbers]) -> tuple[str, ...]:
    """Return a line of the table."""
    seconds = errors(lines, "seconds")
    steps = sum(line["estimate"]["steps"] == line["actual"]["steps"] for line in lines)
    return (
        name,
        str(len(lines)),
        f"{np.median([line['actual']['seconds'] for line in lines]):.2f}",
        f"{np.mean(seconds <= WITHIN):.0%}",
        f"{np.median(seconds):.0%}",
        f"{np.percentile(seconds, 90):.0%}",
        f"{steps} of {len(lines)}",
        f"{np.median(errors(lines, 'bytes')):.0%}",
    )
