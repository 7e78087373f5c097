"""Opening a certificate's commitments to weights, where these are still there.

A commitment says nothing by itself. Who may read the workspace has the nonce of each live model,
and so can show that the model that is there is the one that the certificate names. Of a model that
has ended nobody can show anything any more, which is the point.
"""

from collections.abc import Mapping
from typing import Any, Literal

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.index import models, reading_index
from lineage_store.ledger import open_ledger, published_weights
from lineage_store.workspace import Workspace

Opening = Literal["opened", "ended", "another"]


def open_commitments(
    workspace: Workspace, predicate: Mapping[str, Any], *, model: str | None = None
) -> dict[str, Opening]:
    """Compare the models that a certificate says were made, or one of them, with what is there.

    Raises BadInput for a model that the certificate does not name.
    """
    made = {
        change["after"]["id"]: change["after"]["weights"]
        for change in predicate["models"]
        if change["after"] is not None
    }
    if model is not None:
        if model not in made:
            raise BadInput(
                f"The certificate names no model {model} after the deletion; it names "
                f"{', '.join(made) or 'none'}."
            )
        made = {model: made[model]}
    with reading_index(workspace) as connection:
        known = {record.id: record for record in models.models(connection)}
    return {name: _compared(workspace, known.get(name), weights) for name, weights in made.items()}


def _compared(workspace: Workspace, record: models.ModelRecord | None, weights: str) -> Opening:
    if record is None:
        return "another"  # of another workspace
    if record.state != "live":
        return "ended"
    try:
        there = published_weights(open_ledger(workspace.absolute(record.paths["ledger"])))
    except (OSError, ValueError, CheckFailed):
        return "another"  # files or nonce are not what they were
    return "opened" if there == weights else "another"
