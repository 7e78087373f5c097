"""The component of the request pipeline: RequestRunner runs what is due.

It starts the command in a process of its own, since the deletion pipelines that this runs write to
the workspace's ML Metadata, and a process that holds one store of it must not open another.
"""

import os
import subprocess
import sys
from pathlib import Path

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import RequestReport
from components.digests import set_digest
from lineage_store.canonical import digest, write_atomic
from lineage_store.errors import CheckFailed

REPORT = "requests.json"


@component(component_annotation=Process)
def RequestRunner(
    report: OutputArtifact[RequestReport],
    workspace: Parameter[str],
    due: Parameter[str],
) -> None:
    """Runs the requests that are due by a day, or all that wait if it is empty.

    What the command says is the report: numbers and ids of requests, runs and models. Raises
    CheckFailed if a run failed, with the sentence that says why.
    """
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "unweave", "run-requests", "--json"),
            *("--workspace", workspace),
            *(("--due", due) if due else ()),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])},
    )
    if done.returncode:
        raise CheckFailed(f"The requests did not all run: {done.stderr.strip()[-500:]}")
    answer = done.stdout.encode("utf-8")
    write_atomic(Path(report.uri) / REPORT, answer)
    set_digest(report, digest(answer))
