"""A training as an earlier one was: on another table, with that model's columns and options.

What the ledger's header says is taken; kinds of columns are told from the rows anew, as they were.
"""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_store.data import Columns, open_table
from lineage_store.errors import BadInput
from lineage_store.index import manifest
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import open_ledger
from lineage_store.sources import AS_IT_IS
from lineage_store.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.runs.train import TrainRequest

KNOWN = {"classes", "features", "label", "label_type", "rules", "task"}  # of what was inferred


def as_trained(workspace: Workspace, model: ModelRecord, table: Path) -> "TrainRequest":
    """Return a training on a CSV file that is like that of a live model.

    Raises BadInput for a model whose columns have roles that its header does not say again, that
    starts from another's weights, and for a table without one of its columns.
    """
    from pipelines.runs.train import TrainRequest

    header = open_ledger(workspace.root / model.paths["ledger"]).header
    inferred, columns = header.data["inference"], manifest.columns_of(model)
    roles = not KNOWN.issuperset(inferred) or header.options.risk_rules
    if header.base is not None or columns is None or roles:
        raise BadInput(
            f"{model.id} was trained in a way that is said again by the command alone: "
            f"`unweave train` with `rectifies`."
        )
    features = {name for name, _ in inferred["features"]}
    wanted = {*features, *columns.subjects, *([columns.row_id] if columns.row_id else [])}
    wanted |= {inferred["label"]} if inferred["label"] else set()
    names = _names(table)
    if not wanted.issubset(names):
        raise BadInput(
            f"The table lacks {len(wanted.difference(names))} of the columns that {model.id} "
            f"learnt from: it has all of them, and is a CSV file in UTF-8."
        )
    asked = Columns(
        inferred["label"],
        columns.subjects,
        columns.row_id,
        tuple(name for name in names if name not in wanted),
        columns.place_by_row,
        task=inferred["task"],
    )
    has_module = workspace.module(header.module.digest).stat().st_size > 0
    return TrainRequest(
        sources=open_table((table,), asked, AS_IT_IS),
        columns=asked,
        options=header.options,
        module=workspace.module(header.module.digest) if has_module else None,
    )


def _names(table: Path) -> list[str]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput("The table cannot be read: it is a CSV file in UTF-8.") from error
