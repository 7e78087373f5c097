"""The gate or a part of it in this process: `python -m benchmarks.one_gate PART FILE`.

PART is `gate`; `first pass`, which reads, keys and stages the rows; `pyarrow.csv`, which reads the
file as strings; or `HMAC`, one of each row's text and one of its person. Prints JSON: processor
seconds, and of the gate the digest of the data and the peak of memory in MiB.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from benchmarks.apart import peak_kib
from lineage_store.cells.gate import let_through
from lineage_store.cells.staging import stage
from lineage_store.data import Block, Columns, TableHeader, read_blocks_of, read_headers
from lineage_store.keys import Exclusions, Pseudonyms
from lineage_store.keys.secret import derive
from lineage_store.placement import Partition
from lineage_store.sources import open_source

KEYS = derive(bytes(range(32)))
COLUMNS = Columns("label", ("person",))
PARTITION = Partition(shards=10, slices=5, epochs=1, batch_size=128, seed=0)


def gate(file: Path, folder: Path) -> dict[str, Any]:
    """Pass the file through the gate."""
    pseudonyms = Pseudonyms(folder / "pseudonyms.sqlite", KEYS)
    began = time.process_time()
    header, blocks = _blocks(file, folder, pseudonyms)
    snapshot = let_through(blocks, header.roles, folder=folder / "snapshot", partition=PARTITION)
    pseudonyms.commit()
    seconds = time.process_time() - began
    return {"seconds": seconds, "data_digest": snapshot.data_digest, "peak_mib": peak_kib() / 1024}


def first_pass(file: Path, folder: Path) -> dict[str, Any]:
    """Read, key and stage the rows."""
    pseudonyms = Pseudonyms(folder / "pseudonyms.sqlite", KEYS)
    began = time.process_time()
    header, blocks = _blocks(file, folder, pseudonyms)
    stage(blocks, header.roles, file=folder / "staged")
    pseudonyms.commit()
    return {"seconds": time.process_time() - began}


def _blocks(
    file: Path, folder: Path, pseudonyms: Pseudonyms
) -> tuple[TableHeader, Iterator[Block]]:
    header = read_headers([open_source(file)], COLUMNS)
    blocks = read_blocks_of(
        [open_source(file)],
        columns=COLUMNS,
        header=header,
        keys=KEYS,
        pseudonyms=pseudonyms,
        exclusions=Exclusions(),
        temporary=folder,
    )
    return header, blocks


def pyarrow_csv(file: Path, _: Path) -> dict[str, Any]:
    """Read the file as strings, block by block."""
    with file.open(encoding="utf-8") as stream:
        kinds = dict.fromkeys(next(stream).strip().split(","), pa.string())
    began = time.process_time()
    options = csv.ReadOptions(use_threads=False, block_size=1 << 22)
    convert = csv.ConvertOptions(column_types=kinds)
    for _batch in csv.open_csv(file, options, convert_options=convert):
        pass
    return {"seconds": time.process_time() - began}


def hmacs(file: Path, _: Path) -> dict[str, Any]:
    """Key each row by its text, and its person."""
    lines = file.read_bytes().split(b"\r\n")[1:-1]
    people = [line.partition(b",")[0] for line in lines]
    began = time.process_time()
    KEYS.row_keys(kind="text", values=lines)
    KEYS.places(kind="subject", values=people)
    return {"seconds": time.process_time() - began}


PARTS = {"gate": gate, "first pass": first_pass, "pyarrow.csv": pyarrow_csv, "HMAC": hmacs}


def main() -> None:
    """Run one part and print what it took."""
    part, file = sys.argv[1:]
    pa.array([""])  # the first imports pandas, if it is there
    with tempfile.TemporaryDirectory(dir=Path(file).parent) as folder:
        print(json.dumps(PARTS[part](Path(file), Path(folder))))


if __name__ == "__main__":
    main()
