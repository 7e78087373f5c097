"""TFRecord files: the records of some, and a file of records, equal for equal records."""

import gzip
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from lineage_store.canonical import atomic_file
from lineage_store.errors import BadInput
from lineage_store.sources.tf_examples import masked_sum, records, unpacked

LEVEL = 6


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the records of a TFRecord file, gzipped or not.

    Raises BadInput for one that is damaged or breaks off.
    """
    read = 0
    try:
        with path.open("rb") as file:
            for record in records(unpacked(file)):
                read += 1
                yield record
    except (EOFError, OSError, zlib.error):
        raise BadInput(
            f"The file {path} is damaged, breaks off, or is no TFRecord, behind record {read}."
        ) from None


def write_records(path: Path, data: Iterable[bytes]) -> None:
    """Write records to a gzipped TFRecord file, whole or not at all."""
    with (
        atomic_file(path) as stream,
        gzip.GzipFile("", "wb", compresslevel=LEVEL, fileobj=stream, mtime=0) as file,
    ):
        for record in data:
            length = struct.pack("<Q", len(record))
            file.write(length + masked_sum(length) + record + masked_sum(record))
