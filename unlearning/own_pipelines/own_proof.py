"""The certificate of a deletion from somebody's own pipeline: in the form that all have.

A model is named by the number of its artifact in the pipeline's ML Metadata. Its weights are the
commitment to the whole states of its shards, under the nonce of its ledger, which is erased with
it. What may be claimed: bits, where a shard came to the same bits twice, in two processes with
other hashes, and each changed shard was trained without the rows. Which shard that was is said, and
with it that one shard cannot show of the others.

A pipeline may train several models: each has its part, and of several people each a certificate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lineage_store.canonical import canonical_json, digest, digest_json
from lineage_store.claim import Claim
from lineage_store.clock import Clock
from lineage_store.commitments import commitment as committed
from lineage_store.commitments import derived, nonce_of
from lineage_store.index import deletions, keep_certified, logging_events, reading_index
from lineage_store.keys import entries_of_ids
from lineage_store.log import RowsDeleted, events
from lineage_store.workspace import Workspace
from unlearning.certificates import seal_for_each
from unlearning.certificates.envelope import rows_root, statement
from unlearning.certificates.log_inclusion import opening_proof, request_facts
from unlearning.certificates.shared_run import commitments
from unlearning.certificates.statement import NOT_COVERED
from unlearning.erasure.scan import Scan
from unlearning.fingerprint import code_digest
from unlearning.fingerprint.environment import environment
from unlearning.own_pipelines.own_checks import shard_verbs
from unlearning.own_pipelines.own_request import OwnRequest
from unlearning.planning import OpenRequest, destroy_open
from unlearning.strategies import RetrainWholeShards
from unlearning.verification import UNMEASURED, Check
from unlearning.whole_shards import WholeLedger

APPROXIMATE = Claim("approximate")
FIXED = "pipeline definition, run_fn, parameters, hyperparameters, workspace secret"
OUTSIDE = "temporary files that runs of the pipeline left outside of its root"
ELSEWHERE = "values of the rows that stand elsewhere, too, which were left out of the search"
ROOTS = ("unlearning.whole_shards.train_whole.train_whole_shards",)


@dataclass(frozen=True)
class OwnModel:
    """One model before and after: by numbers of artifacts, with commitment, ledger and checks.

    `before` is its id and weights, as they stood when the request was recorded; `trainer` is the
    component that made it.
    """

    trainer: str
    before: Mapping[str, str]
    after: str
    ledger: WholeLedger
    checks: Sequence[Check]

    @property
    def claim(self) -> Claim:
        """What the result may say of itself."""
        return RetrainWholeShards.claim if self.ledger.repeatable else APPROXIMATE

    @property
    def shards(self) -> Mapping[str, str]:
        """What became of each shard."""
        return shard_verbs(self.ledger)


@dataclass(frozen=True)
class OwnChange:
    """What became of a pipeline: its models, how many rows went by split, and all verdicts.

    `choices` are the components whose choices among hyperparameters a twin is given, too.
    """

    models: Sequence[OwnModel]
    rows: Mapping[str, int]
    verdicts: Sequence[Mapping[str, Any]]
    choices: Sequence[str] = ()

    @property
    def fixed(self) -> str:
        """What a twin has in common with the result."""
        return ", ".join([FIXED, *(f"what {one} chose among its trials" for one in self.choices)])

    @property
    def guarantees(self) -> dict[str, str]:
        """What each model that replaced another may be called."""
        return {model.before["id"]: model.claim.word for model in self.models}


def published_state(ledger: WholeLedger) -> str:
    """Return the commitment to the whole states of a ledger's shards."""
    states = [[shard.number, dict(shard.state)] for shard in ledger.shards]
    nonce = derived(nonce_of(ledger.folder), "whole states")
    return committed(nonce, canonical_json(states))


def certify_own(
    workspace: Workspace,
    request: OwnRequest,
    change: OwnChange,
    *,
    scan: Scan,
    left_out: bool,
    clock: Clock,
    version: str,
) -> bytes:
    """Write the certificates, seal the receipts, log the deletion, close the request; once.

    `left_out` says that the scan was allowed to leave values out that stand elsewhere, too: whether
    there were any depends on the rows, and is not said. Returns the certificate of the run.
    """
    record, opened = request.record, request.opened
    time = max(clock(), record.created)
    with reading_index(workspace) as connection:
        log = opening_proof(connection, workspace, record)
    models = [
        _of_model(one, change, plan=digest_json(dict(request.before))) for one in change.models
    ]
    common = {
        "request": request_facts(record),
        "certified": time,
        "models": models,
        "erasure": {
            "files_scanned": scan.files,
            "bytes_scanned": scan.past.bytes,
            "patterns": scan.past.patterns,
            "ids_not_distinctive": scan.not_distinctive,
            "found": len(scan.found),
        },
        "not_covered": [*NOT_COVERED, OUTSIDE, *([ELSEWHERE] if left_out else [])],
        "tool": {"name": "unweave", "version": version, "code": code_digest(ROOTS)},
        "environment": environment(),
        "workspace_key": workspace.keys().key_id,
        "log": log,
    }
    named = [
        (f"weights of {one['id']}, {when}", one["weights"])
        for model in models
        for one, when in ((model["before"], "before"), (model["after"], "after"))
    ]
    sealed = seal_for_each(
        workspace,
        record.id,
        opened,
        stated=partial(_stated, common, named),
        guarantees=change.guarantees,
        time=time,
    )
    _close(workspace, request, change, sealed=sealed, clock=clock)
    return sealed


def _stated(
    common: Mapping[str, Any],
    named: Sequence[tuple[str, str]],
    opened: OpenRequest,
    run: Mapping[str, Any] | None,
) -> dict[str, Any]:
    rows = {"count": len(opened.row_keys), "root": rows_root(opened.nonce, opened.row_keys)}
    predicate = {**common, "subjects": commitments(opened), "rows": rows}
    return statement(
        subjects=named, predicate=predicate if run is None else {**predicate, "run": dict(run)}
    )


def _of_model(model: OwnModel, change: OwnChange, *, plan: str) -> dict[str, Any]:
    """Return what is said of one model."""
    claim, ledger = model.claim, model.ledger
    entry: dict[str, Any] = {
        "before": dict(model.before),
        "after": {"id": model.after, "weights": published_state(ledger)},
        "strategy": RetrainWholeShards.name,
        "guarantee": claim.word,
        "claim": claim.to_json(),
        "rows": dict(change.rows),
        "shards": dict(model.shards),
        "plan": plan,
        "verdicts": list(change.verdicts),
        "checks": [check.__dict__ for check in model.checks],
        "fixed_by_the_user": change.fixed,
        "reuse": f"shard {ledger.tried} {ledger.trial}; no other shard was",
    }
    if claim.settles:
        how = "by construction"
        return entry | {"basis": how, "verification": _shown("bits", how)}
    return entry | {
        "distance_to_twin": UNMEASURED,
        "closeness": "not measured",
        "verification": _shown("none", "the result was not compared with its twin"),
    }


def _close(
    workspace: Workspace, request: OwnRequest, change: OwnChange, *, sealed: bytes, clock: Clock
) -> None:
    record, opened = request.record, request.opened
    deleted = RowsDeleted(
        request=record.id,
        certificate=digest(sealed),
        models={one.before["id"]: one.after for one in change.models},
        guarantees=change.guarantees,
        ids=len(opened.ids),
    )
    with logging_events(workspace) as log:
        ended = clock()
        events.append(log, deleted, time=ended)
        result = {"rows": len(opened.row_keys), "subjects": len(opened.ids)}
        deletions.finish(log, record.id, result=result, time=ended)
        entries = entries_of_ids(workspace.keys(), opened.ids, rows=opened.kind == "row")
        keep_certified(log, record.id, [names[-1] for names in entries])
    destroy_open(request.folder)


def _shown(rung: str, how: str) -> dict[str, str]:
    return {"rung": rung, "how": how, "behaviour": "not shown"}
