"""RowIndexer: the component that writes a model's rows by shard and slice."""

import json
from functools import partial
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import (
    Examples,
    Schema,
)
from tfx.types.system_executions import Process

from components.artifacts import Ledger, Rows
from components.ingestion.schema_check import check_schema
from components.properties import folder_of
from lineage_store.cells import CellLayout, describe, load_snapshot
from lineage_store.data import EVAL, TRAIN
from lineage_store.ledger import open_ledger
from lineage_store.placement import Partition
from lineage_store.rows import NO_CELLS, keep_known, open_rows, write_rows
from lineage_store.workspace import open_workspace
from unlearning.encoding import example_files, rows_from_examples
from unlearning.families import ModelSource, encoding_of_ledger, family_of
from unlearning.registry import must_be_trainable
from unlearning.training.unchanged_cells import unchanged_cells


@component(component_annotation=Process)
def RowIndexer(
    examples: InputArtifact[Examples],
    schema: InputArtifact[Schema],
    rows: OutputArtifact[Rows],
    workspace: Parameter[str],
    model_id: Parameter[str],
    snapshot: Parameter[str],
    partition: Parameter[str],
    family: Parameter[str],
    code_digest: Parameter[str],
    module_file: Parameter[str] = "",
    old_snapshot: Parameter[str] = "",
    old_rows: InputArtifact[Rows] = None,
    old_ledger: InputArtifact[Ledger] = None,
) -> None:
    """Reads Examples, checks them against the gate's types, and writes them by shard and slice.

    They are written as the model of the module reads them. After a deletion `old_snapshot` and
    `old_rows` are data and rows as they were, and `old_ledger` what was trained on them: cells
    that lose no row are taken over. Not for a model that has ended: its rows would be there only
    because someone put them back.
    """
    must_be_trainable(open_workspace(Path(workspace)), model_id)
    known = family_of(family)
    known.pin()
    gated = load_snapshot(Path(snapshot))
    check_schema(folder_of(schema) / "schema.pbtxt", gated.schema)
    cut = Partition(**json.loads(partition))
    same, before = NO_CELLS, None
    if old_rows is not None and old_ledger is not None:
        before = open_rows(folder_of(old_rows))
        same = unchanged_cells(
            gated,
            old_snapshot=load_snapshot(Path(old_snapshot)),
            old=open_ledger(folder_of(old_ledger)),
            store=before,
        )
    if old_ledger is not None:
        encoding = encoding_of_ledger(open_ledger(folder_of(old_ledger)), gated.schema)
    else:
        text = Path(module_file).read_text(encoding="utf-8")
        encoding = known.encoding(gated.schema, ModelSource("module", text))
    files = partial(example_files, folder_of(examples), gated)
    pieces = partial(rows_from_examples, snapshot=gated, encoding=encoding)
    store = write_rows(
        folder_of(rows),
        train=pieces(files(TRAIN, same)),
        evaluation=pieces(files(EVAL, same)),
        layout=CellLayout(cut, gated.buckets),
        description=describe(gated),
        fields=encoding.fields,
        unchanged=same,
    )
    keep_known(store, old=before)
