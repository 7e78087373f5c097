"""Ingest one ledger in this process: `python -m benchmarks.one_ingest LEDGER FILE HOW STEPS`.

HOW is `pieces`, which is how unweave does it; `singly`: one `put_execution` a step with its batch
and its update, both new, for the first STEPS steps; or `bare`: the nodes and events of STEPS steps
in pieces, made in memory by nothing but a loop, the most that MLMD takes of this shape. Prints
JSON: steps, seconds, and the peak of memory before and after in KiB.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.apart import peak_kib
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.shards import Ledger, open_ledger
from lineage_store.ledger.units import planned_positions, units_of_step
from lineage_store.mlmd import ingest
from lineage_store.mlmd.metadata_store import Metadata, pb
from lineage_store.mlmd.names import Names
from lineage_store.workspace.metadata_address import sqlite_file

STEPS_AT_ONCE = ingest.UNITS_AT_ONCE // 3
NAMES = Names("0123456789abcdef")
RECORD = ModelRecord("m1", "m1", 1, "live", "", "trained", "0" * 64, "0" * 64, {}, {})
URIS = {"rows": "/rows", "model": "/model"}


def put_ends(metadata: Metadata) -> None:
    """Write the two artifacts that TFX's pipeline would have made."""
    for name, kind in (("rows", "components.Rows"), ("model", "Model")):
        node = pb.Artifact(type_id=metadata.artifact_type(kind), uri=URIS[name])
        metadata.store.put_artifacts([node])


def put_singly(metadata: Metadata, ledger: Ledger, steps: int) -> None:
    """Write each step by a call of its own."""
    shard = ledger.shard(0)
    (stage,) = shard.stages()
    for position in planned_positions(stage)[:steps]:
        graph = ingest.Subgraph(metadata)
        read, taken, made = map(NAMES.unit, units_of_step(stage, position))
        graph.execution("lineage.Step", taken, {})
        graph.artifact("lineage.Batch", read, {})
        graph.artifact("lineage.Update", made, {})
        batch, update = graph.artifacts
        events = [(batch, pb.Event(type=pb.Event.INPUT)), (update, pb.Event(type=pb.Event.OUTPUT))]
        metadata.store.put_execution(graph.executions[0], events, [])


def put_bare(metadata: Metadata, steps: int) -> None:
    """Write the nodes and events of as many steps in pieces as ours."""
    graph = ingest.Subgraph(metadata)
    for kind in ("lineage.Batching", "lineage.Stage"):
        graph.execution(kind, kind, {})
    graph.write()
    known = metadata.executions_by_external_id(["lineage.Batching", "lineage.Stage"])
    batching, ended = known["lineage.Batching"].id, known["lineage.Stage"].id
    for first in range(0, steps, STEPS_AT_ONCE):
        graph = ingest.Subgraph(metadata)
        for number in range(first, min(first + STEPS_AT_ONCE, steps)):
            batch = graph.artifact("lineage.Batch", f"{number}:batch", {})
            step = graph.execution("lineage.Step", f"{number}:step", {})
            update = graph.artifact("lineage.Update", f"{number}:update", {})
            graph.edge_from(batching, batch, pb.Event.OUTPUT)
            graph.edge(step, batch, pb.Event.INPUT)
            graph.edge(step, update, pb.Event.OUTPUT)
            graph.edge_from(ended, update, pb.Event.INPUT)
        graph.write()


def main() -> None:
    """Ingest, and print what it took."""
    folder, file, how, count = sys.argv[1:]
    ledger, steps = open_ledger(Path(folder)), int(count)
    metadata = Metadata(sqlite_file(Path(file)), create=True)
    put_ends(metadata)
    before, began = peak_kib(), time.perf_counter()
    if how == "singly":
        put_singly(metadata, ledger, steps)
    elif how == "bare":
        put_bare(metadata, steps)
    else:
        ingest.ingest_model(metadata, names=NAMES, record=RECORD, ledger=ledger, uris=URIS)
    seconds = time.perf_counter() - began
    print(json.dumps({"steps": steps, "seconds": seconds, "before": before, "peak": peak_kib()}))


if __name__ == "__main__":
    main()
