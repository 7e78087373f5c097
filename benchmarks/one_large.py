"""One phase of `large_data` in this process: `python -m benchmarks.one_large PHASE FOLDER`.

FOLDER holds `given.csv` and what the phases before have left. Prints JSON: rows, seconds, those
of the processor, the peak of resident memory in MiB, and of a training the digest of the weights.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.apart import peak_kib
from benchmarks.mnist import KEYS
from lineage_store.cells.gate import let_through
from lineage_store.cells.snapshot import load_snapshot, read_snapshot
from lineage_store.data.columns import Columns, read_header
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.index import row_index
from lineage_store.index.database import open_index
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows.row_store import RowStore, open_rows
from lineage_store.sources import open_source
from lineage_store.tensors import weights_digest
from unlearning.encoding.encode_records import store_from_snapshot
from unlearning.fitting.fit import fit
from unlearning.keras_models.module_file import BUILT_IN, built_in_text
from unlearning.training.config import TrainConfig

PARTITION = Partition(shards=2, slices=5, epochs=1, batch_size=4096, seed=0)

Numbers = dict[str, Any]


def gate(folder: Path) -> Numbers:
    """Pass the file through the gate."""
    file = folder / "given.csv"
    columns = Columns("label", ("person",), "id")
    header = read_header(open_source(file), columns)
    pseudonyms = Pseudonyms(folder / "pseudonyms.sqlite", KEYS)
    blocks = read_blocks_of(
        [open_source(file)],
        columns=columns,
        header=header,
        keys=KEYS,
        pseudonyms=pseudonyms,
        exclusions=Exclusions(),
        temporary=folder,
    )
    snapshot = let_through(blocks, header.roles, folder=folder / "snapshot")
    pseudonyms.commit()
    return {"rows": sum(snapshot.rows.values())}


def index(folder: Path) -> Numbers:
    """Write the snapshot's rows to a new row index."""
    snapshot = load_snapshot(folder / "snapshot")
    records = chain.from_iterable(read_snapshot(snapshot, split) for split in snapshot.splits)
    with closing(open_index(folder / "unweave.sqlite")) as connection, connection:
        total = sum(snapshot.rows.values())
        return {"rows": row_index.ingest(connection, 1, records, total=total, temporary=folder)}


def store(folder: Path) -> Numbers:
    """Write the snapshot's rows by shard and slice."""
    snapshot = load_snapshot(folder / "snapshot")
    store_from_snapshot(folder / "rows", snapshot, PARTITION)
    return {"rows": sum(snapshot.rows.values())}


def train(folder: Path) -> Numbers:
    """Train on the store as it is opened."""
    return _fitted(folder, open_rows(folder / "rows"), "trained")


def by_batch(folder: Path) -> Numbers:
    """Train, and read no stage whole."""
    return _fitted(folder, replace(open_rows(folder / "rows"), read_whole=0), "trained-by-batch")


def _fitted(folder: Path, rows: RowStore, name: str) -> Numbers:
    ledger = fit(
        TrainConfig(options=TrainOptions(**asdict(PARTITION)), module=BUILT_IN, key_id=KEYS.key_id),
        model="m1",
        text=built_in_text(),
        store=rows,
        folder=folder / name / "ledger",
        serving=folder / name / "model",
    )
    stages = [stage for shard in ledger.shards() for stage in shard.stages()]
    return {
        "rows": sum(stage.rows * stage.epochs for stage in stages),
        "steps_seconds": sum(stage.seconds for stage in stages),
        "weights_digest": weights_digest(ledger.final_weights()),
    }


RUN: dict[str, Callable[[Path], Numbers]] = {
    "gate": gate,
    "index": index,
    "store": store,
    "train": train,
    "by batch": by_batch,
}


def main() -> None:
    """Run one phase and print what it took."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    phase, folder = sys.argv[1:]
    began, cpu = time.perf_counter(), time.process_time()
    found = RUN[phase](Path(folder))
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps(found | took | {"peak_mib": peak_kib() / 1024}))


if __name__ == "__main__":
    main()
