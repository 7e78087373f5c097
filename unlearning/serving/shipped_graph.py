"""Served graphs that are made once by TensorFlow and shipped: whatever is of a model is in a file.

A graph reads names, columns and numbers from one text file among its assets, so it is the same for
all models of a kind, and serving one that forgot takes no TensorFlow: the shipped graph is copied
and the file is written (`fill`). The file's lines are web-safe Base64. The first is int64 values,
little endian, whose order the graph knows; then come names' bytes in one, and, where a graph has
them, float64 values. It is read through a table, which the loaders of TensorFlow Serving fill as
well: a path would be known while loading alone.

A graph has the two signatures of every served model (`export`).
"""

import base64
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.data import Schema
from unlearning.keras_models.module_file import ModelSpec, spec_of

ASSET = "columns.json"


class ColumnsTold(Protocol):
    """What a model's file says, as tensors: names of its columns of numbers and of strings."""

    numbers: Any
    strings: Any


def write_graph(
    folder: Path,
    *,
    file: str,
    lines: int,
    read: Callable[[Any, Any], ColumnsTold],
    answers: Callable[[Any, Any, Any, Any], dict[str, Any]],
) -> None:
    """Write a SavedModel without any model's file; needs TensorFlow.

    `read` makes what is told of the table (a line by its number), and `answers` the outputs of
    that, numbers (n, N) and strings (n, M); both are given TensorFlow first. It is a program of its
    own, as `write_signatures` is.
    """

    def signatures(tf: Any, table: Any) -> dict[str, Any]:
        def by_example(examples: Any) -> dict[str, Any]:
            told = read(tf, table)
            return answers(tf, told, *of_examples(tf, told, examples))

        def by_column(numbers: Any, strings: Any) -> dict[str, Any]:
            return answers(tf, read(tf, table), numbers, strings)

        return {
            "serving_default": tf.function(
                by_example, input_signature=[tf.TensorSpec([None], tf.string, name="examples")]
            ),
            "columns": tf.function(
                by_column,
                input_signature=[
                    tf.TensorSpec([None, None], tf.float32, name="numbers"),
                    tf.TensorSpec([None, None], tf.string, name="strings"),
                ],
            ),
        }

    def table(tf: Any, path: Any) -> Any:
        index = tf.lookup.TextFileIndex
        kinds = (tf.int64, index.LINE_NUMBER), (tf.string, index.WHOLE_LINE)
        return table_of(tf, path, *kinds, otherwise="")

    write_signatures(folder, file=file, empty=b"-\n" * lines, tables=table, signatures=signatures)


def table_of(tf: Any, path: Any, key: Any, value: Any, *, otherwise: Any) -> Any:
    """Return a table of a file's lines: what it is looked up by, and what is found; type, index.

    An index is a column, between tabs, or one of `tf.lookup.TextFileIndex`.
    """
    return tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(path, *key, *value, delimiter="\t"), otherwise
    )


def write_signatures(
    folder: Path,
    *,
    file: str,
    empty: bytes,
    tables: Callable[[Any, Any], Any],
    signatures: Callable[[Any, Any], dict[str, Any]],
) -> None:
    """Write a SavedModel without any model's file, of functions that read it; needs TensorFlow.

    `empty` stands in for the file; `tables` makes the tables that it is read by, of its path, and
    `signatures` what is served, by name, of the tables; both are given TensorFlow first. The
    process ends in another folder than it began.
    """
    import tensorflow as tf

    module = tf.Module()
    folder = folder.absolute()
    with tempfile.TemporaryDirectory() as there:
        os.chdir(there)
        told = Path(file)  # its path becomes part of the table's name: no path of a machine
        told.write_bytes(empty)
        module.asset = tf.saved_model.Asset(str(told))
        module.tables = tables(tf, module.asset.asset_path)
        made = signatures(tf, module.tables)
        tf.saved_model.save(module, str(folder), signatures=made)


def line_of(tf: Any, table: Any, number: int, dtype: Any) -> Any:
    """Return the values of a line of the file; its bytes as they are for strings."""
    data = tf.io.decode_base64(table.lookup(tf.constant(number, tf.int64)))
    return data if dtype == tf.string else tf.io.decode_raw(data, dtype)


class Taking:
    """Takes values off a tensor (n,), one part after another."""

    def __init__(self, tf: Any, values: Any, *, start: int = 0) -> None:
        self._values, self._at = values, tf.constant(start, tf.int64)

    def take(self, count: Any) -> Any:
        """Return the next values."""
        found = self._values[self._at : self._at + count]
        self._at += count
        return found


def names_in(tf: Any, blob: Any, ends: Any) -> Any:
    """Return names of their bytes in one, and of where each begins, and the last ends."""
    return tf.strings.substr(tf.fill([tf.size(ends) - 1], blob), ends[:-1], ends[1:] - ends[:-1])


def feature_of(tf: Any, examples: Any, name: Any, dtype: Any) -> tuple[Any, Any]:
    """Return the values of a feature of serialised tf.Examples, and where each one's begin."""
    parsed = tf.raw_ops.ParseExampleV2(
        serialized=examples,
        names=tf.zeros([0], tf.string),
        sparse_keys=tf.zeros([0], tf.string),
        dense_keys=tf.zeros([0], tf.string),
        ragged_keys=tf.reshape(name, [1]),
        dense_defaults=[],
        num_sparse=0,
        sparse_types=[],
        ragged_value_types=[dtype],
        ragged_split_types=[tf.int64],
        dense_shapes=[],
    )
    return parsed.ragged_values[0], parsed.ragged_row_splits[0]


def of_examples(tf: Any, told: ColumnsTold, examples: Any) -> tuple[Any, Any]:
    """Return numbers (n, N) and strings (n, M) of serialised tf.Examples."""

    def column(name: Any, dtype: Any, missing: Any) -> Any:
        values, splits = feature_of(tf, examples, name, dtype)
        spare = tf.concat([values, tf.constant([missing], dtype)], axis=0)
        there = splits[1:] > splits[:-1]
        return tf.gather(spare, tf.where(there, splits[:-1], splits[-1]))

    def columns(names: Any, dtype: Any, missing: Any) -> Any:
        each = tf.map_fn(
            lambda name: column(name, dtype, missing), names, fn_output_signature=dtype
        )
        return tf.transpose(tf.reshape(each, [tf.shape(names)[0], tf.shape(examples)[0]]))

    numbers = columns(told.numbers, tf.float32, float("nan"))
    return numbers, columns(told.strings, tf.string, "")


def fill(graph: Path, folder: Path, *, file: str, schema: Schema, lines: Sequence[bytes]) -> None:
    """Copy a shipped graph, and write its file of lines (as bytes, before Base64) beside it."""
    fill_with(graph, folder, file=file, schema=schema, lines=map(coded, lines))


def coded(data: bytes) -> bytes:
    """Return bytes as the graphs read them, in web-safe Base64 that is not padded."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def fill_with(
    graph: Path, folder: Path, *, file: str, schema: Schema, lines: Iterable[bytes]
) -> None:
    """Copy a shipped graph, and write its file of lines as they are beside it.

    Of a table without a label, columns are all that is told of the model's inputs.
    """
    for one in sorted(graph.rglob("*")):
        if one.is_file():
            target = folder / one.relative_to(graph)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(one, target)  # no link: it has the mode of this user's files
    told = folder / "assets" / file
    told.parent.mkdir(parents=True, exist_ok=True)
    # What every served model of ours says of its columns; a shipped graph does not read it.
    columns = columns_of(schema).to_json() if schema.labels else {"items": schema.said.items}
    write_atomic(folder / "assets" / ASSET, canonical_json(columns) + b"\n")
    told.unlink(missing_ok=True)
    write_atomic(told, b"".join(line + b"\n" for line in lines))


def columns_of(schema: Schema) -> ModelSpec:
    """Return the columns as they are served: without buckets, of which there are none."""
    spec = spec_of(schema)
    return ModelSpec(
        spec.numbers, spec.strings, spec.task, spec.classes, buckets=0, dates=spec.dates
    )


def ends_of(lengths: Sequence[int]) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Return where each of some lengths begins, and the end of the last."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
