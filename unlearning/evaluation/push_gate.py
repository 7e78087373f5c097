"""The evaluation of a deletion's result, within the run: judged, kept, and a gate for the push.

A deletion is evaluated if its workspace has a policy, `evaluation.json`. A model of several labels
is judged by each, and is as good as the one that is worst off. The report is kept with the request
while the run lasts. It holds means over rows, and none over fewer forgotten rows than the policy's;
what outlives the run says the same in words (`past_evaluation`), and goes into the certificate by
its digest: each number of the old model would confirm a guess of a row (law 9).
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, digest, read_json, write_atomic
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.ledger import Ledger, open_ledger
from lineage_store.without_numbers import without_numbers
from lineage_store.workspace import Workspace
from unlearning.evaluation.from_ledgers import ledgers_evaluated
from unlearning.evaluation.models_compared import KINDS
from unlearning.evaluation.policy import Policy, read_policy
from unlearning.evaluation.verdict import Evaluation, evaluate
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.plan_file import load_plan
from unlearning.verification.report_file import twin_folder

OUTCOMES = ("failed", "uninformative", "passed")
OTHER_COLUMNS = "the deletion changed classes or types of columns: the models read other rows"


def demanded(workspace: Workspace) -> Policy | None:
    """Return the workspace's policy, or None without one; raises BadInput if it does not fit."""
    file = workspace.evaluation_policy
    return read_policy(file) if file.exists() else None


def evaluate_and_keep(
    workspace: Workspace,
    *,
    request_id: str,
    plan: ModelPlan,
    old: Ledger,
    new: Ledger,
    rows: Path,
    old_rows: Path,
    policy: Policy,
) -> Evaluation:
    """Judge a plan's result beside the old model and, if the checks trained one, the twin.

    The twin goes, and the report is kept: `must_be_accepted` decides on it.
    """
    folder = twin_folder(workspace, plan)
    pairs = replace(policy, same_seeds=True)
    try:
        twin = open_ledger(folder) if folder.exists() else None
        labels = ledgers_evaluated(
            old=old, new=new, twin=twin, rows=rows, old_rows=old_rows, policy=pairs
        )
        if labels is None:
            found = _nothing_told(OTHER_COLUMNS, pairs)
        else:
            found = _weakest({name: evaluate(models, pairs) for name, models in labels.items()})
    except BadInput as error:  # an old model that answers NaN must not keep its rows for ever
        found = _nothing_told(str(error), pairs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    file = workspace.request(request_id).evaluation(plan.model_before)
    write_atomic(file, evaluation_bytes(found.to_json()))
    return found


def _weakest(found: Mapping[str, Evaluation]) -> Evaluation:
    """Return the evaluation of the label that is worst off; of several, it says which that is."""
    name, worst = min(found.items(), key=lambda pair: OUTCOMES.index(pair[1].outcome))
    return replace(worst, why=f"label {name!r}: {worst.why}") if name else worst


def must_be_accepted(found: Evaluation) -> None:
    """Raise CheckFailed if the policy does not let the model through: nothing is erased yet."""
    if not found.accepted:
        raise CheckFailed(
            f"The new model is evaluated as {found.outcome}, and the policy in evaluation.json "
            f"does not accept that: {found.why}. Nothing was erased and the old model is still "
            f"served."
        )


def load_evaluations(workspace: Workspace, request_id: str) -> dict[str, dict[str, Any]]:
    """Read the evaluations of a request, by the model before."""
    folder = workspace.request(request_id)
    files = {plan.model_before: folder.evaluation(plan.model_before) for plan in load_plan(folder)}
    return {model: read_json(file) for model, file in files.items() if file.exists()}


def evaluation_digests(workspace: Workspace, request_id: str) -> Mapping[str, Mapping[str, Any]]:
    """Return outcome, rung and digest of each evaluation of a request, by the model before.

    The digest is of the evaluation as it outlives the run.
    """
    return {
        model: {
            "outcome": value["outcome"],
            "rung": value["rung"],
            "digest": digest(evaluation_bytes(past_evaluation(value))),
        }
        for model, value in load_evaluations(workspace, request_id).items()
    }


def past_evaluation(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what outlives a run of an evaluation: outcomes and words; of that, the same."""
    return {
        **value,
        "why": without_numbers(value["why"]),
        "rungs": [
            {**one, "detail": without_numbers(one["detail"]), "values": dict.fromkeys(KINDS)}
            for one in value["rungs"]
        ],
        "findings": [
            {**one, "detail": without_numbers(one["detail"]), "measure": None}
            for one in value["findings"]
        ],
        "measures": [],
        "charts": None,
    }


def evaluation_bytes(value: Mapping[str, Any]) -> bytes:
    """Return the bytes of an evaluation's file."""
    return canonical_json(dict(value)) + b"\n"


def _nothing_told(why: str, policy: Policy) -> Evaluation:
    return Evaluation("uninformative", why, None, (), (), (), (), policy)
