"""One phase of an evening with many requests, in a process of its own.

`python -m benchmarks.one_load JSON`. Phases, through the Python API without TFX:

    train   a model on the whole table
    add     each request by itself, as it would come in
    run     `run-requests`: all that wait in one run, and what became of each request
"""

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.apart import peak_kib
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unweave.api.project import Project
from unweave.api.verify import verify

Numbers = dict[str, Any]


def added(project: Project, ids: list[str]) -> Numbers:
    """Add a request for each id; count those that were known already."""
    known = [project.requests.add([one], requester="on file")["duplicate"] for one in ids]
    return {"requests": len(ids), "duplicates": sum(known)}


def ran(project: Project) -> Numbers:
    """Run what waits, and count what became of every request; check every certificate."""
    answer = project.requests.run()
    listed = project.requests.list(ended=True)["requests"]
    key = project.public_key
    files = [Path(one["certificate"]) for one in answer["runs"]]
    own = [path for file in files for path in sorted((file.parent / "certificates").glob("*.json"))]
    return {
        "runs": len(answer["runs"]),
        "states": dict(Counter(one["state"] for one in listed)),
        "certificates": len(own),
        "verified": sum(verify(path, public_key=key)["ok"] for path in [*files, *own]),
        "unfinished": project.status()["unfinished"],
    }


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    project = Project(asked["workspace"], backend=DirectBackend())
    if asked["phase"] != "add":
        pin_tensorflow()
    began = time.perf_counter()
    if asked["phase"] == "train":
        found: Numbers = {"rows": project.train(**asked["train"])["rows"]}
    else:
        found = added(project, asked["ids"]) if asked["phase"] == "add" else ran(project)
    seconds = time.perf_counter() - began
    print(json.dumps(found | {"seconds": seconds, "peak_kib": peak_kib()}))


if __name__ == "__main__":
    main()
