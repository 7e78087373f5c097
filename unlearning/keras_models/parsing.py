"""A module's `parse`: tensors made of one row, when a batch is made.

    def parse(row):        # {"age": 41.0, "photo": "/9j/4AAQ...", ...} by the names of columns
        return {"pixels": decoded(row["photo"]), "tokens": ids_of(row["said"])}

It is a pure function of a row's values: numbers as floats, NaN where one is missing, dates as
numbers of days, texts as strings, empty where one is missing. What it returns is what each input of
the model is given, by name, of the input's shape and dtype. It runs anew whenever rows are read, in
training, in `adapt`, in evaluation, and nothing that it makes is stored: rows are kept as they
were, and go as they go.

It is Python, and what is served is a graph: so the served model takes what `parse` makes, and who
asks it makes that first, as `predict` does by the module that the ledger keeps.

Before anything is trained it is tried (`must_be_pure`): some rows are parsed here and in two more
processes, with other hashes of texts, the rows in another order, and one by one compared. What it
remembers, draws, or takes from a clock or a set shows there; a file, a socket or a process that it
opens is told by Python itself (`sys.addaudithook`). What a sample of rows cannot rule out is a day
on which it does otherwise.
"""

import hashlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineage_store.errors import BadInput, NotReproducible
from lineage_store.rows import Rows
from lineage_store.tensors import Array
from lineage_store.texts import array_of_text
from unlearning.keras_models.module_file import TEXTS, ModelSpec

Row = Mapping[str, Any]
HASHES = ("1", "2")
TRIED = 32


@dataclass(frozen=True)
class ParsedInput:
    """One input of a model that is given what `parse` makes: its name, a row's shape, its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def array_type(self) -> Any:
        """NumPy's type of it."""
        return object if self.dtype == "string" else np.dtype(self.dtype)


@dataclass(frozen=True)
class Parser:
    """A module's `parse`, and the inputs that it makes; `name` is the module's."""

    parse: Callable[[Row], Any]
    inputs: tuple[ParsedInput, ...]
    name: str

    def arrays(self, rows: Sequence[Row]) -> list[Array]:
        """Return what rows are made to, (n, ...) for each input.

        Raises BadInput, naming no value, if `parse` fails or makes something else.
        """
        made = [np.empty((len(rows), *one.shape), one.array_type) for one in self.inputs]
        for number, row in enumerate(rows):
            for array, value in zip(made, self._of(row), strict=True):
                array[number] = value
        return made

    def digests(self, rows: Sequence[Row]) -> list[str]:
        """Return a digest of what each row is made to."""
        found = []
        for row in rows:
            state = hashlib.sha256()
            for one, array in zip(self.inputs, self.arrays([row]), strict=True):
                texts = [_bytes(value) for value in array.flat] if one.dtype == "string" else []
                state.update(json.dumps([one.name, list(map(len, texts))]).encode())
                state.update(b"".join(texts) if texts else array.tobytes())
            found.append(state.hexdigest())
        return found

    def _of(self, row: Row) -> list[Any]:
        try:
            told = self.parse(dict(row))
        except Exception as error:
            lacks = ""
            if isinstance(error, KeyError):
                known = ", ".join(sorted(map(repr, row)))
                lacks = f"; a row has {known}, and a column that names people or rows is none"
            raise BadInput(
                f"parse of {self.name} fails{_line(error, self.name)}: {type(error).__name__}"
                f"{lacks}."
            ) from None  # what it says of a row may be the row
        names = {one.name for one in self.inputs}
        if not isinstance(told, Mapping) or set(told) != names:
            raise BadInput(
                f"parse of {self.name} does not make what the model takes: return a dict of "
                f"{', '.join(sorted(names))}."
            )
        return [self._value(one, told[one.name]) for one in self.inputs]

    def _value(self, one: ParsedInput, given: Any) -> Any:
        try:
            value = np.asarray(given, one.array_type)
        except (TypeError, ValueError):
            value = None
        if value is None or value.shape != one.shape:
            raise BadInput(
                f"parse of {self.name} makes no {one.dtype} of the shape {one.shape} for the input "
                f"{one.name!r} of some row: make it so, or build the input otherwise."
            )
        return value if one.shape else value[()]


@dataclass(frozen=True)
class ParsedInputs:
    """The inputs of a model whose module has `parse`; `structure` is how the model takes them."""

    parser: Parser
    structure: Any
    spec: ModelSpec

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(one.name for one in self.parser.inputs)

    @property
    def reads_texts(self) -> bool:
        """Whether rows are to hold their texts as they are: `parse` is given all of them."""
        return bool(self.spec.strings)

    def arrays(self, rows: Rows) -> list[Array]:
        """Return what rows are made to, for each input."""
        return self.parser.arrays(rows_of(rows, self.spec))

    def signature(self) -> list[Any]:
        """Return the signatures of what the model is called with, flat."""
        import tensorflow as tf

        return [
            tf.TensorSpec([None, *one.shape], one.dtype, name=one.name)
            for one in self.parser.inputs
        ]

    def of(self, tensors: Sequence[Any]) -> Any:
        """Return what the model is called with."""
        import keras

        return keras.tree.pack_sequence_as(self.structure, list(tensors))


def parsed_inputs(model: Any, spec: ModelSpec, parse: Any, *, name: str) -> ParsedInputs:
    """Return the inputs of a built model that are given what a module's `parse` makes.

    Raises BadInput, with all reasons, for inputs that nothing can be made for.
    """
    import keras

    tensors = getattr(model, "inputs", None) or ()
    wrong = []
    for tensor in tensors:
        if None in tensor.shape[1:]:
            wrong.append(f"the input {tensor.name!r} leaves its shape open: say how long a row is")
        if not tensor.name.isidentifier():
            wrong.append(f"the input {tensor.name!r} is called otherwise than a name in Python")
    if wrong or not tensors:
        told = "; ".join(wrong) or "the model does not say what its inputs are"
        raise BadInput(f"What parse of {name} makes cannot be given to the model: {told}.")
    inputs = tuple(
        ParsedInput(one.name, tuple(one.shape[1:]), one.dtype) for one in tensors
    )  # fmt: skip
    structure = tensors[0] if isinstance(model, keras.Sequential) else model.input
    return ParsedInputs(Parser(parse, inputs, name), structure, spec)


def rows_of(rows: Rows, spec: ModelSpec) -> list[Row]:
    """Return rows as `parse` is given them."""
    return [row_of(*values, spec) for values in values_of(rows, spec)]


def values_of(rows: Rows, spec: ModelSpec) -> list[tuple[list[float], list[str]]]:
    """Return the numbers and the texts of each row."""
    texts = rows[TEXTS] if spec.strings else np.empty((len(rows), 0), object)
    each = zip(rows["numbers"].tolist(), texts.tolist(), strict=True)
    return [(numbers, [text.decode("utf-8") for text in some]) for numbers, some in each]


def row_of(numbers: Sequence[float], strings: Sequence[str], spec: ModelSpec) -> Row:
    """Return a row by the names of its columns; an array is one, or None where it is missing."""
    texts: dict[str, Any] = dict(zip(spec.strings, strings, strict=True))
    texts |= {name: array_of_text(texts[name]) for name in spec.arrays}
    return dict(zip(spec.numbers, numbers, strict=True)) | texts


def must_be_pure(inputs: ParsedInputs, rows: Rows, *, text: str) -> None:
    """Parse some rows here and in two other processes; `text` is the module's.

    Raises NotReproducible, naming what differs or what is opened.
    """
    parser = inputs.parser
    some = values_of(rows.take(np.arange(min(len(rows), TRIED))), inputs.spec)
    given = [row_of(*values, inputs.spec) for values in some]
    encoded = json.dumps({
        "text": text, "name": parser.name, "rows": some, "spec": inputs.spec.to_json(),
        "inputs": [[one.name, list(one.shape), one.dtype] for one in parser.inputs],
    })  # fmt: skip
    tried = [_started(hashes) for hashes in HASHES]
    here = parser.digests(given)
    for process, order in zip(tried, ("forwards", "backwards"), strict=True):
        output, errors = process.communicate(json.dumps([order, encoded]))
        if process.returncode:
            raise BadInput(
                f"parse of {parser.name} cannot be tried in a process of its own, which ended with "
                f"{process.returncode}{_last_line(errors)}."
            )
        found = json.loads(output)
        if found["opened"]:
            raise NotReproducible(
                f"Change this: parse of {parser.name} is no function of the row alone: it opens "
                f"{found['opened']}, which nobody sees change; put it into the module or a column."
            )
        if found["digests"] != here:
            raise NotReproducible(
                f"Change this: parse of {parser.name} is no function of the row alone: in another "
                f"process, with other hashes and the rows in another order, it makes something "
                f"else of some; look for a set, a clock, a random number, and what it remembers."
            )


def _started(hashes: str) -> "subprocess.Popen[str]":
    """Start a process that tries what it is told; see `parse_trial`."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-m", "unlearning.keras_models.parse_trial"],
        env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _last_line(errors: str) -> str:
    """Say the kind of an error that ended a process, and not what it says."""
    lines = errors.strip().splitlines()
    kind = lines[-1].partition(":")[0] if lines else ""
    return f" ({kind})" if kind.isidentifier() else ""


def _line(error: Exception, name: str) -> str:
    """Say in which line of the module an error came up, if it can be told."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == name]
    return f" in line {lines[-1]}" if lines else ""


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8")
