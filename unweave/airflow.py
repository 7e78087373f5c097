"""Operators for Airflow 2.11, where unweave has another environment on the same machine.

    TrainOperator        trains a model from tables
    RunRequestsOperator  runs the requests that are due
    AuditOperator        asks whether what the workspace says is true

Each runs the command `unweave` and waits for it; `unweave.airflow_dags` has a task for each
component of a run. Airflow keeps a run's configuration, the values
that tasks pass on, and rendered templates for ever: so a trigger names requests by their ids (q7)
and nobody, no argument is a template, and what is passed on are ids, and no measure of a model.

A workspace that is in use is no failure: the task gives its place back, comes again later, and has
used no retry. A command that was killed is another matter, and retried, which finishes its run.
Of unweave hardly more is imported here than this file.
"""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.hooks.base import BaseHook
from airflow.sensors.base import BaseSensorOperator, PokeReturnValue

from lineage_store.without_numbers import without_numbers

Answer = dict[str, Any]
Context = Mapping[str, Any]  # of a task's run, as Airflow gives it

BUSY = 75  # EX_TEMPFAIL: another command has the workspace
CHECK_FAILED = 1
NEVER = (CHECK_FAILED, 2, 3)  # 2: wrong use, 3: nothing there; trying again changes nothing
REQUEST = re.compile(r"q[1-9][0-9]{0,9}")
NAMED = "requests"
OF_AIRFLOW = {"from_rest_api"}  # what it writes itself beside what a dataset event says
OF_A_RUN = ("requests", "deletion", "model_before", "model_after", "certificate")
ENDED = frozenset({"done", "nothing found", "cancelled", "refused", "lifted"})


class UnweaveOperator(BaseSensorOperator):
    """Runs one command of unweave on the workspace's own machine, one run of its DAG at a time.

    `host` is the name of that machine, `command` the program there. While another command has the
    workspace the task is scheduled again, after `poke_interval` seconds, up to `timeout`.
    """

    template_fields: Sequence[str] = ()

    def __init__(
        self,
        *,
        workspace: str,
        host: str,
        command: str = "unweave",
        poke_interval: float = 600,
        **given: Any,
    ) -> None:
        super().__init__(mode="reschedule", poke_interval=poke_interval, **given)
        self.workspace, self.host, self.command = workspace, host, command
        self._process: subprocess.Popen[str] | None = None

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Run the command; False says that the workspace is in use."""
        self._must_be_here()
        if context["dag"].max_active_runs != 1:
            raise AirflowFailException(
                f"The DAG {context['dag'].dag_id} may have several runs at once, and a workspace "
                f"has one: give it max_active_runs=1."
            )
        requests_named(context)
        try:
            answer = self.answer(context)
        except WorkspaceInUse:
            self.log.info("The workspace is in use: this task comes again.")
            return False
        return PokeReturnValue(is_done=True, xcom_value=answer)

    def answer(self, context: Context) -> Any:
        """Run what this operator is for, and return what may be kept for ever of its answer."""
        raise NotImplementedError

    def must_have_ended(self, named: Collection[str]) -> None:
        """Ask what became of requests; raises AirflowFailException if one of them still waits."""
        for name in sorted(named):
            state = self.run_command("request", "show", name)["state"]
            if state not in ENDED:
                raise AirflowFailException(f"The request {name} was not run: it is {state}.")

    def run_command(self, *arguments: str, inherited: Sequence[int] = ()) -> Answer:
        """Run a command of unweave and return its answer.

        Raises WorkspaceInUse, AirflowFailException for what trying again does not change, and
        AirflowException for what it may.
        """
        asked = [self.command, *arguments, "--workspace", self.workspace, "--json"]
        self._process = subprocess.Popen(
            asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it is in the answer, too
            text=True,
            start_new_session=True,
            pass_fds=inherited,
        )
        output, _ = self._process.communicate()
        status = self._process.returncode
        if status == BUSY:
            raise WorkspaceInUse
        if status:
            kind = AirflowFailException if status in NEVER else AirflowException
            raise kind(f"unweave {arguments[0]} ended with status {status}{_why(output)}")
        answer: Answer = json.loads(output)
        return answer

    def on_kill(self) -> None:
        """End the command with its task; the next one finishes what it began."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)

    def _must_be_here(self) -> None:
        here = socket.gethostname()
        if here != self.host:
            raise AirflowFailException(
                f"This worker is {here}, and the workspace lies on {self.host}: send the task to a "
                f"queue that {self.host} alone serves."
            )


def _why(output: str) -> str:
    """Return the sentences of the errors in an answer; numbers in that of a check are measures."""
    try:
        answer = json.loads(output)
    except ValueError:
        return ""
    said = ""
    for one in (answer, *answer.get("failed", ())):
        if error := one.get("error"):
            checked = one["exit_status"] == CHECK_FAILED
            said += f": {without_numbers(error) if checked else error}"
    if found := answer.get("findings"):
        said += f": it found {len(found)}, which `unweave audit` tells there"
    return said


class WorkspaceInUse(Exception):
    """Another command has the workspace."""


class TrainOperator(UnweaveOperator):
    """Runs `unweave train`; `arguments` are those that the command takes.

    The password of the Connection `key_conn_id` is the key of a workspace that is to be made: the
    command reads it as a file that is on no disk.
    """

    def __init__(
        self, *, arguments: Sequence[str], key_conn_id: str | None = None, **given: Any
    ) -> None:
        super().__init__(**given)
        self.arguments, self.key_conn_id = tuple(arguments), key_conn_id

    def answer(self, context: Context) -> Any:
        """Train, and tell which model was made."""
        return {"model": self.train()["model_id"]}

    def train(self, *more: str) -> Answer:
        """Run `unweave train`, by `more` arguments than were given, and return its answer."""
        with _key_file(self.key_conn_id) as keys:
            files = [part for key in keys for part in ("--key-file", f"/proc/self/fd/{key}")]
            return self.run_command("train", *self.arguments, *more, *files, inherited=keys)


class RunRequestsOperator(UnweaveOperator):
    """Runs `unweave run-requests`, and fails if a request that the trigger names still waits then.

    `due` is a day; without it all runs that waits.
    """

    def __init__(self, *, due: str | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.due = due

    def answer(self, context: Context) -> Any:
        """Run what is due, and tell which request became of which model what."""
        ran = self.run_due()
        self.must_have_ended(requests_named(context))
        return {
            "runs": [{name: run[name] for name in OF_A_RUN} for run in ran["runs"]],
            "settled": [one["request"] for one in ran["settled"]],
            "left": ran["left"],
        }

    def run_due(self, *more: str) -> Answer:
        """Run `unweave run-requests`, by `more` arguments, and return its answer."""
        due = [] if self.due is None else ["--due", self.due]
        return self.run_command("run-requests", *due, *more)


class AuditOperator(UnweaveOperator):
    """Runs `unweave audit`, taking `replay` segments of training runs again; fails if it finds."""

    def __init__(self, *, replay: int = 0, **given: Any) -> None:
        super().__init__(**given)
        self.replay = replay

    def answer(self, context: Context) -> Any:
        """Audit, and tell how many models there are."""
        told = self.run_command("audit", *(["--replay", str(self.replay)] if self.replay else []))
        return {"models": told["models"]}


def requests_named(context: Context) -> set[str]:
    """Return the ids of requests that a run's configuration and dataset events name.

    Raises AirflowFailException for anything else, and does not repeat it.
    """
    given = [context["dag_run"].conf or {}]
    for events in (context.get("triggering_dataset_events") or {}).values():
        given += [event.extra or {} for event in events]
    found: set[str] = set()
    for one in given:
        names = one.get(NAMED, [])
        known = isinstance(names, list) and all(
            isinstance(name, str) and REQUEST.fullmatch(name) for name in names
        )
        if not known or one.keys() - {NAMED, *OF_AIRFLOW}:
            raise AirflowFailException(
                "What this run was triggered with holds something else than ids of requests "
                '({"requests": ["q7"]}), and Airflow keeps it for ever: delete this run, or the '
                "event of its dataset, and file the request by `unweave request add`."
            )
        found |= set(names)
    return found


@contextmanager
def _key_file(conn_id: str | None) -> Iterator[Sequence[int]]:
    """Hold the key of a connection in a file in memory, if there is one; yield its descriptor."""
    if conn_id is None:
        yield ()
        return
    key = BaseHook.get_connection(conn_id).password
    if not key:
        raise AirflowFailException(f"The connection {conn_id} has no password, which is the key.")
    with os.fdopen(os.memfd_create("key"), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(key.encode())
        file.flush()
        yield (file.fileno(),)
