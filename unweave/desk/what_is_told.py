"""The facts of a letter to a person, read from the queue, the log and the certificates.

What a letter says of models is what was shown: *exactly* only where each run that forgot one of the
request's people left exact models, or another made them so since, and none of what it left is
approximate still.
"""

import json
import sqlite3
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from lineage_store.canonical import read_json
from lineage_store.claim import claim_of
from lineage_store.errors import BadInput
from lineage_store.index import Queued, models, runs_of_people
from lineage_store.index.models import ModelRecord
from lineage_store.keys import from_base64
from lineage_store.requests import Details, law_in_force, load_controller
from lineage_store.rights import MARKETING, WAITING_FOR_A_FEE
from lineage_store.workspace import Workspace
from unlearning.planning import exact_run_after, still_approximate
from unweave.answers.own_proofs import own_proofs
from unweave.letters.facts import Elsewhere, Facts, Proven, Receipt

Named = dict[str, Any]


@dataclass(frozen=True)
class Proofs:
    """The certificates of a request's people, as `own_proofs` names them, and what they say.

    `until` is the last day by which exact models take the place of approximate ones. `exact_by` are
    runs that did, whose certificate is nobody else's. `unkept` is the run that served the request,
    if an earlier unweave did not keep whose its certificates are.
    """

    named: tuple[Named, ...]
    proven: tuple[Proven, ...]
    exact: bool
    approximate: bool
    until: date | None
    exact_by: tuple[str, ...]
    unkept: str | None


def proofs_of(
    connection: sqlite3.Connection, workspace: Workspace, request: Queued, *, today: str
) -> Proofs:
    """Return the proofs of a request; there are none of one that is not over."""
    if request.ended is None or request.outcome != "done":
        return Proofs((), (), exact=False, approximate=False, until=None, exact_by=(), unkept=None)
    named = own_proofs(connection, workspace, request, today=today)
    records = models.models(connection)
    runs = runs_of_people(connection, request)
    left = [run for run in runs if still_approximate(records, run)]
    of_runs = {run: predicate_of(workspace.request(run).certificate) for run in runs}
    bettered = {run: _exact_after(records, run, of_runs[run]) for run in runs if run not in left}
    days = [change.get("exact_due_by") for run in left for change in of_runs[run]["models"]]
    since = {
        by: _day(predicate_of(workspace.request(by).certificate)["certified"])
        for by in bettered.values()
        if by is not None
    }
    proven = []
    for place, one in enumerate(named, start=1):
        told = predicate_of(Path(one["certificate"]))
        by = bettered.get(one["deletion"])
        on = _day(told["certified"])
        assert on is not None
        proven.append(
            Proven(
                deletion=one["deletion"],
                on=on,
                rows=told["rows"]["count"],
                number=place if len(named) > 1 else None,
                receipt=_receipt(one),
                handed_out=_day(one["receipt_handed_out"]),
                exact_by=by,
                exact_since=None if by is None else since[by],
            )
        )
    return Proofs(
        named=tuple(named),
        proven=tuple(proven),
        exact=not left and all(_is_exact(of_runs[run]) or bettered[run] for run in runs),
        approximate=bool(left),
        until=_day(max((day for day in days if day), default=None)),
        exact_by=tuple(by for by in since if _is_nobodys(workspace, by)),
        unkept=request.run if request.run and not named else None,
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

    Raises BadInput for one that nobody asked for: an exact phase, or a detector's proposal.
    """
    if request.follows is not None or request.state(today) == "proposal":
        raise BadInput(f"The request {request.id} is nobody's: there is nobody to write to.")
    law = law_in_force(workspace)
    term = law.term_of(request)
    regime = law.regime(term.regime)
    last = today if request.ended is None else request.ended[:10]
    until = proofs.until if request.ended is not None else _day(request.held_until)
    return Facts(
        request=request.id,
        to=_line(to or (details.requester if details is not None else None)),
        today=date.fromisoformat(today),
        received=date.fromisoformat(term.received),
        due=date.fromisoformat(law.due(term, today=last)),
        first_due=date.fromisoformat(term.first_due(regime, today=last, holidays=law.holidays)),
        regime=regime.name,
        controller=load_controller(workspace),
        kind=request.kind,
        asked=request.size,
        found=len(proofs.proven) if proofs.proven else None,
        alike=request.alike,
        exact=proofs.exact,
        extended=None if term.extension is None else term.extension.because,
        doubt=None if details is None else _clause(details.doubt),
        fee=None if details is None else _clause(details.fee),
        reason=None if details is None else _reason(request, details, today=today),
        until=until,
        proven=proofs.proven,
        right=request.invoked.right,
        marketing=request.invoked.ground == MARKETING,
        ground=request.invoked.ground,
        since=_day(request.invoked.since),
        kept=request.invoked.taken_out is not None,
        lifts_on=_day(request.invoked.lifts_on),
        because=request.invoked.because,
        ended=_day(request.ended),
    )


def with_elsewhere(facts: Facts, elsewhere: tuple[Elsewhere, ...]) -> Facts:
    """Return facts with what became of the request in other workspaces.

    Exact is what is so in each that found something; of how many people there were data cannot be
    told from numbers, but where one place had data of all.
    """
    with_data = [one for one in elsewhere if one.outcome == "done"]
    if facts.proven:
        exact = facts.exact and all(one.exact for one in with_data)
    else:
        exact = bool(with_data) and all(one.exact for one in with_data)
    founds = [len(facts.proven), *(len(one.proven) for one in with_data)]
    alikes = {facts.alike, *(one.alike for one in elsewhere)}
    ends = [day for day in (facts.until, *(one.until for one in with_data)) if day is not None]
    there = tuple(replace(proven, place=one.place) for one in with_data for proven in one.proven)
    return replace(
        facts,
        elsewhere=elsewhere,
        exact=exact,
        found=facts.asked if max(founds) >= facts.asked else None,
        alike=alikes.pop() if len(alikes) == 1 else ("others" if "others" in alikes else None),
        until=max(ends, default=None),
        proven=(*facts.proven, *there),
    )


def state_with(state: str, elsewhere: tuple[Elsewhere, ...]) -> str:
    """Return how a request came out of which nothing was found here, but in another workspace."""
    found_there = any(one.outcome == "done" for one in elsewhere)
    return "done" if state == "nothing found" and found_there else state


def without_enclosed(facts: Facts) -> Facts:
    """Return the facts of a letter that goes without certificates and receipts."""
    alone = tuple(
        replace(one, receipt="not enclosed") if one.receipt == "enclosed" else one
        for one in facts.proven
    )
    return replace(facts, proven=alone)


def refused_facts(facts: Facts, *, ground: str, reason: str) -> Facts:
    """Return the facts of a refusal, with its ground, an Article, and the reason in words."""
    return replace(facts, ground=ground, reason=_line(reason))


def with_reason(facts: Facts, reason: str | None) -> Facts:
    """Return facts with a reason in words, which stands in their letter alone."""
    return replace(facts, reason=_line(reason))


def predicate_of(certificate: Path) -> dict[str, Any]:
    """Return what a certificate of this workspace says."""
    payload = from_base64(read_json(certificate)["payload"])
    found: dict[str, Any] = json.loads(payload)["predicate"]
    return found


def _is_exact(predicate: dict[str, Any]) -> bool:
    return all(
        one["after"] is None or claim_of(one["guarantee"]).settles for one in predicate["models"]
    )


def _exact_after(records: list[ModelRecord], run: str, predicate: dict[str, Any]) -> str | None:
    """Return the run that made approximate results of one exact, if there were any and one did."""
    return None if _is_exact(predicate) else exact_run_after(records, run)


def _is_nobodys(workspace: Workspace, run: str) -> bool:
    """Say whether a run's certificate speaks of nobody: of an exact phase alone."""
    return not predicate_of(workspace.request(run).certificate)["subjects"]


def _receipt(one: Named) -> Receipt:
    if one["receipt_handed_out"]:
        return "handed out"
    return "enclosed" if one["receipt_until"] else "expired"


def _reason(request: Queued, details: Details, *, today: str) -> str | None:
    """Return the reason that the letter of a state names: of a hold, or of a fee."""
    fee = request.state(today) == WAITING_FOR_A_FEE
    return _clause(details.fee_reason if fee else details.hold_reason)


def _line(text: str | None) -> str | None:
    """Return a text on one line: a letter's paragraphs are its own."""
    told = "".join(one if one.isprintable() else " " for one in text or "")
    return " ".join(told.split()) or None


def _clause(text: str | None) -> str | None:
    """Return a text that stands within a sentence."""
    line = _line(text)
    return None if line is None else line.rstrip(".!? ") or None


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])
