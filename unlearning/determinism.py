"""The same bits, every time: TensorFlow's settings, and the fingerprint that says where they hold.

Bits depend on the versions of Python, NumPy, TensorFlow and Keras, on the processor's instruction
set, on oneDNN and on the number of threads. These are the environment fingerprint. One thread a
process is used, whatever the machine: with more, some kernels cut their sums differently.
"""

import functools
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineage_store.canonical import digest, digest_json
from lineage_store.errors import NotReproducible

THREADS = 1
PACKAGES = ("numpy", "tensorflow", "keras", "ml-dtypes", "safetensors")

SOURCES = {
    "lineage_store": (
        "placement.py",
        "risk.py",
        "row_store.py",
        "row_writer.py",
        "rows.py",
        "slice_file.py",
        "sorted_rows.py",
        "inference.py",
        "gate.py",
        "csv_source.py",
        "csv_file.py",
    ),
    "unlearning": (
        "batches.py",
        "class_weights.py",
        "contract.py",
        "determinism.py",
        "early_stop.py",
        "encoding.py",
        "keras_learner.py",
        "row_source.py",
        "seeds.py",
        "tabular.py",
        "training.py",
    ),
}


def environment() -> dict[str, Any]:
    """Return what the bits of a run depend on besides its configuration; imports no TensorFlow."""
    from importlib.metadata import version

    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processor": processor_features(),
        "packages": {name: version(name) for name in PACKAGES},
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "threads": THREADS,
        "deterministic": True,
    }


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names in which two environments differ, each package by its own."""
    one, other = (
        {**values, "packages": None, **values.get("packages", {})} for values in (before, now)
    )
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


@functools.cache
def processor_features() -> str:
    """Return a digest of the processor's instruction set, which chooses TensorFlow's kernels."""
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return platform.processor()
    for line in information.read_text(encoding="utf-8").splitlines():
        if line.startswith(("flags", "Features")):
            return digest(" ".join(sorted(line.partition(":")[2].split())).encode())[:16]
    return "unknown"


@functools.cache
def code_digest() -> str:
    """Return the digest of the source files on which a run's bits depend."""
    top = Path(__file__).parents[1]
    files = {
        f"{folder}/{name}": digest((top / folder / name).read_bytes())
        for folder, names in SOURCES.items()
        for name in names
    }
    return digest_json(files)


@contextmanager
def _silent_standard_error() -> Iterator[None]:
    """Keep what TensorFlow's libraries say while they load off the terminal.

    From 2.21 on they speak before any setting is read. A failure to load is raised all the same.
    """
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def pin_tensorflow() -> None:
    """Set this process's TensorFlow to one thread and deterministic kernels.

    Safe to call again. Raises NotReproducible if TensorFlow already runs with other threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silent_standard_error():
        import tensorflow as tf

    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() != THREADS:
        try:
            threading.set_intra_op_parallelism_threads(THREADS)
            threading.set_inter_op_parallelism_threads(THREADS)
        except RuntimeError as error:
            raise NotReproducible(
                "TensorFlow was started in this process with other threads than unweave trains "
                "with: call unlearning.determinism.pin_tensorflow() before using TensorFlow."
            ) from error
    tf.config.experimental.enable_op_determinism()
