"""What the docs and `install/` hand to schedulers is run here, as a scheduler would run it."""

import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from fixtures.scheduled_machine import NOBODY, TOP, Machine, block, machine_in
from lineage_store.workspace.folder import writing
from unweave.cli import commands

BUSY = 75


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return machine_in(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def machine(prepared, tmp_path):
    """A machine of one test's own."""
    shutil.copytree(prepared.root, tmp_path / "machine")
    return Machine(tmp_path / "machine")


def run(line, machine, *, shell=("/bin/sh", "-c")):
    """Run a line as a scheduler does, with next to nothing in the environment."""
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(machine.root), "LOGNAME": "unweave"}
    return subprocess.run(
        [*shell, machine.placed(line)],
        cwd=machine.root, env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip


def unit(kind):
    """The settings of a unit of `install/`, for the instance `churn`."""
    lines = (TOP / f"install/unweave-requests@.{kind}").read_text().splitlines()
    told = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value.replace("%i", "churn") for name, value in told}


def test_the_service_settles_what_is_due_and_takes_a_busy_workspace_for_no_failure(machine):
    service = unit("service")
    done = run(service["ExecStart"], machine)
    assert (done.returncode, machine.settled) == (0, True), done.stderr
    with writing(machine.workspace, create=False):
        busy = run(service["ExecStart"].replace("--wait 3600", ""), machine)
    assert busy.returncode == BUSY == int(service["SuccessExitStatus"])


def test_systemd_takes_the_units(machine, tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd here")
    for kind in ("service", "timer"):
        text = (TOP / f"install/unweave-requests@.{kind}").read_text()
        (tmp_path / f"unweave-requests@.{kind}").write_text(
            machine.placed(text).replace("User=unweave", "User=root")
        )
    for kind in ("service", "timer"):
        asked = [analyze, "verify", str(tmp_path / f"unweave-requests@churn.{kind}")]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        ours = [line for line in done.stderr.splitlines() if "unweave-requests" in line]
        assert not ours, ours
    when = [analyze, "calendar", unit("timer")["OnCalendar"]]
    assert subprocess.run(when, capture_output=True, check=False).returncode == 0


def test_the_line_of_cron_runs_by_its_shell_and_its_log_names_nobody(machine):
    (line,) = block("cron").splitlines()
    *times, command = line.split(" ", 5)
    assert len(times) == 5 and "%" not in command, "cron takes that sign for the end of a line"
    done = run(command, machine)
    assert (done.returncode, machine.settled) == (0, True), done.stderr
    log = Path(machine.placed("/srv/unweave/churn.log")).read_text()
    assert '"q1"' in log and NOBODY not in log


def test_the_step_of_the_workflow_runs_and_its_trigger_has_no_inputs(machine):
    workflow = yaml.safe_load(block("yaml"))
    assert workflow[True]["workflow_dispatch"] is None, "yaml reads `on` as true"
    ((step,),) = [job["steps"] for job in workflow["jobs"].values()]
    done = run(step["run"], machine, shell=("/bin/bash", "-e", "-c"))
    assert (done.returncode, machine.settled) == (0, True), done.stderr
    assert NOBODY not in done.stdout + done.stderr


def test_what_a_scheduler_starts_takes_nobodys_id():
    told = commands.commands["run-requests"].params
    assert not [one for one in told if isinstance(one, click.Argument)]
    assert {one.name for one in told if not one.is_flag} == {
        "workspace", "due", "workers", "beam_args", "wait",
    }  # fmt: skip
