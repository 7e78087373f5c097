"""What a deletion's certificate says.

It names by commitment the models before and after, the subjects and the rows; it repeats
the plan's verdicts, the checks and what the erasure's scan read. What it does not cover it names
too. The receipt (`receipts`) holds the nonce that opens the commitments: it is the requester's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_store.canonical import digest_json
from lineage_store.index import Request
from lineage_store.questions import what_is_left
from unlearning.certificates.envelope import rows_root, statement
from unlearning.certificates.log_inclusion import request_facts
from unlearning.certificates.shared_run import commitments
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.sealed_request import OpenRequest
from unlearning.verification.checks import CheckReport
from unlearning.verification.twin_distance import UNMEASURED

NOT_COVERED = (
    "the source files that the data came from",
    "copies and backups outside the workspace",
    "what storage devices keep of overwritten blocks",
    "what was predicted or derived from the old model before it was replaced",
)
KEPT = "keep_rows"  # of a deletion that took the rows of a restriction out of the models
KEPT_SEALED = (
    "the rows themselves: their processing is restricted (GDPR, Article 18), so they are kept in "
    "the workspace, sealed and out of every model, and can be put back"
)
NOT_LEARNT = "not learnt from"


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a deletion made of all models; plans and reports as they outlive it (`past_plan`).

    `reports`, `evaluations` and `weights_before` are by the id of the model before; a withdrawn
    model has no report, and no evaluation. `exact_by` is the date by which an exact result takes an
    approximate one's place, and `upgrades` are the approximate runs whose results this one makes
    exact. `earlier` are the models of which an earlier unweave published digests. `kept` says that
    the rows were taken out to be kept.
    """

    plans: Sequence[ModelPlan]
    reports: Mapping[str, CheckReport]
    evaluations: Mapping[str, Mapping[str, Any]]
    weights_before: Mapping[str, str]
    exact_by: str | None = None
    upgrades: Sequence[Mapping[str, Any]] = ()
    earlier: Sequence[str] = ()
    kept: bool = False

    @property
    def not_covered(self) -> list[str]:
        """What the certificate does not speak of."""
        left = [what_is_left(self.earlier)] if self.earlier else []
        return [*NOT_COVERED, *([KEPT_SEALED] if self.kept else []), *left]


@dataclass(frozen=True, kw_only=True)
class Maker:
    """By what a deletion was carried out: which unweave, by which code, where, under which key."""

    version: str
    code: str
    environment: Mapping[str, Any]
    key_id: str


def certificate_statement(
    *,
    request: Request,
    time: str,
    opened: OpenRequest,
    results: Results,
    maker: Maker,
    scan: Mapping[str, Any],
    log: Mapping[str, Any],
    run: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the in-toto statement of a finished deletion.

    `scan` is what the erasure's scan said, and `log` proves that the request stood in the event log
    (`log_inclusion`). `run` binds the certificate of one id to that of its run (`shared_run`).
    """
    named: list[tuple[str, str]] = []
    changes = []
    for plan in results.plans:
        report = results.reports.get(plan.model_before)
        before = results.weights_before[plan.model_before]
        named.append((f"weights of {plan.model_before}, before", before))
        after = report.weights if report else None
        if after is not None:
            named.append((f"weights of {plan.model_after}, after", after))
        change = _change(plan, report, before, after)
        if results.exact_by is not None and plan.claim.leaves_derived:
            change["exact_due_by"] = results.exact_by
        if plan.model_before in results.evaluations:
            change["evaluation"] = dict(results.evaluations[plan.model_before])
        changes.append(change)
    predicate = {
        "request": request_facts(request),
        "certified": time,
        "subjects": commitments(opened),
        "rows": {
            "count": len(opened.row_keys),
            "root": rows_root(opened.nonce, opened.row_keys),
        },
        "models": changes,
        "erasure": {
            "files_scanned": scan["files"],
            "bytes_scanned": scan["bytes"],
            "patterns": scan["patterns"],
            "ids_not_distinctive": scan["not_distinctive"],
            "ids_left_out": scan.get("left_out", 0),
            "found": len(scan["found"]),
        },
        "not_covered": results.not_covered,
        "tool": {"name": "unweave", "version": maker.version, "code": maker.code},
        "environment": dict(maker.environment),
        "workspace_key": maker.key_id,
        "log": dict(log),
    }
    if results.upgrades:
        predicate["upgrades"] = list(results.upgrades)
    if run is not None:
        predicate["run"] = dict(run)
    return statement(subjects=named, predicate=predicate)


def _change(
    plan: ModelPlan, report: CheckReport | None, before: str, after: str | None
) -> dict[str, Any]:
    change: dict[str, Any] = {
        "before": {"id": plan.model_before, "weights": before},
        "after": {"id": plan.model_after, "weights": after} if after else None,
        "strategy": plan.strategy,
        "guarantee": plan.guarantee,
        "claim": plan.claim.to_json(),
        "rows": dict(plan.rows_by_split),
        "shards": {str(d.shard): d.verb for d in plan.shards},
        "plan": digest_json(plan.to_json()),
        "verdicts": [verdict.__dict__ for verdict in plan.verdicts],
    }
    if plan.base is not None:
        change["base"] = {"before": plan.base.before, "after": plan.base.after}
    change["claim"] = plan.claim.to_json()
    if plan.reuse is not None:
        change["reuse"] = plan.reuse.in_words()
    if plan.exposure is not None:
        change["updates"] = {"affected": plan.exposure.affected, "of": plan.exposure.updates}
    if plan.later is not None:
        change["kept_for_later"] = plan.later.to_json()
    change["verification"] = _verification(plan, report)
    if report is not None:
        change["checks"] = [check.__dict__ for check in report.checks]
        if not report.learnt:
            change["learnt"] = NOT_LEARNT
        change["fixed_by_the_user"] = "configuration, module, workspace secret"
        if plan.claim.settles:
            change["basis"] = report.basis
        else:
            change["distance_to_twin"] = report.nearness
            change["closeness"] = report.closeness
    return change


def _verification(plan: ModelPlan, report: CheckReport | None) -> dict[str, str]:
    """Say which rung of the ladder holds: bits, a distance measured, or none; never behaviour."""
    if report is None:
        rung, how = "withdrawn", "no model is left whose weights could be compared"
    elif plan.claim.settles:
        bridged = plan.claim.bridged is not None
        rung, how = "bits", plan.claim.in_words() if bridged else report.basis
    elif report.nearness != UNMEASURED:
        rung, how = "distance", "measured to the weights of the twin, beside the untouched model's"
    else:
        rung, how = "none", "the result was not compared with its twin"
    return {"rung": rung, "how": how, "behaviour": "not shown"}
