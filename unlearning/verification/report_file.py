"""The check report of a result: made, with a twin if one is wanted, and kept with the request."""

from pathlib import Path

from lineage_store.workspace.folder import Workspace
from unlearning.planning.plan import ModelPlan


def twin_folder(workspace: Workspace, plan: ModelPlan) -> Path:
    """Return where a twin's ledger is while its model is checked and evaluated."""
    return workspace.temporary / f"twin-{plan.model_before}"
