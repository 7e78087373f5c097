"""The facts of a letter to a person, read from the queue, the log and the certificates."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lineage_store.canonical import read_json
from lineage_store.claim import claim_of
from lineage_store.deadlines import Term
from lineage_store.errors import BadInput
from lineage_store.index import Queued, models
from lineage_store.keys import from_base64
from lineage_store.requests import Details, law_in_force, load_controller
from lineage_store.workspace import Workspace
from unlearning.planning import exact_run_after, still_approximate
from unweave.answers.own_proofs import own_proofs
from unweave.letters.facts import Facts, Proven

GDPR = "gdpr"


@dataclass(frozen=True)
class Proofs:
    """The certificates of a request's people, as `own_proofs` names them, and what they say.

    `exact_by` are runs that took the place of approximate results; `until` is the day by which one
    will, where one has not yet.
    """

    named: tuple[dict[str, Any], ...]
    proven: tuple[Proven, ...]
    approximate: bool
    until: date | None
    exact_by: tuple[str, ...]


def proofs_of(
    connection: sqlite3.Connection, workspace: Workspace, request: Queued, *, today: str
) -> Proofs:
    """Return the proofs of a request, of none that is not over."""
    named = own_proofs(connection, workspace, request, today=today)
    records = models.models(connection)
    predicates = [predicate_of(Path(one["certificate"])) for one in named]
    runs = dict.fromkeys(one["deletion"] for one in named)
    left = [run for run in runs if still_approximate(records, run)]
    days = [
        change["exact_due_by"]
        for one, predicate in zip(named, predicates, strict=True)
        for change in predicate["models"]
        if one["deletion"] in left and "exact_due_by" in change
    ]
    bettered = [
        exact_run_after(records, run)
        for run, predicate in zip((one["deletion"] for one in named), predicates, strict=True)
        if run not in left
        and not all(claim_of(one["guarantee"]).settles for one in predicate["models"])
    ]
    return Proofs(
        named=tuple(named),
        proven=tuple(
            Proven(
                one["deletion"],
                date.fromisoformat(predicate["certified"][:10]),
                predicate["rows"]["count"],
                _day(one["receipt_handed_out"]),
            )
            for one, predicate in zip(named, predicates, strict=True)
        ),
        approximate=bool(left),
        until=_day(max(days, default=None)),
        exact_by=tuple(dict.fromkeys(run for run in bettered if run is not None)),
    )


def facts_of(
    workspace: Workspace,
    request: Queued,
    details: Details | None,
    proofs: Proofs,
    *,
    to: str | None,
    today: str,
) -> Facts:
    """Return what a letter about a request says; `to` is whom it is addressed to.

    Raises BadInput for one that nobody asked for: an exact phase.
    """
    if request.follows is not None:
        raise BadInput(f"The request {request.id} is the exact phase of a run: nobody asked it.")
    law = law_in_force(workspace)
    term = request.term or Term(request.created[:10], GDPR)  # of an earlier unweave
    regime = law.regime(term.regime)
    last = today if request.ended is None else request.ended[:10]
    until = proofs.until if request.ended is not None else _day(request.held_until)
    return Facts(
        request=request.id,
        to=to or (details.requester if details is not None else None),
        today=date.fromisoformat(today),
        received=date.fromisoformat(term.received),
        due=date.fromisoformat(law.due(term, today=last)),
        first_due=date.fromisoformat(term.first_due(regime, today=last, holidays=law.holidays)),
        regime=regime.name,
        controller=load_controller(workspace),
        extended=None if term.extension is None else term.extension.because,
        doubt=None if details is None else details.doubt,
        reason=None if details is None else details.hold_reason,
        until=until,
        proven=proofs.proven,
    )


def predicate_of(certificate: Path) -> dict[str, Any]:
    """Return what a certificate of this workspace says."""
    payload = from_base64(read_json(certificate)["payload"])
    found: dict[str, Any] = json.loads(payload)["predicate"]
    return found


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])
