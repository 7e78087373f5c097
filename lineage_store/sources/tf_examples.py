"""A TFRecord file of tf.Examples as a source, also gzipped, read without TensorFlow.

A tf.Example says which features it has, and a file says it nowhere else. Whether a column is there
must not depend on which rows are (law 2), so every Example has the same features, as the first one
has them, or the features are named: then one that an Example lacks is missing there. The order of
the columns is that of their names, or as they are named. A feature of several values is as many
columns, `x[0]`, `x[1]` and so on, and has as many in every Example; one of a single value may have
none. What does not fit is refused, so any rows may be taken out of a file that is read.

An Example declares no kinds: what a column holds follows from its texts, as in a CSV file. Bytes
must be text in UTF-8. Floats are spelled as the float32 that they are.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.sources.columnar_files import size_of
from lineage_store.texts.arrow_columns import AT_ONCE, ArrowColumns
from lineage_store.texts.example_messages import example_types
from lineage_store.texts.text_rows import Kind, Progress, TextRows
from lineage_store.texts.value_texts import text_of_value, texts_of_array

GZIP = b"\x1f\x8b"
HEADER, SUM = 12, 4
"""Bytes of a record before its data (its length, and the checksum of that), and after it."""
LONGEST = 1 << 28
Value = int | float | str | None


@dataclass(frozen=True)
class TfExamples:
    """A file of tf.Examples, read as a stream as often as it is asked for.

    `features` are those that are read; without any, those of the first Example.
    """

    path: Path
    features: tuple[str, ...] = ()

    unit = "row"

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)

    @property
    def description(self) -> str:
        """What it was taken for."""
        return "tf.Examples"

    @property
    def size(self) -> int:
        """How many bytes there are to read."""
        return size_of(self.path)

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; none if there is no Example.

        Raises BadInput for a file that is no TFRecord, or whose first record is no tf.Example.
        """
        with self._opened() as file:
            widths = self._widths(next(self._examples(unpacked(file)), None))
        return tuple(name for feature, width in widths.items() for name in _names(feature, width))

    def kinds(self) -> Mapping[str, Kind]:
        """Return no kind: a tf.Example declares none for others than itself."""
        return {}

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some MiB at a time, numbered from one.

        `progress` is told how many bytes were read. Raises BadInput for a record that is damaged or
        no tf.Example, and for an Example with other features than the first, or more values.
        """
        import pyarrow as pa

        names = self.columns()
        if not names:
            return
        schema = pa.schema([(name, pa.string()) for name in names])
        with self._opened() as file:
            for texts in ArrowColumns(self.name, schema).rows(self._batches(file, names)):
                yield texts
                if progress:
                    progress(file.tell())

    def _batches(self, file: IO[bytes], names: Sequence[str]) -> Iterator[Any]:
        at_once = max(1, AT_ONCE // max(1, len(names)))
        rows: list[list[Value]] = []
        widths: Mapping[str, int] | None = None
        for number, example in enumerate(self._examples(unpacked(file)), start=1):
            widths = self._widths(example) if widths is None else widths
            rows.append(self._row(example, widths, number))
            if len(rows) == at_once:
                yield _batch(rows, names)
                rows = []
        if rows:
            yield _batch(rows, names)

    def _widths(self, first: Mapping[str, Sequence[Any]] | None) -> dict[str, int]:
        """Return how many columns each feature is, by the first Example."""
        if first is None:
            return {}
        names = self.features or sorted(first)
        if not names:
            raise BadInput(
                f"The Example in row 1 of {self.path} has no feature: name those to read."
            )
        return {name: max(1, len(first.get(name, ()))) for name in names}

    def _row(
        self, example: Mapping[str, Sequence[Any]], widths: Mapping[str, int], number: int
    ) -> list[Value]:
        """Return the values of an Example, in the order of the columns."""
        if not self.features and example.keys() != widths.keys():
            other = min(example.keys() ^ widths.keys())
            raise BadInput(
                f"The Example in row {number} of {self.path} "
                f"{'has' if other in example else 'lacks'} the feature {other!r}, other than that "
                f"in row 1: name the features to read, or write all of them into every Example."
            )
        values: list[Value] = []
        for feature, width in widths.items():
            found = example.get(feature, ())
            if len(found) != width and (width > 1 or found):
                raise BadInput(
                    f"The feature {feature!r} in row {number} of {self.path} has {len(found)} "
                    f"values, and in row 1 {width}: write as many into every Example."
                )
            try:
                texts = (one.decode("utf-8") if isinstance(one, bytes) else one for one in found)
                values += texts if found else [None]
            except UnicodeDecodeError:
                raise BadInput(
                    f"The feature {feature!r} in row {number} of {self.path} holds bytes that are "
                    f"no text in UTF-8: write the Examples without it."
                ) from None
        return values

    def _examples(self, stream: IO[bytes] | gzip.GzipFile) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Yield the features of each Example, with their values."""
        from google.protobuf.message import DecodeError

        number = 0
        try:
            for number, record in enumerate(records(stream), start=1):
                example = _example_type().FromString(record)
                if example.HasField("feature_lists"):
                    raise BadInput(
                        f"The record in row {number} of {self.path} is a SequenceExample: its "
                        f"lists have no place in a table; write tf.Examples."
                    )
                yield {entry.name: _values(entry.feature) for entry in example.features.entries}
        except (EOFError, OSError, DecodeError, UnicodeDecodeError, zlib.error):
            raise BadInput(
                f"The file {self.path} is damaged, breaks off, or is no TFRecord of tf.Examples, "
                f"behind row {number}."
            ) from None

    def _opened(self) -> IO[bytes]:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise BadInput(f"The file {self.path} cannot be read: {error.strerror}.") from error


def is_tfrecord(head: bytes) -> bool:
    """Say whether a file that begins so holds records: its first length has the right checksum."""
    if head.startswith(GZIP):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, HEADER)
        except zlib.error:
            return False
    return len(head) >= HEADER and masked_sum(head[:8]) == head[8:HEADER]


def unpacked(file: IO[bytes]) -> IO[bytes] | gzip.GzipFile:
    packed = file.read(len(GZIP)) == GZIP
    file.seek(0)
    return gzip.GzipFile(fileobj=file, mode="rb") if packed else file


def records(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    """Yield the data of each record; raises EOFError for one that breaks off or was changed.

    u64 length, u32 checksum of it, data, u32 checksum of them. Source: tensorflow.org, TFRecord.
    """
    while header := stream.read(HEADER):
        length = int.from_bytes(header[:8], "little")
        if masked_sum(header[:8]) != header[8:] or length > LONGEST:
            raise EOFError
        data = stream.read(length + SUM)
        if len(data) < length + SUM or masked_sum(data[:length]) != data[length:]:
            raise EOFError
        yield data[:length]


def masked_sum(data: bytes) -> bytes:
    """Return the masked CRC-32C of bytes, as a record holds it."""
    import google_crc32c

    crc = int(google_crc32c.value(data))
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _names(feature: str, width: int) -> list[str]:
    name = feature.strip()
    return [name] if width == 1 else [f"{name}[{place}]" for place in range(width)]


def _values(feature: Any) -> Sequence[Any]:
    """Return the values of a feature: bytes, floats, or integers."""
    found: Sequence[Any] = feature.bytes.values or feature.floats.values
    return found or feature.integers.values


def _batch(rows: Sequence[Sequence[Value]], names: Sequence[str]) -> Any:
    import pyarrow as pa

    columns = [_texts(column) for column in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=list(names))


def _texts(values: Sequence[Value]) -> Any:
    import pyarrow as pa

    if {*map(type, values)} <= {float, type(None)}:
        return texts_of_array(pa.array(np.array(values, np.float32)))
    texts = [text_of_value(np.float32(one) if type(one) is float else one) for one in values]
    return pa.array(texts, pa.string())


@cache
def _example_type() -> Any:
    return example_types("unweave.example")["Example"]
