"""The certificate of a deletion from somebody's own pipeline: in the form that all have.

A model is named by the number of its artifact in the pipeline's ML Metadata. Its weights are the
commitment to the whole states of its shards, under the nonce of its ledger, which is erased with
it. What may be claimed: bits, where a shard came to the same bits twice, in two processes with
other hashes, and each changed shard was trained without the rows. Which shard that was is said, and
with it that one shard cannot show of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_store.canonical import canonical_json, digest, digest_json, write_atomic
from lineage_store.claim import BITS, Claim
from lineage_store.clock import Clock
from lineage_store.commitments import commitment as committed
from lineage_store.commitments import derived, nonce_of
from lineage_store.index import deletions, logging_events, reading_index
from lineage_store.keys import load_private_key
from lineage_store.log import RowsDeleted, events
from lineage_store.workspace import Workspace
from unlearning.certificates.envelope import rows_root, seal, statement
from unlearning.certificates.log_inclusion import opening_proof, request_told
from unlearning.certificates.receipts import receipt_name
from unlearning.certificates.shared_run import commitments
from unlearning.certificates.statement import NOT_COVERED
from unlearning.erasure.scan import Scan
from unlearning.fingerprint import code_digest
from unlearning.fingerprint.environment import environment
from unlearning.own_pipelines.own_request import OwnRequest
from unlearning.planning import destroy_open
from unlearning.verification import UNMEASURED, Check
from unlearning.whole_shards import WholeLedger

STRATEGY = "retrain-whole-shards"
APPROXIMATE = Claim("approximate")
FIXED = "pipeline definition, run_fn, parameters, hyperparameters, workspace secret"
OUTSIDE = "temporary files that runs of the pipeline left outside of its root"
ROOTS = ("unlearning.whole_shards.train_whole.train_whole_shards",)


@dataclass(frozen=True)
class OwnChange:
    """What became of a pipeline's model: numbers of artifacts, ledger, verdicts and checks."""

    after: str
    ledger: WholeLedger
    shards: Mapping[str, str]
    rows: Mapping[str, int]
    verdicts: Sequence[Mapping[str, Any]]
    checks: Sequence[Check]

    @property
    def claim(self) -> Claim:
        """What the result may say of itself."""
        return BITS if self.ledger.repeatable else APPROXIMATE


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
    clock: Clock,
    version: str,
) -> bytes:
    """Write the certificate, seal the receipt, log the deletion, close the request; once."""
    record, opened, claim = request.record, request.opened, change.claim
    before, after = dict(request.before["model"]), {"id": change.after}
    after["weights"] = published_state(change.ledger)
    told: dict[str, Any] = {
        "before": before,
        "after": after,
        "strategy": STRATEGY,
        "guarantee": claim.word,
        "claim": claim.to_json(),
        "rows": dict(change.rows),
        "shards": dict(change.shards),
        "plan": digest_json(dict(request.before)),
        "verdicts": list(change.verdicts),
        "checks": [check.__dict__ for check in change.checks],
        "fixed_by_the_user": FIXED,
        "reuse": f"shard {change.ledger.tried} {change.ledger.trial}; no other shard was",
    }
    if claim.settles:
        how = "by construction"
        told |= {"basis": how, "verification": _shown("bits", how)}
    else:
        told["distance_to_twin"] = UNMEASURED
        told["closeness"] = "not measured"
        told["verification"] = _shown("none", "the result was not compared with its twin")
    time = max(clock(), record.created)
    with reading_index(workspace) as connection:
        log = opening_proof(connection, workspace, record)
    predicate = {
        "request": request_told(record),
        "certified": time,
        "subjects": commitments(opened),
        "rows": {
            "count": len(opened.row_keys),
            "root": rows_root(opened.nonce, opened.row_keys),
        },
        "models": [told],
        "erasure": {
            "files_scanned": scan.files,
            "bytes_scanned": scan.bytes,
            "patterns": scan.patterns,
            "ids_not_distinctive": scan.not_distinctive,
            "found": len(scan.found),
        },
        "not_covered": [*NOT_COVERED, OUTSIDE],
        "tool": {"name": "unweave", "version": version, "code": code_digest(ROOTS)},
        "environment": environment(),
        "workspace_key": workspace.keys().key_id,
        "log": log,
    }
    named = [
        (f"weights of {one['id']}, {when}", one["weights"])
        for one, when in ((before, "before"), (after, "after"))
    ]
    sealed = seal(
        statement(subjects=named, predicate=predicate), load_private_key(workspace.signing_key)
    )
    write_atomic(request.folder.certificate, sealed)
    _close(workspace, request, change, sealed=sealed, clock=clock)
    return sealed


def _close(
    workspace: Workspace, request: OwnRequest, change: OwnChange, *, sealed: bytes, clock: Clock
) -> None:
    record, opened = request.record, request.opened
    receipt = {
        "request": record.id,
        "guarantees": {request.before["model"]["id"]: change.claim.word},
        "certificate": digest(sealed),
        "nonce": opened.nonce.hex(),
        "kind": opened.kind,
        "how": "commitment of an id = HMAC-SHA256 under the nonce; see docs/certificate.md",
    }
    if len(opened.ids) == 1:
        workspace.receipts().keep(receipt_name(record.id), receipt, today=clock()[:10])
    deleted = RowsDeleted(
        request=record.id,
        certificate=digest(sealed),
        models={request.before["model"]["id"]: change.after},
        guarantees={request.before["model"]["id"]: change.claim.word},
        ids=len(opened.ids),
    )
    with logging_events(workspace) as log:
        ended = clock()
        events.append(log, deleted, time=ended)
        result = {"rows": len(opened.row_keys), "subjects": len(opened.ids)}
        deletions.finish(log, record.id, result=result, time=ended)
    destroy_open(request.folder)


def _shown(rung: str, how: str) -> dict[str, str]:
    return {"rung": rung, "how": how, "behaviour": "not shown"}
