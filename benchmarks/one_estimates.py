"""One workspace and many varied requests to it, in one process: what was estimated, what it took.

`python -m benchmarks.one_estimates JSON`. Each request starts from the model that the one before
has left, through the Python API without TFX, and is planned and carried out like any other.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import adult
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unweave.api.project import Project

Numbers = dict[str, Any]


def requests(asked: Numbers) -> list[Numbers]:
    """Draw the requests: each a strategy of those asked for, and so many people that are left."""
    draw = np.random.default_rng(asked["seed"])
    people = draw.permutation(asked["rows"]).tolist()
    found = []
    for number in range(asked["requests"]):
        size = int(draw.choice(asked["sizes"]))
        gone = [f"p{people.pop()}" for _ in range(size)]
        strategies = asked["strategies"]
        found.append({"ids": gone, "strategy": strategies[number % len(strategies)]})
    return found


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    pin_tensorflow()
    lines = []
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        csv = Path(folder) / "adult.csv"
        adult.write_people(csv, limit=asked["rows"])
        project = Project(Path(folder) / "workspace", backend=DirectBackend())
        project.train(csv, label=adult.LABEL, subject=adult.ROW_ID, **asked["train"])
        for request in requests(asked):
            answer = project.forget(request["ids"], strategy=request["strategy"])
            lines.append(
                {
                    "people": len(request["ids"]),
                    "rows": answer["rows_found"],
                    "strategy": answer["strategy"],
                    "estimate": answer["estimate"],
                    "actual": answer["actual"],
                }
            )
    print(json.dumps({"requests": lines}))


if __name__ == "__main__":
    main()
