"""One `unweave` command, run as the command line runs it, with the times of its parts.

`python -m benchmarks.one_command FILE ARGUMENT...` writes the times to the file, as JSON. A part
named `Component` is all of a TFX component, `Component/executor` what its executor took of it:
the rest is TFX's bookkeeping (drivers, MLMD). Other names with a stroke are within an executor.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks.stopwatch import Stopwatch


def import_all(clock: Stopwatch) -> None:
    """Import what the command would import on its way, and time it."""
    for name, modules in {
        "import unweave": ("unweave.cli", "pipelines.runs.train", "pipelines.runs.forget",
                           "pipelines.backends.tfx_local"),
        "import TensorFlow": ("tensorflow", "keras"),
        "import TFX": ("pipelines.definitions.deletion",
                       "tfx.orchestration.local.local_dag_runner"),
    }.items():  # fmt: skip
        began, cpu = time.perf_counter(), time.process_time()
        for module in modules:
            __import__(module)
        clock.add(name, time.perf_counter() - began, time.process_time() - cpu)


def component(launcher: Any, *_: Any) -> str:
    """Return the name of the component that a launcher runs, without the model it is for."""
    name: str = launcher._pipeline_node.node_info.id
    return name.split("_")[0]


def watch_all(clock: Stopwatch) -> None:
    """Watch the parts of a training and of a deletion."""
    from tfx.orchestration.portable.launcher import Launcher

    from pipelines.backends import tfx_local
    from pipelines.runs import forget, train
    from unlearning.certificates import finish
    from unlearning.erasure import erase
    from unlearning.families import keras_family, keras_parts
    from unlearning.fitting import fit
    from unlearning.strategies import retrain_shards

    clock.watch(train, "_gate", "gate")
    clock.watch(forget, "_regate", "gate")
    clock.watch(forget, "_open", "find and plan")
    clock.watch(tfx_local, "run_locally", "pipeline")
    clock.watch(tfx_local.TfxBackend, "record_training", "record in MLMD")
    clock.watch(tfx_local.TfxBackend, "record_deletion", "record in MLMD")
    clock.watch(Launcher, "launch", component)
    clock.watch(Launcher, "_run_executor", lambda *arguments: component(*arguments) + "/executor")
    clock.watch(keras_family, "make_learner", "fit/build the model")
    clock.watch(keras_parts, "probe", "fit/check that it repeats itself")
    clock.watch(keras_parts, "train_shard", "fit/steps")
    clock.watch(retrain_shards, "train_shard", "fit/steps, with tracing")
    clock.watch(fit, "evaluate", "fit/evaluate")
    clock.watch(keras_parts, "export", "fit/export")
    clock.watch(finish, "check", "checker/checks")
    clock.watch(erase, "scan_apart", "eraser/scan")


def main() -> None:
    """Run the command and write what its parts took."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    file, *arguments = sys.argv[1:]
    began, cpu = time.perf_counter(), time.process_time()
    clock = Stopwatch()
    import_all(clock)
    watch_all(clock)
    from unweave.cli import commands

    commands.main(args=arguments, standalone_mode=False)
    found = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "parts": clock.seconds,
        "cpu": clock.cpu,
    }
    Path(file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
