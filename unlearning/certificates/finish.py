"""The end of a deletion run: certificate written, request closed, once.

Each function can run again after a kill and gives the same files, but for the time: what is random
(the nonce) was drawn when the request was opened, and what is a time is read when it is signed.
"""

from collections.abc import Collection
from contextlib import closing
from functools import partial

from lineage_store.canonical import canonical_json, digest, read_json, write_atomic
from lineage_store.clock import Clock
from lineage_store.errors import WorkspaceBusy
from lineage_store.index import (
    compact,
    deletions,
    keep_answered,
    keep_certified,
    logging_events,
    models,
    queue,
    reading_index,
    row_index,
)
from lineage_store.keys import Pseudonyms, entries_of_ids
from lineage_store.log import RowsDeleted, events
from lineage_store.progress import phase
from lineage_store.questions import models_published_before
from lineage_store.workspace import Workspace
from unlearning.certificates.log_inclusion import opening_proof
from unlearning.certificates.sealing import seal_for_each
from unlearning.certificates.statement import KEPT, Maker, Results, certificate_statement
from unlearning.evaluation.push_gate import (
    evaluation_bytes,
    evaluation_digests,
    load_evaluations,
    past_evaluation,
)
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment
from unlearning.planning.exact_later import made_good
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.past_plan import past_plan
from unlearning.planning.plan_file import load_plan, load_scan, save_plan
from unlearning.planning.sealed_request import destroy_open, load_open
from unlearning.verification.checks import CheckReport
from unlearning.verification.report_file import load_reports


def certify(workspace: Workspace, request_id: str, *, clock: Clock, version: str) -> bytes:
    """Write the certificate, seal the receipt, log the deletion, close the request.

    Returns the certificate. Where there are several ids, each has a certificate of its own, too,
    numbered in their order, and the receipts are theirs alone. A request that is closed already
    keeps its certificate.
    """
    folder = workspace.request(request_id)
    with reading_index(workspace) as connection:
        request = deletions.find_request(connection, request_id)
        if request.state == "done":
            return folder.certificate.read_bytes()
        phase("certifying")
        opened, plans = load_open(folder), list(map(past_plan, load_plan(folder)))
        before = {
            plan.model_before: models.find_model(connection, plan.model_before).weights
            for plan in plans
        }
        approximate = any(plan.claim.leaves_derived for plan in plans)
        exact_by = request.options.get("exact_by") if approximate else None
        time = max(clock(), request.created)  # if the clock was set back meanwhile
        stated = partial(
            certificate_statement,
            request=request,
            time=time,
            results=Results(
                plans=plans,
                reports={
                    model: report.past
                    for model, report in load_reports(workspace, request_id).items()
                },
                evaluations=evaluation_digests(workspace, request_id),
                weights_before=before,
                exact_by=exact_by,
                upgrades=made_good(connection, workspace, plans),
                earlier=models_published_before(connection),
                kept=bool(request.options.get(KEPT)),
            ),
            maker=Maker(
                version=version,
                code=code_digest(),
                environment=environment(),
                key_id=workspace.keys().key_id,
            ),
            scan=load_scan(folder),
            log=opening_proof(connection, workspace, request),
        )
    guarantees = {plan.model_before: plan.guarantee for plan in plans}
    sealed = seal_for_each(
        workspace,
        request_id,
        opened,
        stated=lambda part, run: stated(opened=part, run=run),
        guarantees=guarantees,
        time=time,
    )
    deleted = RowsDeleted(
        request=request_id,
        certificate=digest(sealed),
        models={plan.model_before: plan.model_after for plan in plans},
        guarantees=guarantees,
        ids=len(opened.ids),
    )
    with logging_events(workspace) as log:
        ended = clock()
        events.append(log, deleted, time=ended)
        result = {"rows": len(opened.row_keys), "subjects": len(opened.ids)}
        deletions.finish(log, request_id, result=result, time=ended)
        entries = entries_of_ids(workspace.keys(), opened.ids, rows=opened.kind == "row")
        keep_certified(log, request_id, [names[-1] for names in entries])
        for one in queue.of_run(log, request_id):
            if one.invoked.outlives_run:  # the run is no longer named as its own, and is its proof
                keep_answered(log, one.id, [request_id])
        queue.run_done(log, request_id, exact_by=exact_by, time=ended)
    return sealed


def _put_away(workspace: Workspace, request_id: str) -> None:
    """Write plans and reports as they outlive the run, copies that a pipeline made included."""
    folder = workspace.request(request_id)
    save_plan(folder, list(map(past_plan, load_plan(folder))))
    for model, report in load_reports(workspace, request_id).items():
        write_atomic(folder.checks(model), canonical_json(report.past.to_json()) + b"\n")
    for model, value in load_evaluations(workspace, request_id).items():
        write_atomic(folder.evaluation(model), evaluation_bytes(past_evaluation(value)))
    run = f"forget-{request_id}"
    for file in workspace.outputs(run, "plan", "plan.json"):
        plan = past_plan(ModelPlan.from_json(read_json(file)))
        write_atomic(file, canonical_json(plan.to_json()) + b"\n")
    for file in workspace.outputs(run, "report", "report.json"):
        past = CheckReport.from_json(read_json(file)).past
        write_atomic(file, canonical_json(past.to_json()) + b"\n")


def forget_open_file(
    workspace: Workspace, request_id: str, *, sealed: Collection[bytes] | None
) -> None:
    """Put away what names places of rows, then destroy the keys: the very last step.

    Those of the subjects' pseudonyms go before that of the open file. A subject that still has rows
    keeps its key: ids of rows may be equal to names of subjects. What the requests `said`, sealed,
    leaves the pages of the index first; None where that is not known any more. Raises WorkspaceBusy
    if another program keeps the index open.
    """
    folder = workspace.request(request_id)
    if not folder.open_file.exists():
        return
    if sealed != [] and not compact(workspace.index_file, gone=sealed):
        raise WorkspaceBusy(
            "Another program is reading the index (unweave.sqlite), and as long as it does, what "
            "the requests said in words cannot go: close it and run the same command again, which "
            "ends this deletion. All else of it is done, and certified."
        )
    _put_away(workspace, request_id)
    if not folder.open_key.exists():
        destroy_open(folder)  # killed between the two: all else is done
        return
    opened = load_open(folder)
    pseudonyms = Pseudonyms(workspace.pseudonym_file, workspace.keys())
    with reading_index(workspace) as connection, closing(pseudonyms):
        known = {one: pseudonyms.find(one) for one in opened.names}
        pseudonyms.shred(
            one
            for one, pseudonym in known.items()
            if pseudonym is not None and not row_index.has_rows(connection, pseudonym)
        )
    destroy_open(folder)
