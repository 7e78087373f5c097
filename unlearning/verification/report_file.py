"""The check report of a result: made, with a twin if one is wanted, and kept with the request."""

import shutil
from pathlib import Path

from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.ledger import Ledger
from lineage_store.progress import phase
from lineage_store.workspace import Workspace
from unlearning.fitting.engines import HERE, ShardEngine
from unlearning.fitting.fit import fit_twin
from unlearning.fitting.shard_task import MakeLearner
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.plan_file import load_plan
from unlearning.planning.sealed_request import load_open
from unlearning.training.witness import forget_witnesses
from unlearning.verification.checks import CheckReport, Unlearned, check


def twin_folder(workspace: Workspace, plan: ModelPlan) -> Path:
    """Return where a twin's ledger is while its model is checked and evaluated."""
    return workspace.temporary / f"twin-{plan.model_before}"


def check_and_keep(
    workspace: Workspace,
    result: Unlearned,
    *,
    request_id: str,
    replay: bool,
    engine: ShardEngine = HERE,
    make: MakeLearner | None = None,
) -> CheckReport:
    """Check a plan's result, with a twin trained for it if `replay`, and keep the report.

    `make` makes the learner. What the unlearning left for the checks goes with them.
    The twin is left for `push_gate.evaluate_and_keep` if the workspace has a policy for that.
    Where the base is approximate there is no twin: it would have to start from the base's own.
    """
    plan = result.plan
    phase("checking")
    folder = twin_folder(workspace, plan)
    has_twin = plan.base is None or plan.base.claim.settles
    twin: Ledger | None = None
    try:
        if replay and has_twin:
            twin = fit_twin(
                plan,
                old=result.old,
                rows=result.store.folder,
                folder=folder,
                base=result.base,
                engine=engine,
            )
        nonce = load_open(workspace.request(request_id)).nonce
        report = check(result, twin=twin, nonce=nonce, make=make)
    finally:
        if not workspace.evaluation_policy.exists():  # else the evaluation needs it
            shutil.rmtree(folder, ignore_errors=True)
    kept = canonical_json(report.to_json()) + b"\n"
    write_atomic(workspace.request(request_id).checks(plan.model_before), kept)
    forget_witnesses(result.new.folder)
    return report


def load_reports(workspace: Workspace, request_id: str) -> dict[str, CheckReport]:
    """Read the check reports of a request, by the id of the model before."""
    found = {}
    folder = workspace.request(request_id)
    for plan in load_plan(folder):
        file = folder.checks(plan.model_before)
        if file.exists():
            found[plan.model_before] = CheckReport.from_json(read_json(file))
    return found
