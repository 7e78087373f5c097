"""The environment of a run: what its bits depend on besides the code and the configuration.

Versions of Python and of the libraries that compute, the processor's instruction set, the number of
threads; Keras's settings; the variables that tell TensorFlow, XLA, oneDNN and NumPy how to compute;
and what the model's module imports; `devices` adds a graphics card, if one computes. Read without
TensorFlow, so that a plan can compare it.

What is as it is by default has no key. So a ledger of an earlier unweave, which did not look at it,
is taken to be made with the defaults, and differs from a process in which something is set.
"""

import functools
import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage_store.canonical import digest
from unlearning.fingerprint.determinism import LEGACY_KERAS, THREADS
from unlearning.fingerprint.keras_settings import (
    DEFAULTS,
    keras_settings,
    must_be_taken_by_keras,
)
from unlearning.fingerprint.module_imports import module_imports

PACKAGES = ("numpy", "tensorflow", "keras", "ml-dtypes", "safetensors")
VARIABLES = re.compile(r"(TF|XLA|ONEDNN|DNNL|KERAS|OMP|MKL|OPENBLAS|NPY|NVIDIA_TF32)_\w+", re.ASCII)
# These decide no bit, or stand in the environment by another name.
ELSEWHERE = re.compile(
    r"TF_ENABLE_ONEDNN_OPTS|KERAS_HOME|KERAS_BACKEND|TF_CPP_\w+|TF_FORCE_GPU_ALLOW_GROWTH"
    r"|(ONEDNN|DNNL|MKL)_VERBOSE|KERAS_MAX_\w+"
    # Terraform's, which begin with the same letters.
    r"|TF_(CLI|VAR|LOG|PLUGIN|REGISTRY|TOKEN|STATE)_\w+|TF_(LOG|INPUT|WORKSPACE|IN_AUTOMATION)"
    r"|TF_(DATA_DIR|REATTACH_PROVIDERS|IGNORE)"
)
PLAIN = re.compile(r"[\w.,+-]{1,40}", re.ASCII)


def environment(module: str | None = None) -> dict[str, Any]:
    """Return what the bits of a run depend on besides its configuration; imports no TensorFlow.

    `module` is the source of the model's module, for what that imports.
    """
    imported = {} if module is None else module_imports(module)
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processor": processor_features(),
        "packages": {name: _version(name) for name in PACKAGES},
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "threads": THREADS,
        "deterministic": True,
        **_keras(),
        **_variables(),
        **({"imports": imported} if imported else {}),
    }


def environment_of(packages: Sequence[str]) -> dict[str, Any]:
    """Return the environment of what depends on Python and some packages alone."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
    }


def environment_of_module(packages: Sequence[str], text: str | None) -> dict[str, Any]:
    """Return the environment of what a module computes by libraries of its own, with one thread.

    `text` is its source. Which of their routines libraries take depends on the processor.
    """
    imported = {} if text is None else _imports(text)
    return {
        **environment_of(packages),
        "machine": platform.machine(),
        "processor": processor_features(),
        "threads": THREADS,
        **_variables(),
        **({"imports": dict(imported)} if imported else {}),
    }


@functools.cache
def _imports(text: str) -> Mapping[str, str]:
    """Return what a module imports, read once: a process keeps the libraries that it imported."""
    return module_imports(text)


@functools.cache
def _version(package: str) -> str:
    """Return what is installed of a package: one process imports one version of it."""
    from importlib.metadata import version

    return version(package)


def _keras() -> dict[str, Any]:
    must_be_taken_by_keras()
    settings = keras_settings()
    return {
        f"keras.{name}": as_recorded(settings[name])
        for name, default in DEFAULTS.items()
        if settings[name] != default
    }


def _variables() -> dict[str, str]:
    """Return the variables that are set; one thread is what is set anyway."""
    return {
        name: as_recorded(value)
        for name, value in os.environ.items()
        if value
        and VARIABLES.fullmatch(name)
        and not ELSEWHERE.fullmatch(name)
        and name != LEGACY_KERAS
        and not (name.endswith("_NUM_THREADS") and value == str(THREADS))
    }


def as_recorded(value: object) -> str:
    """Return a value as it may be recorded: a path in it may be telling, so only words stand."""
    text = str(value)
    return text if PLAIN.fullmatch(text) else f"sha256:{digest(text.encode())[:16]}"


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names in which two environments differ: each package and import by its own."""
    one, other = map(_flat, (before, now))
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: value for name, value in values.items() if name not in ("packages", "imports")},
        **values.get("packages", {}),
        **{f"import {name}": value for name, value in values.get("imports", {}).items()},
    }


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
