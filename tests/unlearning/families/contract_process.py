"""Fresh processes: what they learn and forget knows nothing of what was learnt before.

One process imports what the families import, and computes nothing. Every order is carried out by a
fork of it, which starts from a state in which no model was ever built: imports are all that orders
share. The runs of one order come one after the other, each with a workspace of its own: so the
twins of a family are one order, since a graph is traced at less cost the second time. An order is a
line of JSON:

    do        "train" or "forget"; `imports` are what to import before, once for all forks
    runs      where (`root`), with which arguments (`given`), and the file for the `answer`
    numbers   what to set first: numbers by their module and name
    kill      the unit at whose writing the process ends itself with SIGKILL; from 1
    workers   how many processes of Beam learn parts
    apart     that each part is learnt by a process of its own, two at a time
    warm      what stands for Python where a search, or a part, gets a process (`warm_python`)

A run's answer is what the command says, or the error's kind and sentence; that of an order is its
exit status, negative for a signal.
"""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.errors import UnweaveError
from tests.faults.fork_server import kill_at, search_by
from tests.fixtures.computed_once import compute_code, import_later
from unlearning.families.known_families import FAMILIES
from unlearning.fitting.shard_task import ShardTask
from unlearning.fitting.worker import carry_out_apart

TOP = Path(__file__).parents[3]
HERE = "tests.unlearning.families.contract_process"
PARTS = "tests.unlearning.families.contract_parts"
EVERY_UNIT = "lineage_store.ledger.shards.save_state"  # what writes the state of any unit
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TOP), "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Told:
    """What an order came to: its exit status, and the answer of each run that ended."""

    status: int
    answers: tuple[Mapping[str, Any], ...]


class Fresh:
    """The process that has the forks, seen from the tests; it is started when first asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = 0
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, do: str, *runs: tuple[Path, Mapping[str, Any]], **how: Any) -> Told:
        """Carry out an order in a fork: a workspace and the arguments for each of its runs."""
        from fixtures.warm_python import warm_executable  # not to be found where orders are served
        from fixtures.warm_scan import READY_TO_SCAN

        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", HERE],
                cwd=TOP,
                env=ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        files = [self._folder / f"answer-{self._files + at}.json" for at in range(len(runs))]
        self._files += len(runs)
        listed = [
            {"root": root, "given": given, "answer": file}
            for (root, given), file in zip(runs, files, strict=True)
        ]
        warm = {"scan": warm_executable(READY_TO_SCAN), "part": warm_executable(PARTS)}
        order = {"do": do, "runs": listed, "warm": warm, **how}
        print(json.dumps(order, default=str), file=self._process.stdin, flush=True)
        status = int(self._process.stdout.readline())
        return Told(status, tuple(json.loads(f.read_text()) for f in files if f.exists()))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Apart:
    """An engine that gives each task to a process of its own, the last first, two at a time."""

    def __init__(self, python: str) -> None:
        self._python = python

    def run(self, tasks: Sequence[ShardTask], **_: Any) -> None:
        """Carry out all tasks."""
        waiting, running = list(tasks), []
        while waiting or running:
            while waiting and len(running) < 2:
                command = [self._python, "-W", "ignore", "-m", HERE, waiting.pop().to_json()]
                running.append(subprocess.Popen(command, cwd=TOP, env=ENVIRONMENT))
            assert running.pop(0).wait() == 0


def _carry_out(order: Mapping[str, Any]) -> None:
    from pipelines.backends import direct
    from unweave import Project

    search_by(order["warm"]["scan"])
    for name, number in order.get("numbers", {}).items():
        module, _, attribute = name.rpartition(".")
        holder = pkgutil.resolve_name(module)
        assert isinstance(getattr(holder, attribute), int), name
        setattr(holder, attribute, number)
    if order.get("kill"):
        kill_at(EVERY_UNIT, order["kill"])
    if order.get("apart"):
        direct.HERE = Apart(order["warm"]["part"])
    for run in order["runs"]:
        backend = direct.DirectBackend()
        project = Project(run["root"], backend=backend, workers=order.get("workers"))
        try:
            answer = getattr(project, order["do"])(**run["given"])
        except UnweaveError as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        Path(run["answer"]).write_text(json.dumps(answer, default=str))


def main() -> None:
    """Serve orders until there are no more."""
    import_later()
    compute_code(FAMILIES)
    for line in sys.stdin:
        order = json.loads(line)
        for name in order.get("imports", ()):
            importlib.import_module(name)
        assert threading.active_count() == 1
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _carry_out(order)
                status = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        carry_out_apart(ShardTask.from_json(sys.argv[1]))
    else:
        main()
