"""The docs' example for Dagster, run by it in an environment of its own: `make test-dagster`."""

import os
import subprocess
from pathlib import Path

import pytest

from fixtures.scheduled_machine import NOBODY, block, machine_in

PYTHON = Path(__file__).parents[2] / ".venv-dagster" / "bin" / "python"
RUN = """
ran = defs.get_job_def("forget").execute_in_process()
assert ran.success
(schedule,) = defs.schedules
print(schedule.name, schedule.cron_schedule)
"""


def test_the_example_of_the_docs_runs_in_dagster(tmp_path):
    if not PYTHON.exists():
        pytest.skip("there is no Dagster here: make test-dagster installs it")
    machine = machine_in(tmp_path)
    (tmp_path / "definitions.py").write_text(machine.placed(block("python")) + RUN)
    environment = {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "1", "DAGSTER_HOME": str(tmp_path)}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [PYTHON, "definitions.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "forget_schedule 30 2 * * *"
    assert machine.settled and NOBODY not in done.stdout + done.stderr
