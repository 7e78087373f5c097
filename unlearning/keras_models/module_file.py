"""What a model file must offer, and what it is told.

A module is a Python file with one function:

    def build_model(spec: ModelSpec) -> keras.Model      # compiled: optimizer and loss

It sees no data. Its inputs are named after columns (`named_inputs` says what each is given:
numbers, or strings as they are), or `numbers` (float32, 0 where missing), `missing` (float32, 1
where the number is missing) and `categories` (int32 hash buckets, `spec.buckets` of them), which
are all columns together; a model takes those it wants. It has one output (`outputs`): class
probabilities, the probability of the second of two classes, or one value; or one for each of
several labels (`several_outputs`).

It may offer a second function, called once for each shard before its first step:

    def adapt(model: keras.Model, rows) -> None

with the rows of the shard's first slice that has any: a dict of NumPy arrays by the names that
inputs can have. One of four parameters is given those of the three arrays instead, as it ever was:

    def adapt(model: keras.Model, numbers, missing, categories) -> None

What it sets is part of the shard's weights, or of what layers of Keras's own learn beside them
(`adapted_layers`). Only that slice is shown, because a deletion from it retrains the shard from its
start anyway: whatever is learnt there can smuggle nothing back in. A third one is called after it,
with the labels of the same rows: numbers of classes, or float32 values.

    def adapt_to_labels(model: keras.Model, labels) -> None

Or one that makes of a row, when a batch is made, what all inputs are then given (`parsing`):

    def parse(row)

And where a loss of its own wants the labels in another form, it says so (`outputs`):

    def targets(labels, spec)
    def targets(labels, spec, groups)      # of rows that stay together, for a loss within groups
"""

import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import digest
from lineage_store.data import Schema, Task
from lineage_store.errors import BadInput
from lineage_store.rows import label_name
from unlearning.keras_models.seeds import seeded_for_this_thread

BUCKETS = 2048
INPUTS = ("numbers", "missing", "categories")
MISSING = " is missing"
TEXTS = "texts"
"""The field of a row that holds its texts as they are, where a model reads them."""
BUILT_IN = "built-in model for tables"
FIRST_BUILT_IN = "built-in tabular model"
SOURCES = {BUILT_IN: "built_in.py", FIRST_BUILT_IN: "tabular.py"}


@dataclass(frozen=True)
class LabelSpec:
    """What an output is to tell: a label, what that makes it, and its classes."""

    name: str
    task: Task
    classes: tuple[str, ...]

    @property
    def output_name(self) -> str:
        """How an output is named that tells it: as an input of a column would be."""
        return input_name(self.name)

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


@dataclass(frozen=True)
class ModelSpec:
    """What a model is built from: the shape of the rows and the task, and nothing of the rows.

    `dates` are those of the `numbers` that are days since the first of the year 2000, `words` those
    of the `strings` whose values are many words. `arrays` those that hold arrays of numbers. Rows
    that are `weighed` have weights, which are no input, and come to the loss alone. `labels` are
    there if there are several; then `task`, `classes` and what follows from them are the first
    one's. Rows that are `grouped` stand in batches with all others of their groups.
    """

    numbers: tuple[str, ...]
    strings: tuple[str, ...]
    task: Task
    classes: tuple[str, ...]
    buckets: int = BUCKETS
    dates: tuple[str, ...] = ()
    weighed: bool = False
    words: tuple[str, ...] = ()
    labels: tuple[LabelSpec, ...] = ()
    grouped: bool = False
    arrays: tuple[str, ...] = ()

    @property
    def heads(self) -> tuple["LabelSpec", ...]:
        """What each output is to tell, in the order of the labels."""
        return self.labels or (LabelSpec("", self.task, self.classes),)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the arrays of rows that hold the labels."""
        return tuple(map(label_name, range(len(self.heads))))

    @property
    def outputs(self) -> int:
        """The units of the last layer, or of the first label's."""
        return self.heads[0].outputs

    @property
    def activation(self) -> str:
        """The activation of the last layer that fits the task."""
        return self.heads[0].activation

    @property
    def loss(self) -> str:
        """The loss that fits the task."""
        return self.heads[0].loss

    def input_name(self, column: str) -> str:
        """Return how an input is named that is given a column."""
        return input_name(column)

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        told = asdict(self) | {
            "numbers": list(self.numbers),
            "strings": list(self.strings),
            "classes": list(self.classes),
        }
        for name in ("dates", "words", "arrays"):  # which earlier versions did not tell
            told[name] = list(told[name])
            if not told[name]:
                del told[name]
        del told["grouped"]  # which changes nothing that is served
        if not self.weighed:
            del told["weighed"]
        told["labels"] = [asdict(one) | {"classes": list(one.classes)} for one in self.labels]
        if not self.labels:
            del told["labels"]
        return told

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ModelSpec":
        """Read the value back; it may say other things too."""
        labels = (
            LabelSpec(one["name"], one["task"], tuple(one["classes"]))
            for one in value.get("labels", ())
        )
        some = ("dates", "words", "arrays")
        dates, words, arrays = (tuple(value.get(name, ())) for name in some)
        return cls(
            tuple(value["numbers"]), tuple(value["strings"]),
            value["task"], tuple(value["classes"]), value["buckets"],
            weighed=value.get("weighed", False), labels=tuple(labels),
            dates=dates, words=words, arrays=arrays,
        )  # fmt: skip


def input_name(column: str) -> str:
    """Return the name under which an input can be given a column: its own, where Keras has it.

    A `/` becomes `_`, and a column that is called like one of `INPUTS` has a `_` behind it.
    """
    name = column.replace("/", "_")
    return f"{name}_" if name in INPUTS else name


def spec_of(schema: Schema) -> ModelSpec:
    """Return the spec that follows from the schema of a table with a label, or several."""
    first, *further = (LabelSpec(one.name, one.task, one.classes) for one in schema.labels)
    numbers, texts, weighed = schema.names("number"), schema.names("text"), bool(schema.weights)
    return ModelSpec(
        numbers, texts, first.task, first.classes,
        dates=schema.dates, weighed=weighed, words=schema.words,
        labels=(first, *further) if further else (), grouped=bool(schema.groups),
        arrays=schema.arrays,
    )  # fmt: skip


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


def built_model(module: types.ModuleType, spec: ModelSpec, *, seed: int, name: str) -> Any:
    """Return the model that a module builds, compiled; what is drawn on the way is seeded.

    Raises BadInput if it fails to, or returns something else.
    """
    import keras

    try:
        with seeded_for_this_thread(seed):
            model = module.build_model(spec)
            if isinstance(model, keras.Sequential) and not model.built and model.layers:
                model.build((None, len(spec.numbers)))
    except Exception as error:
        raise BadInput(f"build_model of {name} fails: {type(error).__name__}: {error}.") from error
    if not isinstance(model, keras.Model):
        raise BadInput(f"build_model of {name} returns {type(model).__name__}, not a Keras model.")
    if getattr(model, "optimizer", None) is None or not getattr(model, "loss", None):
        raise BadInput(
            f"build_model of {name} returns a model without optimizer and loss: compile it."
        )
    return model
