"""What a model file must offer, and what it is told.

A module is a Python file with one function:

    def build_model(spec: ModelSpec) -> keras.Model      # compiled: optimizer and loss

It sees no data. Its inputs are named `numbers` (float32, 0 where missing), `missing` (float32,
1 where the number is missing) and `categories` (int32 hash buckets, `spec.buckets` of them); a
model takes those it wants. Its output has `spec.outputs` units: class probabilities, or one value.

It may offer a second function, called once for each shard before its first step:

    def adapt(model: keras.Model, numbers, missing, categories) -> None

with the rows of the shard's first slice that has any. What it sets is part of the shard's weights.
Only that slice is shown, because a deletion from it retrains the shard from its start anyway:
whatever is learnt there can smuggle nothing back in. A third one is called after it, with the
labels of the same rows: numbers of classes, or float32 values.

    def adapt_to_labels(model: keras.Model, labels) -> None
"""

import types
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import digest
from lineage_store.data import Schema, Task
from lineage_store.errors import BadInput

BUCKETS = 2048
BUILT_IN = "built-in model for tables"
FIRST_BUILT_IN = "built-in tabular model"
SOURCES = {BUILT_IN: "built_in.py", FIRST_BUILT_IN: "tabular.py"}


@dataclass(frozen=True)
class ModelSpec:
    """What a model is built from: the shape of the rows and the task, and nothing of the rows.

    `dates` are those of the `numbers` that are days since the first of the year 2000. Rows that are
    `weighed` have weights, which are no input, and come to the loss alone.
    """

    numbers: tuple[str, ...]
    strings: tuple[str, ...]
    task: Task
    classes: tuple[str, ...]
    buckets: int = BUCKETS
    dates: tuple[str, ...] = ()
    weighed: bool = False

    @property
    def outputs(self) -> int:
        """The units of the last layer."""
        return len(self.classes) if self.task == "classification" else 1

    @property
    def activation(self) -> str:
        """The activation of the last layer that fits the task."""
        return "softmax" if self.task == "classification" else "linear"

    @property
    def loss(self) -> str:
        """The loss that fits the task."""
        return "sparse_categorical_crossentropy" if self.task == "classification" else "mse"

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        told = asdict(self) | {
            "numbers": list(self.numbers),
            "strings": list(self.strings),
            "classes": list(self.classes),
        }
        for name in ("dates", "weighed"):
            del told[name]
        dates = {"dates": list(self.dates)} if self.dates else {}
        return told | dates | ({"weighed": True} if self.weighed else {})


def spec_of(schema: Schema) -> ModelSpec:
    """Return the spec that follows from the schema of a table with one label."""
    label = schema.label
    numbers, texts, weighed = schema.names("number"), schema.names("text"), bool(schema.weights)
    return ModelSpec(numbers, texts, label.task, label.classes, dates=schema.dates, weighed=weighed)


def built_in_text(name: str = BUILT_IN) -> str:
    """Return the source of a built-in model."""
    return Path(__file__).with_name(SOURCES[name]).read_text(encoding="utf-8")


def module_text(path: Path) -> str:
    """Return the source of a module file.

    Raises BadInput if it cannot be read or is no Python.
    """
    try:
        text = path.read_text(encoding="utf-8")
        compile(text, path.name, "exec")
    except OSError as error:
        raise BadInput(f"The module file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"The module file {path} is not UTF-8: convert it first.") from error
    except SyntaxError as error:
        raise BadInput(f"The module file {path} is no Python: line {error.lineno}.") from error
    return text


def load_module(text: str, *, name: str) -> types.ModuleType:
    """Run a module's source and return it.

    Raises BadInput if it fails to run or has no function `build_model`.
    """
    module = types.ModuleType(f"unweave_module_{digest(text.encode('utf-8'))[:12]}")
    try:
        exec(compile(text, name, "exec"), module.__dict__)
    except Exception as error:
        raise BadInput(
            f"The module {name} fails when it is loaded: {type(error).__name__}: {error}."
        ) from error
    if not callable(getattr(module, "build_model", None)):
        raise BadInput(f"The module {name} has no function build_model(spec).")
    return module
