"""Who carries out the shards' tasks: this process, or the workers of an Apache Beam pipeline.

With Beam each shard is an element, and the runner is an option: Beam's own workers on this machine,
Dask, Flink, Spark, Dataflow. What the workers leave is the same bits as what this process would:
`shard_task` sees to that. They must see the workspace under the same path.

The pipeline runs in a process of its own (`beam`). Beam's direct runner waits for ever for a
worker that died, so that process ends itself when it hears of one; the shards that are not there
yet are then tried again. An error that unweave raised on purpose is not tried again.

The engine is a value that is passed down, from the session to the job and on to `fit`. An
executor of TFX cannot be passed one: `unlearning.fitting.executor_engine` says how it comes by it.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lineage_store import errors
from lineage_store.canonical import read_json, write_atomic
from lineage_store.errors import BadInput, ShardsLost
from unlearning.families.family import Learner, Progress
from unlearning.fitting.shard_task import ShardTask, carry_out
from unlearning.fitting.worker import FAILED, LAST_ERROR

TRIES = 3
LOOK_AGAIN = 0.2


class ShardEngine(Protocol):
    """What carries out tasks."""

    def run(self, tasks: Sequence[ShardTask], *, learner: Learner, progress: Progress) -> None:
        """Carry out all tasks; each shard's folder is there, whole, when this returns.

        `learner` is of the tasks' module; an engine with processes of its own has no use for it.
        """


@dataclass(frozen=True)
class ThisProcess:
    """One shard after the other, here."""

    def run(self, tasks: Sequence[ShardTask], *, learner: Learner, progress: Progress) -> None:
        """Carry out all tasks in order."""
        for task in tasks:
            carry_out(task, learner=learner, progress=progress)


HERE = ThisProcess()


@dataclass(frozen=True)
class OnBeam:
    """The workers of a Beam pipeline; `arguments` are Beam's own, as on its command line.

    `here` says that the workers would be processes of this machine: a single task is then carried
    out in this one, which need not start any.
    """

    arguments: tuple[str, ...]
    here: bool = False

    def run(self, tasks: Sequence[ShardTask], *, learner: Learner, progress: Progress) -> None:
        """Carry out all tasks as elements of a pipeline, and what was lost again.

        Raises what a worker raised on purpose, or ShardsLost after several vain attempts.
        """
        if self.here and len(tasks) == 1:
            ThisProcess().run(tasks, learner=learner, progress=progress)
            return
        waiting = list(tasks)
        for _ in range(TRIES):
            if not waiting:
                return
            ended = self._attempt(waiting, progress)
            waiting = [task for task in waiting if not task.target.exists()]
        if waiting:
            raise ShardsLost(
                f"{len(waiting)} of {len(tasks)} shards could not be trained in {TRIES} attempts: "
                f"{ended}. Nothing was registered; run it again, with fewer workers or without."
            )

    def _attempt(self, tasks: Sequence[ShardTask], progress: Progress) -> str:
        folder = Path(tempfile.mkdtemp(prefix="beam-", dir=tasks[0].folder))
        document = {"tasks": [task.to_json() for task in tasks], "arguments": list(self.arguments)}
        write_atomic(folder / "tasks.json", json.dumps(document).encode("utf-8"))
        log = folder / "log"
        seen: set[int] = set()
        try:
            with log.open("wb") as stream:
                process = subprocess.Popen(
                    [sys.executable, "-m", "unlearning.fitting.beam", str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    env=_environment(folder),
                    start_new_session=True,  # so that its workers can be ended with it
                )
                try:
                    while process.poll() is None:
                        _tell(tasks, seen, progress)
                        time.sleep(LOOK_AGAIN)
                finally:
                    _end(process)
            _tell(tasks, seen, progress)
            _raise_failure(folder / FAILED)
            if (folder / LAST_ERROR).exists():
                return f"a worker failed with {(folder / LAST_ERROR).read_text(encoding='utf-8')}"
            return f"the pipeline ended with status {process.returncode}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def workers(count: int) -> ShardEngine:
    """Return the engine with `count` processes on this machine; one is this process alone."""
    if count < 1:
        raise BadInput(f"`workers` is {count}: it is at least 1.")
    if count == 1:
        return ThisProcess()
    return OnBeam(
        (
            "--runner=DirectRunner",
            "--direct_running_mode=multi_processing",
            f"--direct_num_workers={count}",
        ),
        here=True,
    )


def engine_of(*, workers_wanted: int | None, beam_args: str | None) -> ShardEngine:
    """Return the engine that the two options ask for; raises BadInput if they contradict."""
    if beam_args:
        if workers_wanted is not None:
            raise BadInput("Give `workers` or `beam_args`, not both: the runner has its own.")
        return OnBeam(tuple(shlex.split(beam_args)))
    return workers(1 if workers_wanted is None else workers_wanted)


def engine_from(environment: Mapping[str, str]) -> ShardEngine:
    """Return the engine that environment variables ask for, or this process."""
    wanted = environment.get("UNWEAVE_WORKERS", "")
    if wanted and not wanted.isdecimal():
        raise BadInput("UNWEAVE_WORKERS is not a whole number.")
    return engine_of(
        workers_wanted=int(wanted) if wanted else None,
        beam_args=environment.get("UNWEAVE_BEAM_ARGS"),
    )


def _environment(folder: Path) -> dict[str, str]:
    """Return the variables of the pipeline's process: it finds unweave, and writes in `folder`."""
    top = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [top, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "TMPDIR": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}


def _tell(tasks: Sequence[ShardTask], seen: set[int], progress: Progress) -> None:
    for task in tasks:
        if task.shard not in seen and task.target.exists():
            seen.add(task.shard)
            progress(task.decision.steps_planned)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the pipeline's process and its workers, if any are left."""
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _raise_failure(file: Path) -> None:
    if file.exists():
        failure = read_json(file)
        raise getattr(errors, failure["kind"])(failure["message"])
