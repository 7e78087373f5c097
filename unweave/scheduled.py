"""What an orchestrator starts by the clock: `python -m unweave.scheduled`, of the Python API.

Standard input is a JSON object, standard output the API's answer as another:

    {"job": "run requests", "workspace": "ws", "due": "2031-05-17"}  `requests.run`; "" is all
    {"job": "detect", "workspace": "ws"}                             `detect`, by `detect.json`

The answer becomes an artifact, which stays longer than the models that it speaks of: of a run it
says which request became of which model what, and repeats no measure of a model (law 9). These are
in the answers of `requests.run` and `detect`, for whoever calls them.

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

from lineage_store.errors import CheckFailed, UnweaveError
from lineage_store.requests import load_search
from lineage_store.without_numbers import without_numbers
from unweave.api.project import Project
from unweave.text.printed import say, say_json

Answer = dict[str, Any]
Arguments = Mapping[str, str]

OF_A_MODEL = ("model_before", "model_after", "strategy", "guarantee", "claim", "rows_found")
OF_A_RUN = ("requests", "request_id", "subjects", *OF_A_MODEL, "certificate", "exact_by")


def main() -> None:
    """Carry out one job, and end the process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    arguments = json.load(sys.stdin)
    try:
        answer = JOBS[arguments["job"]](arguments)
    except UnweaveError as error:
        say(str(error), err=True)
        sys.exit(error.exit_status)
    say_json(answer)
    for one in answer.get("failed", ()):
        say(one["error"], err=True)
    sys.exit(answer.get("exit_status", 0))


def run_requests(arguments: Arguments) -> Answer:
    """Run the requests that are due by a day, or all that wait."""
    return lasting_runs(Project(arguments["workspace"]).requests.run(due=arguments["due"] or None))


def detect(arguments: Arguments) -> Answer:
    """Look for poisoned rows, and file a request for those that were found."""
    search = load_search(Path(arguments["workspace"]))
    found = Project(arguments["workspace"]).detect(
        search.csv,
        row_id=search.row_id,
        model=search.model,
        method=search.method,
        share=search.share,
        trusted=search.trusted,
        source=search.source,
        queue=True,
    )
    return {**found, "sources": [_whole_per_cents(one) for one in found["sources"]]}


def lasting_runs(answer: Answer) -> Answer:
    """Return what of an answer of `requests.run` may outlive the models that it speaks of."""
    runs = [
        {name: run[name] for name in OF_A_RUN}
        | {"models": [{name: one[name] for name in OF_A_MODEL} for one in run["models"]]}
        for run in answer["runs"]
    ]
    failed = [
        {**one, "error": without_numbers(one["error"])}
        if one["exit_status"] == CheckFailed.exit_status
        else one
        for one in answer["failed"]
    ]
    return {**answer, "runs": runs, "failed": failed}


def _whole_per_cents(measured: Answer) -> Answer:
    """Return a value with its shares in whole per cents."""
    return {
        name: round(value, 2) if isinstance(value, float) else value
        for name, value in measured.items()
    }


JOBS: Mapping[str, Callable[[Arguments], Answer]] = {"run requests": run_requests, "detect": detect}


if __name__ == "__main__":
    main()
