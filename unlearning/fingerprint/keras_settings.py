"""What Keras will be set to, read as Keras reads it and without importing it.

The file is `keras.json` in `KERAS_HOME`, or else in `.keras` of the home folder (of `/tmp`, if the
home folder cannot be written). `KERAS_BACKEND` goes before the file's backend.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULTS: Mapping[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
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


def _file() -> Path:
    if (home := os.environ.get("KERAS_HOME")) is None:
        base = os.path.expanduser("~")
        home = os.path.join(base if os.access(base, os.W_OK) else "/tmp", ".keras")
    return Path(os.path.expanduser(os.path.join(home, "keras.json")))
