"""Run by the code of 961ed0a: a workspace with MLMD, a training and a deletion in it.

Standard input is a JSON object: `root`, `train` (what it is called with), `forget` (a person). The
backend is the direct one, and MLMD is written by the old ingest as TFX's runs had it written, with
stand-ins for the two artifacts that TFX itself would have made.
"""

import json
import sys
from pathlib import Path

from lineage_store.external_ids import Names
from lineage_store.ingest import ingest_model
from lineage_store.metadata import Metadata
from lineage_store.models import find_model
from lineage_store.subgraph import Subgraph, write_once
from pipelines.direct import DirectBackend

import unweave
from lineage_store.index import read_index
from lineage_store.ledger import open_ledger


class WithMetadata(DirectBackend):
    """The direct backend, which writes MLMD afterwards."""

    def record_training(self, job):
        ingest(job.workspace, job.model)

    def record_deletion(self, job):
        for change in job.changes:
            ingest(job.workspace, change.model_after)


def ingest(workspace, model):
    connection = read_index(workspace.index_file)
    record = find_model(connection, model)
    connection.close()
    metadata = Metadata(workspace.metadata, create=True)
    uris = {name: str(workspace.absolute(record.paths[name])) for name in ("rows", "model")}

    def stand_ins():
        if metadata.by_uri(uris["rows"]) is not None:
            return None
        graph = Subgraph(metadata)
        for name, uri in uris.items():
            graph.artifact("lineage.Shard", f"{model}:{name}", {"model": model}, uri=uri)
        return graph

    write_once(stand_ins)
    ingest_model(
        metadata,
        names=Names(workspace.keys().key_id),
        record=record,
        ledger=open_ledger(workspace.absolute(record.paths["ledger"])),
        uris=uris,
    )


def main():
    asked = json.load(sys.stdin)
    assert Path(unweave.__file__).parents[1] == Path.cwd(), unweave.__file__
    project = unweave.Project(asked["root"], backend=WithMetadata())
    project.train(**asked["train"])
    done = project.forget([asked["forget"]], guarantee="exact")
    project.report(done["request_id"], out=asked["report"])


if __name__ == "__main__":
    main()
