"""The process that runs the shards' pipeline: `python -m unlearning.fitting.beam FOLDER`.

FOLDER holds `tasks.json`. Exit status: 0 all tasks were carried out; 1 an error, told in
`failed.json` if unweave raised it; 3 a worker died.
"""

import ctypes
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from lineage_store.canonical import read_json
from lineage_store.errors import BadInput, UnweaveError
from unlearning.fitting.worker import leave_failure, train_one

WORKER_DIED = 3
PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
DASK = "DaskRunner"


def run_pipeline(folder: Path) -> None:
    """Run the pipeline of a folder's tasks."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    document = read_json(folder / "tasks.json")
    name, arguments = _runner(document["arguments"])
    pipeline = beam.Pipeline(runner=_made(name), options=PipelineOptions(arguments))
    elements = pipeline | "tasks" >> beam.Create(
        [(text, str(folder)) for text in document["tasks"]]
    )
    if not name.endswith(DASK):  # Dask spreads what it creates, and others keep it in one place
        elements = elements | "to all workers" >> beam.Reshuffle()
    elements | "train" >> beam.Map(train_one)
    pipeline.run().wait_until_finish()


def _runner(arguments: list[str]) -> tuple[str, list[str]]:
    """Take the runner's name out of Beam's arguments; its Dask runner chokes on it."""
    names = [one.partition("=")[2] for one in arguments if one.startswith("--runner=")]
    if len(names) != 1:
        raise BadInput("`beam_args` needs one --runner=NAME, such as --runner=DaskRunner.")
    others = [one for one in arguments if not one.startswith("--runner=")]
    if names[0] == DASK and not any(
        one.startswith("--dask_") and "partition" in one for one in others
    ):
        others.append("--dask_partition_size=1")  # newer ones keep up to 128 elements together
    return names[0], others


def _made(name: str) -> Any:
    from apache_beam.runners import create_runner

    try:
        if name == DASK:  # which has no short name in Beam
            from apache_beam.runners.dask.dask_runner import DaskRunner

            return DaskRunner()
        return create_runner(name)
    except ImportError as error:
        raise BadInput(
            f"The runner {name} needs the Python package {error.name}, which is not installed."
        ) from error
    except ValueError as error:
        raise BadInput(f"Apache Beam has no runner {name!r}.") from error


def _end_when_a_worker_dies() -> None:
    """End this process when a thread of Beam's fails: it would wait for that worker for ever."""

    def ended(arguments: threading.ExceptHookArgs) -> None:
        os._exit(WORKER_DIED)

    threading.excepthook = ended


def _die_with_parent() -> None:
    """Have this process killed when the one that started it ends, where Linux is the system."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main() -> None:
    """Run the pipeline, and say how it ended by the exit status."""
    folder = Path(sys.argv[1])
    _die_with_parent()
    _end_when_a_worker_dies()
    try:
        run_pipeline(folder)
    except UnweaveError as error:
        leave_failure(folder, error)
        sys.exit(1)
    finally:
        threading.excepthook = threading.__excepthook__


if __name__ == "__main__":
    main()
