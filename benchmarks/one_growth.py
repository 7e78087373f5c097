"""One training or one deletion, with the processor seconds of its phases, of any commit's code.

`python -c TEXT JSON`, where TEXT is this file's, run in the folder of the code that is measured: it
imports nothing of this repository, and finds what it watches under the names of either commit. What
is asked: `workspace`, `backend` (`tfx` or `direct`), and the options of `train` or of `forget`.

    start    from the process's first moment: whatever is imported, whenever that is
    steps    the shards' tasks: steps, checkpoints, records
    replay   units of the old ledger taken again before anything is taken over, and of the new one
    scan     the scans for residues, in processes of their own, and what rows that stay are searched
             for: values and numbers of those that go
    else     the rest of all that this process and its children took

Each moment counts once: an import within a step is an import. A phase is entered where one of its
functions is called; it is wrapped as soon as its module has been imported, and before anybody can
have taken it from there by name.
"""

import importlib
import json
import os
import resource
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PHASES = {
    "unlearning.fitting.engines": {"ThisProcess.run": "steps"},
    "unlearning.verification.settled": {"settle": "replay"},
    "unlearning.verification.taken_again": {"take_again": "replay"},
    "unlearning.verification.learnt_again": {"all_learnt_again": "replay"},
    "unlearning.erasure.scan": {
        "scan_apart": "scan",
        "distinctive": "scan",
        "occurring": "scan",
        "occurring_in": "scan",
    },
    # As they were called on 961ed0a, which took nothing again.
    "unlearning.shard_engine": {"ThisProcess.run": "steps"},
    "unlearning.residuals": {"scan_apart": "scan", "distinctive": "scan", "occurring": "scan"},
}
TOLD = ("rows", "steps", "rows_found", "steps_recomputed", "steps_full", "affected_shards")


def processor_seconds() -> float:
    """Return what this process has taken, all its threads and ended children included."""
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


class Phases:
    """Counts each moment of processor time to the phase that was entered last and not left yet."""

    def __init__(self) -> None:
        self.seconds = {"start": processor_seconds(), "else": 0.0}
        self._inside = ["else"]
        self._since = self.seconds["start"]
        self._thread = threading.get_ident()

    def _count(self) -> None:
        now, phase = processor_seconds(), self._inside[-1]
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._since
        self._since = now

    @contextmanager
    def inside(self, phase: str) -> Iterator[None]:
        """Be in a phase; what other threads do meanwhile belongs to it, too."""
        if threading.get_ident() != self._thread:
            yield
            return
        self._count()
        self._inside.append(phase)
        try:
            yield
        finally:
            self._count()
            self._inside.pop()

    def end(self) -> dict[str, float]:
        """Return the seconds of all phases."""
        self._count()
        return self.seconds


def watch_imports(phases: Phases) -> None:
    """Count imports to `start`, and wrap the functions of phases as their modules come."""
    machinery: Any = importlib._bootstrap  # type: ignore[attr-defined]
    original = machinery._find_and_load  # called for what is not imported yet, and for nothing else

    def find_and_load(name: str, import_: Any) -> Any:
        with phases.inside("start"):
            module = original(name, import_)
        for function, phase in PHASES.get(name, {}).items():
            _wrap(module, function, phase, phases)
        return module

    machinery._find_and_load = find_and_load


def _wrap(module: Any, function: str, phase: str, phases: Phases) -> None:
    *owners, name = function.split(".")
    for owner in owners:
        module = getattr(module, owner)
    original: Callable[..., Any] = getattr(module, name)
    if hasattr(original, "phase"):
        return

    def counted(*arguments: Any, **options: Any) -> Any:
        with phases.inside(phase):
            return original(*arguments, **options)

    counted.phase = phase  # type: ignore[attr-defined]
    setattr(module, name, counted)


def peak_mib() -> float:
    """Return the most memory that this process has held."""
    with open("/proc/self/status", encoding="utf-8") as status:
        return int(status.read().partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Do what is asked, and print the numbers as JSON."""
    phases, began = Phases(), time.perf_counter()
    watch_imports(phases)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    asked = json.loads(sys.argv[1])
    project = _project(asked["workspace"], asked["backend"])
    if "train" in asked:
        answer, needed = project.train(**asked["train"]), {"steps"}
    else:
        answer, needed = project.forget(asked["forget"]), {"scan"}
    seconds = phases.end()
    if missing := needed - seconds.keys():
        raise RuntimeError(f"{sorted(missing)} were never entered: are functions called otherwise?")
    fields = {name: answer[name] for name in TOLD if name in answer}
    passed = time.perf_counter() - began
    print(json.dumps({"phases": seconds, "peak_mib": peak_mib(), "passed": passed, **fields}))


def _project(workspace: str, backend: str) -> Any:
    from unweave import Project

    if backend == "tfx":
        return Project(workspace)
    try:
        from pipelines.backends import DirectBackend
    except ImportError:  # 961ed0a
        from pipelines.direct import DirectBackend
    return Project(workspace, backend=DirectBackend())


if __name__ == "__main__":
    main()
