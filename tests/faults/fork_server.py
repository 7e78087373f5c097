"""Runs deletions in forks of one process that has imported everything, to kill many of them.

Each line on standard input is a JSON object: `root`, `subject`, and how it ends early: `after`
so many seconds, or at a call of a function (`at`). SIGKILL either way. The answer is a
line: the exit status, negative for a signal, and the seconds that it took. Importing TensorFlow
takes longer than the deletion, so it is done once; it starts no thread before its first operation.
"""

import json
import os
import pkgutil
import signal
import sys
import threading
import time

import pipelines.backends.direct
import unlearning.fitting.fit
import unlearning.serving.export
from lineage_store.errors import UnweaveError
from unweave import Project


def kill_at(target, entry, of=""):
    """Let this process kill itself when a function is called for the `entry`-th time.

    Only calls count whose first argument has `of` in its text.
    """
    name, _, attribute = target.rpartition(".")
    module = pkgutil.resolve_name(name)
    whole, calls = getattr(module, attribute), 0

    def killed(*arguments, **options):
        nonlocal calls
        calls += of in str(arguments[:1])
        if calls >= entry:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*arguments, **options)

    setattr(module, attribute, killed)


def run(order):
    """Carry out one order in this process, which ends with it."""
    if "at" in order:
        kill_at(*order["at"])
    project = Project(order["root"], backend=pipelines.backends.direct.DirectBackend())
    try:
        project.forget([order["subject"]], guarantee="exact")
    except UnweaveError as error:
        if error.exit_status == 1:
            print(error, file=sys.stderr)
        os._exit(error.exit_status)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main():
    """Serve orders until there are no more."""
    import tensorflow  # noqa: F401

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
        told = {"status": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - start}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
