"""From ExampleGen's TFRecords to the arrays of a row store, piece by piece.

The gate wrote the text so that ExampleGen's own inference cannot differ from the gate's; here the
values are read as the gate's kinds, and what an example of another shape would mean is an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.cells import Snapshot
from lineage_store.data import PLACE, ROW
from lineage_store.errors import CheckFailed
from lineage_store.placement import U64
from lineage_store.rows import Rows
from lineage_store.tensors import Array
from lineage_store.texts import Kind
from unlearning.encoding.row_encoding import RowEncoding, TypedRows
from unlearning.keras_models.encoding import first_values

PIECE = 5_000
MISSING: Mapping[Kind, Any] = {"number": float("nan"), "text": ""}


def rows_from_examples(
    files: Sequence[Path],
    snapshot: Snapshot,
    *,
    encoding: RowEncoding,
) -> Iterator[tuple[Rows, U64]]:
    """Read gzipped TFRecord files of tf.Example; yield pieces of rows with their places (n,).

    Raises CheckFailed if an example does not hold what the gate wrote.
    """
    import tensorflow as tf

    dtypes: Mapping[Kind, Any] = {"number": tf.float32, "text": tf.string}
    schema = snapshot.schema
    # ExampleGen writes a missing value as a feature without values, hence the ragged read.
    ragged = [column for column in schema.all if column not in schema.labels]
    wanted: dict[str, Any] = {
        **{column.name: tf.io.RaggedFeature(dtypes[column.kept]) for column in ragged},
        **{one.name: tf.io.FixedLenFeature([], dtypes[one.kept]) for one in schema.labels},
        ROW: tf.io.FixedLenFeature([], tf.string),
        PLACE: tf.io.FixedLenFeature([], tf.string),
    }
    for batch in _batches(files):
        parsed = _parse(tf, batch, wanted)
        places = _places(parsed[PLACE])
        keys = b"".join(bytes.fromhex(k[1:].decode()) for k in parsed[ROW].numpy())
        row_keys = np.frombuffer(keys, dtype=np.uint8).reshape(-1, 16)
        columns: dict[str, Array] = {}
        for kind, missing in MISSING.items():
            names = [column.name for column in ragged if column.kept == kind]
            if names:
                together = _columns(tf, [parsed[name] for name in names], missing)
                columns |= zip(names, _as_array(tf, together, kind).T, strict=True)
        for label in schema.labels:
            columns[label.name] = _as_array(tf, parsed[label.name], label.kept)
        yield encoding.encode(TypedRows(row_keys, columns)), places


def _batches(files: Sequence[Path]) -> Iterator[Any]:
    import tensorflow as tf

    names = [str(file) for file in files]
    if names:
        yield from tf.data.TFRecordDataset(names, compression_type="GZIP").batch(PIECE)


def _parse(tf: Any, batch: Any, wanted: dict[str, Any]) -> Any:
    try:
        return tf.io.parse_example(batch, wanted)
    except tf.errors.InvalidArgumentError as error:
        raise CheckFailed(
            f"The examples do not hold what the gate wrote: {error.message.splitlines()[0]}"
        ) from error


def _places(texts: Any) -> U64:
    together = b"".join(bytes.fromhex(text[1:].decode()) for text in texts.numpy())
    return np.frombuffer(together, dtype=">u8").astype(np.uint64)


def _columns(tf: Any, columns: Sequence[Any], missing: Any) -> Any:
    """Return columns as (n, M) with `missing` where an example has no value."""
    for ragged in columns:
        if int(tf.reduce_max(ragged.row_lengths())) > 1:
            raise CheckFailed("An example holds several values where the gate wrote one.")
    return first_values(columns, missing)


def _as_array(tf: Any, values: Any, kind: Kind) -> Array:
    """Return a tensor as an array: of numbers as they are, of texts as str, read back."""
    return _decoded(_unescaped(tf, values)) if kind == "text" else values.numpy()


def _decoded(texts: Any) -> npt.NDArray[Any]:
    """Return a tensor of texts as an array of str."""
    values = texts.numpy()
    known = {text: text.decode("utf-8") for text in set(values.flat)}
    decoded = np.array([known[text] for text in values.flat], dtype=object)
    return decoded.reshape(values.shape)


def _unescaped(tf: Any, texts: Any) -> Any:
    """Read back what the gate wrote: the twin of `snapshot.unescape` for tensors."""
    if not tf.reduce_any(tf.strings.substr(texts, 0, 1) == "'"):
        return texts
    plain = tf.strings.regex_replace(texts, "^'", "")
    lines = tf.strings.regex_replace(plain, "^%", "")
    for code, mark in (("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        lines = tf.strings.regex_replace(lines, code, mark)
    return tf.where(tf.strings.regex_full_match(texts, "(?s)'%.*"), lines, plain)
