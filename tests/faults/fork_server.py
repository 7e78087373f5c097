"""Runs deletions in forks of one process that has imported everything, to kill many of them.

Each line on standard input is a JSON object: `command`, `root`, `subject`, and how it ends early:
`after` so many seconds, or at a call of a function (`at`). SIGKILL either way. Or it says where to
keep what a disk would hold at every step (`disk`). The answer is a line: the exit status, negative
for a signal, and the seconds that it took. Importing TensorFlow takes longer than the deletion, so
it is done once, if it is needed; it starts no thread before its first operation.
"""

import json
import os
import pkgutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pipelines.backends.direct
import unlearning.erasure.scan
import unlearning.fitting.fit
import unlearning.serving.export
from lineage_store.errors import UnweaveError
from tests.faults.lost_power import Disk
from tests.fixtures.computed_once import compute_code, import_later
from unweave import Project

TOP = Path(__file__).parents[2]
WITHOUT_TENSORFLOW = "--without-tensorflow"


class Server:
    """The process that forks, and the orders to it: most are to forget one person."""

    def __init__(self, subject, *options):
        from fixtures.warm_python import warm_executable  # not to be found where orders are served
        from fixtures.warm_scan import READY_TO_SCAN

        self.subject, self.scan = subject, warm_executable(READY_TO_SCAN)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.fork_server", *options],
            cwd=TOP,
            env={**os.environ, "PYTHONPATH": str(TOP), "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def forget(self, root, **how):
        """Forget in a fork and return its exit status and seconds."""
        return self.run("forget", root, **how)

    def run(self, command, root, **how):
        """Run a command in a fork and return its exit status and seconds."""
        asked = {"command": command, "root": str(root), "subject": self.subject}
        order = {**asked, "scan": self.scan, **how}
        print(json.dumps(order), file=self.process.stdin, flush=True)
        ended = json.loads(self.process.stdout.readline())
        return ended["status"], ended["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def readmit(project, order):
    """Forget somebody, who then agrees anew."""
    project.forget([order["subject"]])
    project.readmit([order["subject"]])


def run_requests(project, order):
    """Let a request wait, and run what is due."""
    project.requests.add([order["subject"]])
    project.requests.run()


COMMANDS = {
    "forget": lambda project, order: project.forget([order["subject"]], guarantee="exact"),
    "train": lambda project, order: project.train(order["csv"], **order["options"]),
    "readmit": readmit,
    "run-requests": run_requests,
}


def search_by(python):
    """Let the searches for residues of this process be started by what stands for Python."""
    vars(unlearning.erasure.scan)["sys"] = SimpleNamespace(executable=python)


def kill_at(target, entry, of="", also=()):
    """Let this process kill itself when a function is called for the `entry`-th time.

    Only calls count whose first argument has `of` in its text. The processes `also` are killed
    before.
    """
    name, _, attribute = target.rpartition(".")
    module = pkgutil.resolve_name(name)
    whole, calls = getattr(module, attribute), 0

    def killed(*arguments, **options):
        nonlocal calls
        calls += of in str(arguments[:1])
        if calls >= entry:
            for process in (*also, os.getpid()):
                os.kill(process, signal.SIGKILL)
        return whole(*arguments, **options)

    setattr(module, attribute, killed)


def run(order):
    """Carry out one order in this process, which ends with it."""
    search_by(order["scan"])
    if "at" in order:
        kill_at(*order["at"])
    disk = None
    if "disk" in order:
        disk = Disk(Path(order["root"]), Path(order["disk"]))
    project = Project(order["root"], backend=pipelines.backends.direct.DirectBackend())
    try:
        COMMANDS[order["command"]](project, order)
    except UnweaveError as error:
        if error.exit_status == 1:
            print(error, file=sys.stderr)
        os._exit(error.exit_status)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    if disk is not None:
        disk.step("the end")
    os._exit(0)


def main():
    """Serve orders until there are no more."""
    if WITHOUT_TENSORFLOW not in sys.argv:
        import tensorflow  # noqa: F401

    import_later()
    compute_code(["naive-bayes"])
    assert threading.active_count() == 1
    assert unlearning.fitting.fit and unlearning.serving.export
    for line in sys.stdin:
        order = json.loads(line)
        start = time.monotonic()
        child = os.fork()
        if child == 0:
            run(order)
        if "after" in order:
            time.sleep(order["after"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        ended = {"status": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - start}
        print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    main()
