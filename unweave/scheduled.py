"""What an orchestrator starts by the clock: `python -m unweave.scheduled`, of the Python API.

Standard input is a JSON object, standard output the API's answer as another:

    {"job": "run requests", "workspace": "ws", "due": "2031-05-17"}  `requests.run`; "" is all
    {"job": "detect", "workspace": "ws"}                             `detect`, by `detect.json`

The components name this module as a string (`components.own_process`), since they stand below it.
Exit status: that of the error, whose sentence goes to standard error; 0 otherwise.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lineage_store.errors import UnweaveError
from lineage_store.requests import load_search
from unweave.api.project import Project
from unweave.text.printed import say, say_json

Answer = dict[str, Any]
Asked = Mapping[str, str]


def main() -> None:
    """Carry out one job, and end the process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    try:
        answer = JOBS[asked["job"]](asked)
    except UnweaveError as error:
        say(str(error), err=True)
        sys.exit(error.exit_status)
    say_json(answer)
    for one in answer.get("failed", ()):
        say(one["error"], err=True)
    sys.exit(answer.get("exit_status", 0))


def run_requests(asked: Asked) -> Answer:
    """Run the requests that are due by a day, or all that wait."""
    return Project(asked["workspace"]).requests.run(due=asked["due"] or None)


def detect(asked: Asked) -> Answer:
    """Look for poisoned rows, and file a request for those that were found."""
    search = load_search(Path(asked["workspace"]))
    return Project(asked["workspace"]).detect(
        search.csv,
        row_id=search.row_id,
        model=search.model,
        method=search.method,
        share=search.share,
        trusted=search.trusted,
        source=search.source,
        queue=True,
    )


JOBS: Mapping[str, Callable[[Asked], Answer]] = {"run requests": run_requests, "detect": detect}


if __name__ == "__main__":
    main()
