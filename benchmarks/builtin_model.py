"""The built-in model on real tables, beside linear models, a perceptron and gradient boosting.

Eleven tables (`real_tables`), those of ../shared/data and three that scikit-learn brings along. Of
each a fifth of the rows is for testing, drawn by five seeds; told are means over these (one seed,
2,000 rows and 2 epochs with --quick). `one_builtin` says who learns what from which columns. The
goal: in one shard at most a point of accuracy, or 0.02 of R2, below the better of linear regression
and perceptron. What the default partition costs stands in a column of its own.

Only what is right is measured, and no time, so it may run beside other work.
"""

import json
import statistics
from typing import Any

from benchmarks.apart import numbers_of
from benchmarks.real_tables import BUNDLED, TABLES, missing
from benchmarks.result import Result, Tell

SEEDS = 5
GOAL = {"classification": 0.01, "regression": 0.02}
MEASURES = {"classification": "accuracy", "regression": "R2"}

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Learn every table as often as there are seeds, by all of them."""
    seeds, less = (1, {"limit": 2_000, "epochs": 2}) if quick else (SEEDS, {})
    found: dict[str, list[Numbers]] = {}
    notes = []
    for name in BUNDLED if quick else TABLES:
        if why := missing(name):
            notes.append(why)
            continue
        for seed in range(seeds):
            one = numbers_of("one_builtin", json.dumps({"table": name, "seed": seed, **less}))
            found.setdefault(name, []).append(one)
            tell(f"{name}, seed {seed}: {one['single']['score']:.4f}, linear {one['linear']:.4f}")
    return Result(
        title=f"The built-in model on real tables: means of {seeds} seeds",
        columns=(
            "data",
            "rows",
            "measure",
            "one shard",
            "linear",
            "perceptron",
            "to the better",
            "goal",
            "default",
            "it costs",
            "boosting",
        ),
        rows=[line(name, runs) for name, runs in found.items()],
        notes=[
            "To the better: of one shard, against the better of linear and perceptron; the goal is "
            "at most 0.01 of accuracy or 0.02 of R2 below. Default: shards x slices by the table.",
            *notes,
        ],
        numbers={"found": found},
    )


def line(name: str, runs: list[Numbers]) -> tuple[str, ...]:
    """Return a line of the table."""

    def mean(who: str) -> float:
        scores = [one[who] for one in runs]
        return statistics.mean(one["score"] if isinstance(one, dict) else one for one in scores)

    single, task = mean("single"), runs[0]["task"]
    apart = single - max(mean("linear"), mean("perceptron"))
    boosted = f"{mean('boosting'):.4f}"
    return (
        name,
        f"{runs[0]['rows']:,}",
        MEASURES[task],
        f"{single:.4f}",
        f"{mean('linear'):.4f}",
        f"{mean('perceptron'):.4f}",
        f"{apart:+.4f}",
        "met" if apart >= -GOAL[task] else "missed",
        f"{mean('default'):.4f} ({runs[0]['default']['cut']})",
        f"{single - mean('default'):+.4f}",
        f"**{boosted}**" if mean("boosting") > single else boosted,
    )
