"""The answers of the commands that change something, as plain values."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lineage_store.cells import load_snapshot
from lineage_store.index import deletions, models, reading_index
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import Timings, TrainOptions
from lineage_store.placement import Partition
from lineage_store.processing.recipients import recipients
from lineage_store.workspace import Workspace
from unlearning.certificates import receipt_name
from unlearning.erasure import LeftOut
from unlearning.evaluation import evaluation_digests
from unlearning.families import next_border
from unlearning.planning import ModelPlan, load_plan
from unlearning.verification import UNMEASURED, CheckReport, Distances, load_reports
from unweave.answers.costs import cost_of
from unweave.answers.revealed import weights_in_clear

if TYPE_CHECKING:
    from pipelines.runs import ForgetRequest, Planned
    from pipelines.runs.forget import FinishedDeletion


def trained(
    workspace: Workspace, record: ModelRecord, *, seconds: float, reveal: bool
) -> dict[str, Any]:
    """Return what `train` says."""
    partition = record.config["partition"]
    banded = Partition(**partition).bands > 1
    rows = sum(record.report["rows"].values())
    schema = load_snapshot(workspace.absolute(record.paths["data"])).schema
    border = next_border(TrainOptions.from_json(record.config), rows, schema)
    return {
        "model_id": record.id,
        "model": record.id,
        "model_path": str(workspace.absolute(record.paths["pushed"])),
        "weights": record.weights,
        **({"weights_digest": weights_in_clear(workspace, record.paths)} if reveal else {}),
        "rows": rows,
        "rows_by_split": record.report["rows"],
        "excluded": record.report["excluded"],
        "task": record.report["task"],
        "shards": partition["shards"],
        "slices": partition["slices"],
        "by_default": record.config.get("by_table", False),
        "next_border": border,
        "epochs": partition["epochs"],
        "key_id": record.config["key_id"],
        "steps": record.report["steps"],
        "step_seconds": record.report["step_seconds"],
        "metrics": record.report["metrics"],
        "seconds": round(seconds, 3),
        "config": dict(record.config),
        **({"expected_cost": cost_of(workspace, record)} if banded else {}),
    }


def planned(
    plans: Sequence[ModelPlan],
    *,
    subjects: int,
    kind: str = "subject",
    left_out: Sequence[LeftOut] = (),
    others: int | None = None,
) -> dict[str, Any]:
    """Return what `forget` says that it would do; `others` lose rows with those who go."""
    newest = plans[-1]
    return {
        "dry_run": True,
        "subjects": subjects,
        "kind": kind,
        "rows_found": max(plan.rows_found for plan in plans),
        **({} if others is None else {"others": others}),
        "strategy": newest.strategy,
        "guarantee": newest.guarantee,
        "claim": newest.claim.to_json(),
        "model_before": newest.model_before,
        "steps_planned": sum(plan.steps_planned for plan in plans),
        "steps_full": sum(plan.steps_full for plan in plans),
        "affected_shards": newest.affected_shards,
        "verdicts": [verdict.__dict__ for plan in plans for verdict in plan.verdicts],
        "warnings": [warning for plan in plans for warning in plan.warnings],
        "plans": [plan.to_json() for plan in plans],
        "left_out": [{"number": one.place + 1, "places": list(one.places)} for one in left_out],
    }


def planned_alone(planned_: "Planned", request: "ForgetRequest") -> dict[str, Any]:
    """Return what `forget` says of a dry run."""
    return planned(
        planned_.plans,
        subjects=len(request.ids),
        kind=request.kind,
        left_out=planned_.left_out,
        others=planned_.others,
    )


def _actual(after: ModelRecord | None) -> dict[str, Any] | None:
    """Return what the unlearning took, in the terms of its estimate, if that was measured."""
    took = None if after is None else after.report.get("timings")
    if took is None or after is None:
        return None
    return {
        "steps": after.report["steps"],
        "seconds": round(Timings(**took).total, 3),
        "bytes": took["written"],
    }


def _in_clear(
    workspace: Workspace, done: "FinishedDeletion", before: ModelRecord, after: ModelRecord | None
) -> dict[str, Any]:
    return {
        "weights_digest_before": done.weights_before.get(before.id),
        "weights_digest_after": weights_in_clear(workspace, after.paths) if after else None,
    }


def _receipt(workspace: Workspace, request_id: str) -> str | None:
    """Return where the receipt lies, sealed; None where each of several ids has one of its own."""
    file = workspace.receipts().file(receipt_name(request_id))
    return str(file) if file.exists() else None


def _closeness(report: CheckReport | None, away: Distances) -> str | None:
    if report is None or report.closeness is None:
        return None
    return report.closeness if away.nearness == UNMEASURED else away.in_words


def forgotten(
    workspace: Workspace, done: "FinishedDeletion", *, seconds: float, reveal: bool
) -> dict[str, Any]:
    """Return what `forget` says; the newest model's change stands at the top.

    Distances and the whole evaluation are told by the run that measured them, and never again.
    """
    request_id = done.request
    folder = workspace.request(request_id)
    plans = load_plan(folder)
    reports = load_reports(workspace, request_id)
    with reading_index(workspace) as connection:
        request = deletions.find_request(connection, request_id)
        records = {record.id: record for record in models.models(connection)}
        was_served = recipients(connection, workspace, [plan.model_before for plan in plans])
    judged = evaluation_digests(workspace, request_id)
    changes = []
    for plan in plans:
        before = records[plan.model_before]
        after = records[plan.model_after] if plan.model_after else None
        report = reports.get(plan.model_before)
        away = done.distances.get(plan.model_before, Distances())
        changes.append(
            {
                "strategy": plan.strategy,
                "guarantee": plan.guarantee,
                "claim": plan.claim.to_json(),
                "basis": report.basis if report and plan.claim.settles else None,
                "reuse": plan.reuse.in_words() if plan.reuse else None,
                "why": plan.why,
                "model_before": before.id,
                "model_after": after.id if after else None,
                "base": plan.base_model,
                "model_path": str(workspace.absolute(after.paths["pushed"])) if after else None,
                "weights_before": before.weights,
                "weights_after": after.weights if after else None,
                **(_in_clear(workspace, done, before, after) if reveal else {}),
                "rows_found": plan.rows_found,
                "affected_shards": plan.affected_shards,
                "steps_planned": plan.steps_planned,
                "steps_recomputed": after.report["steps"] if after else 0,
                "steps_full": after.report["steps_full"] if after else 0,
                "step_seconds": after.report["step_seconds"] if after else 0.0,
                "estimate": plan.estimate.to_json() if plan.estimate else None,
                "actual": _actual(after),
                "updates_affected": plan.exposure.affected if plan.exposure else None,
                "share_affected": plan.exposure.share if plan.exposure else None,
                **plan.words.numbers,
                "told": dict(plan.words.lines),
                "kept_for_later": plan.later.to_json() if plan.later else None,
                "repair_epochs": max((d.repair_epochs for d in plan.shards), default=0),
                "distance_to_twin": away.unlearned,
                "distance_untouched": away.untouched,
                "relative_distance": away.relative,
                "closeness": _closeness(report, away),
                "learnt": report.learnt if report else None,
                "checks": [check.__dict__ for check in report.checks] if report else [],
                "evaluation": judged.get(plan.model_before),
                "evaluated": done.evaluations.get(plan.model_before),
                "metrics_before": before.report["metrics"],
                "metrics_after": after.report["metrics"] if after else None,
                "verdicts": [verdict.__dict__ for verdict in plan.verdicts],
            }
        )
    approximate = any(plan.claim.leaves_derived for plan in plans)
    return {
        "request_id": request_id,
        "deletion": request_id,
        "subjects": (request.result or {}).get("subjects", 0),
        **changes[-1],
        "rows_found": (request.result or {}).get("rows", 0),
        "steps_recomputed": sum(change["steps_recomputed"] for change in changes),
        "steps_full": sum(change["steps_full"] for change in changes),
        "seconds": round(seconds, 3),
        "warnings": [*done.notes, *(warning for plan in plans for warning in plan.warnings)],
        "certificate": str(folder.certificate),
        "receipt": _receipt(workspace, request_id),
        "public_key": str(workspace.public_key),
        "exact_by": request.options.get("exact_by") if approximate else None,
        "others": done.others,
        "recipients": was_served,
        "models": changes,
    }
