"""What Keras will be set to, read as Keras reads it and without importing it.

The file is `keras.json` in `KERAS_HOME`, or else in `.keras` of the home folder (of `/tmp`, if the
home folder cannot be written). `KERAS_BACKEND` goes before the file's backend.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput

DEFAULTS: Mapping[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
}
TAKEN: Mapping[str, tuple[str, ...]] = {
    "floatx": ("float16", "float32", "float64"),
    "backend": ("tensorflow", "jax", "torch", "numpy", "openvino"),
    "image_data_format": ("channels_last", "channels_first"),
}


def keras_settings() -> dict[str, Any]:
    """Return Keras's settings by name."""
    try:
        given = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        given = {}
    settings = {name: given.get(name, default) for name, default in DEFAULTS.items()}
    if backend := os.environ.get("KERAS_BACKEND"):
        settings["backend"] = backend
    return settings


def must_be_taken_by_keras() -> None:
    """Raise BadInput, naming the file, for settings with which Keras cannot be imported.

    What is no JSON at all Keras takes for an empty file.
    """
    file = _file()
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    except RecursionError:
        given = None
    if not isinstance(given, dict):
        raise BadInput(
            f"Keras cannot be used with its file {file}, which is no JSON object: mend it."
        )
    told = {**DEFAULTS, **given}
    if os.environ.get("KERAS_BACKEND"):
        del told["backend"]
    wrong = [name for name, taken in TAKEN.items() if name in told and told[name] not in taken]
    if not isinstance(told["epsilon"], float):
        wrong.append("epsilon")
    if wrong:
        raise BadInput(
            f"Keras cannot be used with what its file {file} says of {' and '.join(wrong)}: "
            "mend it."
        )


def _file() -> Path:
    if (home := os.environ.get("KERAS_HOME")) is None:
        base = os.path.expanduser("~")
        home = os.path.join(base if os.access(base, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(os.path.join(home, "keras.json")))
