"""What is only read by the API: lists a page at a time, and one thing after another."""

from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from lineage_store.index import deletions, models, queue
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import FIRST_FAMILY
from lineage_store.log import events
from lineage_store.processing import load_named, load_recipients, names_of_lines
from lineage_store.questions import traces
from lineage_store.requests import (
    After,
    Details,
    law_in_force,
    load_controller,
    open_page,
    over_page,
)
from unweave.answers import requests as request_answers
from unweave.api.event_log import log_head
from unweave.api.questions import Queries
from unweave.web.api.calls import Answer, Call
from unweave.web.api.shapes import LINE, WORDS_KEPT
from unweave.web.operations.certificates_checked import checked
from unweave.web.operations.evidence_given import evidence_of
from unweave.web.operations.figures import figures_of
from unweave.web.operations.people_found import LookedUp, looked_up
from unweave.web.operations.request_reading import (
    history_for,
    names_read,
    near_of,
    read,
    read_elsewhere,
)
from unweave.web.operations.runs_started import failed_last, running_now
from unweave.web.operations.tokens_made import tokens_there
from unweave.web.operations.webhooks_told import webhooks_there
from unweave.web.operations.written_answers import hand_over
from unweave.web.process.clerk import is_started
from unweave.web.process.desk import Desk
from unweave.web.several.part_answers import all_written


def list_requests(desk: Desk, call: Call) -> Answer:
    """List a page of requests."""
    shown, size = call.query["show"], call.limit
    of, _, place = call.query["cursor"].partition("_")
    deadline, _, ordinal = place.rpartition("_")
    after = int(ordinal or 0) if of == shown else 0
    with desk.session.reading() as (workspace, connection):
        law = law_in_force(workspace)
        if shown == "open":
            some = open_page(connection, after=After(deadline, after), size=size)
        else:
            some = over_page(connection, before=after or None, size=size)
        lines = [request_answers.line(one, law, today=desk.today) for one in some]
    follows = None
    if len(some) == size:
        last = some[-1]
        follows = f"open_{last.deadline}_" if shown == "open" else "over_"
        follows += str(last.ordinal)
    return {"requests": [{name: one[name] for name in LINE} for one in lines], "next": follows}


def show_request(desk: Desk, call: Call) -> Answer:
    """Read a request, without a name."""
    asked, request = read(desk, call.request), call.request
    told = asked.told
    with desk.accounts() as accounts:
        sent = accounts.sent.among([request])
    found, parts = None, _parts(desk, request)
    if asked.found is not None:
        rows = [{"model": m, "name": name or None, "rows": n} for m, name, n in asked.found.models]
        found = {"models": rows, "ids": asked.found.asked, "with_rows": asked.found.known}
    return {name: told[name] for name in LINE} | {
        "history": history_for(call.who, told),
        "alike": [
            {"number": one["number"], "rows": one["rows"], "why": one["why"]}
            for one in near_of(asked)
        ],
        "found": found,
        "proofs": [
            {name: one[name] for name in ("deletion", "number", "receipt_until",
                                          "receipt_handed_out")}
            for one in told.get("certificates", ())
        ],
        "written": list(all_written(desk, request)) if call.who.role == "officer" else [],
        "sent": sent.get(request),
    } | ({"elsewhere": parts} if parts else {})  # fmt: skip


def _parts(desk: Desk, request: str) -> list[Answer]:
    """Tell how the parts of a request stand in other workspaces, and what stops it from being done.

    A path of the machine stands in none of it: why one cannot be reached, its page says.
    """
    return [
        {
            "workspace": one.place.number,
            "name": one.place.name,
            "request": one.part,
            "reached": one.told is not None,
            "state": None if one.told is None else one.told["state"],
            "done": one.is_done,
            "behind": list(one.steps),
            "alike": [
                {"number": it["number"], "rows": it["rows"], "why": it["why"]}
                for it in ([] if asked is None else near_of(asked))
            ],
        }
        for one, asked in read_elsewhere(desk, request)
    ]


def read_names(desk: Desk, call: Call) -> Answer:
    """Read whom a request is about, once that is logged."""
    _, details = names_read(desk, call.who, call.request, why=call.said["because"])
    return names_told(call.request, details)


def names_told(request: str, details: Details) -> Answer:
    """Return whom a request is about, and the words that it keeps."""
    texts = details.text()
    near = enumerate(details.near, start=1)
    return {
        "request": request,
        "named": list(details.ids),
        "spellings": [
            {"number": number, "id": one.id, "rows": one.rows, "why": one.why}
            for number, one in near
        ],
    } | {name: texts.get(name) for name in WORDS_KEPT}


def look_up(desk: Desk, call: Call) -> Answer:
    """Say in which models an id has rows, once that is logged."""
    found = looked_up(desk, call.who, call.said["id"].strip(), why=call.said["because"])
    there = [
        {"workspace": name, "found": None if isinstance(one, str) else _found(one)}
        for name, one in found.elsewhere
    ]
    return _found(found) | ({"elsewhere": there} if there else {})


def _found(found: LookedUp) -> Answer:
    return {
        "models": [{"model": m, "name": name or None, "rows": n} for m, name, n in found.models],
        "alike": [{"id": one.id, "rows": one.rows, "why": one.why} for one in found.alike],
        "not_compared": found.not_compared,
    }


def hand_file_over(desk: Desk, call: Call) -> Response:
    """Hand what is written over, once that is logged."""
    return Response(hand_over(desk, call.who, call.request), media_type="application/zip")


def show_run(desk: Desk, call: Call) -> Answer:
    """Say what runs, and what of the last run failed."""
    with desk.session.reading() as (_, connection):
        running = running_now(desk, connection)
    return {"running": running, "started": is_started(desk), "failed": failed_last(desk)}


def list_models(desk: Desk, call: Call) -> Answer:
    """List a page of models."""
    place, size = call.query["cursor"].removeprefix("m"), call.limit
    before = int(place) if place else None
    with desk.session.reading() as (workspace, connection):
        records = models.newest_models(
            connection, live_only=call.query["show"] == "live", size=size, before=before
        )
        names = names_of_lines(workspace)
    return {
        "models": [_model(one, names) for one in records],
        "next": records[-1].id if len(records) == size else None,
    }


def show_model(desk: Desk, call: Call) -> Answer:
    """Read what a model learnt from, in numbers."""
    with desk.session.reading() as (workspace, connection):
        record = models.find_model(connection, call.path["model"])
        told = traces.trace_model(connection, workspace, record.id)
        line = [one.id for one in models.of_line(connection, record.family)]
        names = names_of_lines(workspace)
    trace = {name: value for name, value in told.items() if name != "model_path"}
    free = Queries(desk.session).free(record.id)
    return {**_model(record, names), "line": line, "trace": trace, "free": free}


def show_deletion(desk: Desk, call: Call) -> Answer:
    """Read how a deletion stands, and its certificate once it has ended."""
    with desk.session.reading() as (workspace, connection):
        found = deletions.find_request(connection, call.path["deletion"])
        served = [one.id for one in queue.of_run(connection, found.id)]
    certificate = None
    if found.state == "done":
        certificate = workspace.request(found.id).certificate.read_text(encoding="utf-8")
    told = {"deletion": found.id, "state": found.state, "created": found.created}
    return {**told, "requests": served, "certificate": certificate}


def list_events(desk: Desk, call: Call) -> Answer:
    """List a page of the event log."""
    cursor, size = call.query["cursor"], call.limit
    with desk.session.reading() as (_, connection):
        found = events.latest(
            connection,
            before=int(cursor) if cursor else None,
            size=size,
            kind=call.query["kind"] or None,
        )
    told: list[dict[str, Any]] = [
        {"seq": one.seq, "time": one.time, "kind": one.kind, "body": dict(one.body)}
        for one in found
    ]
    return {"events": told, "next": str(found[-1].seq) if len(found) == size else None}


def show_head(desk: Desk, call: Call) -> Answer:
    """Read the signed head of the log."""
    head = log_head(desk.session.workspace(), out=None)
    return {name: head[name] for name in ("size", "root", "checkpoint")}


def give_evidence(desk: Desk, call: Call) -> Response:
    """Hand out the evidence of deletions."""
    said = {**call.said, "chosen": call.said.get("deletions")}
    return Response(evidence_of(desk, call.who, said), media_type="application/zip")


def show_records(desk: Desk, call: Call) -> Answer:
    """Read who answers for the data, the figures of this year, and who has data."""
    year = desk.today[:4]
    figures, every = figures_of(desk, year)
    with desk.session.reading() as (workspace, _):
        controller = load_controller(workspace)
        return {
            "year": year,
            "complete": every,
            "figures": figures,
            "controller": asdict(controller) | {"missing": list(controller.missing)},
            "names": [asdict(one) for one in load_named(workspace).values()],
            "recipients": [asdict(one) for one in load_recipients(workspace)],
        }


def verify_certificate(desk: Desk, call: Call) -> Answer:
    """Check a certificate, for anybody."""
    said = call.said
    receipt = said.get("receipt")
    return checked(
        desk,
        said["certificate"].encode("utf-8"),
        receipt=None if receipt is None else receipt.encode("utf-8"),
        subject=said.get("subject"),
    )


def list_tokens(desk: Desk, call: Call) -> Answer:
    """List the tokens that have not ended."""
    return tokens_there(desk)


def list_webhooks(desk: Desk, call: Call) -> Answer:
    """List who is told what happens to requests."""
    return webhooks_there(desk)


def _model(one: ModelRecord, names: dict[str, tuple[str, bool]]) -> Answer:
    name, served = names.get(one.family, ("", False))
    return {
        "model": one.id,
        "name": name or None,
        "served": served and one.state == "live",
        "state": one.state,
        "guarantee": one.guarantee,
        "created": one.created,
        "ended": one.ended,
        "rows": one.report["rows"]["train"],
        "deletion": one.request,
        "model_family": one.config.get("model_family", FIRST_FAMILY),
    }
