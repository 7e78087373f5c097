"""The event log for an auditor: its head, its events newest first, and its public key.

Events name nobody of the people; who of the staff did something stands there by number.
"""

from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput, CheckFailed, NothingFound
from lineage_store.keys import key_id, load_public_key
from lineage_store.log import KINDS, ORIGIN, events
from unweave.web.operations.evidence_given import evidence_of
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.visits import Visit

LINES = 50
CHOSEN_BY = ("model", "since", "until", "draw")  # fields of the form for evidence
ATTACHED = "attachment; filename="


def show(desk: Desk, visit: Visit) -> Response:
    """Show the log."""
    return _page(desk, visit, {})


def evidence(desk: Desk, visit: Visit) -> Response:
    """Hand out the evidence of some deletions, as one file."""
    form = visit.form
    said: dict[str, Any] = {name: form.maybe(name) for name in ("model", "since", "until")}
    deletion, draw = form.maybe("deletion"), form.maybe("draw")
    said |= {"chosen": [deletion] if deletion else None}
    try:
        if draw is not None and not (draw.isascii() and draw.isdecimal() and len(draw) < 6):
            raise BadInput("How many are drawn is a whole number.")
        data = evidence_of(desk, visit.who, said | {"draw": int(draw) if draw else None})
    except (BadInput, NothingFound) as error:
        at = next((name for name in CHOSEN_BY if form.maybe(name)), CHOSEN_BY[0])
        return _page(desk, visit, {"errors": [(str(error), at)]}, 422)
    return Response(data, media_type="application/zip",
                    headers={"content-disposition": f'{ATTACHED}"evidence.zip"'})  # fmt: skip


def _page(desk: Desk, visit: Visit, more: dict[str, Any], status: int = 200) -> Response:
    known = tuple(one.name for one in KINDS)
    kind = visit.query.get("kind") if visit.query.get("kind") in known else None
    before = visit.query.get("before", "")
    with desk.session.reading() as (workspace, connection):
        size = events.head(connection).size
        found = events.latest(
            connection,
            before=int(before) if before.isdecimal() and len(before) < 19 else None,
            size=LINES + 1,
            kind=kind,
        )
        signed, wrong = _signed_head(desk)
    values = {
        "typed": {name: visit.form.values.get(name, ("",))[0] for name in CHOSEN_BY},
        "size": size,
        "signed": signed,
        "wrong": wrong,
        "key": key_id(load_public_key(workspace.public_key)),
        "events": [_told(one) for one in found[:LINES]],
        "more": found[LINES - 1].seq if len(found) > LINES else None,
        "kinds": known,
        "kind": kind or "",
    }
    return rendered(Page("audit.html.j2", values | more, status, under="/audit"), visit)


def head(desk: Desk, visit: Visit) -> Response:
    """Hand the signed head out, to be kept elsewhere."""
    data = desk.session.workspace().head_file.read_bytes()
    return Response(data, media_type="text/plain; charset=utf-8",
                    headers={"content-disposition": f'{ATTACHED}"log.head"'})  # fmt: skip


def key(desk: Desk, visit: Visit) -> Response:
    """Hand the public key out, by which certificates and heads are verified."""
    data = desk.session.workspace().public_key.read_bytes()
    return Response(data, media_type="application/x-pem-file",
                    headers={"content-disposition": f'{ATTACHED}"public.pem"'})  # fmt: skip


def _signed_head(desk: Desk) -> tuple[Any, str | None]:
    """Return the head that is signed, or why it does not hold."""
    workspace = desk.session.workspace()
    try:
        data = workspace.head_file.read_bytes()
        return events.verify_head(data, load_public_key(workspace.public_key), origin=ORIGIN), None
    except OSError:
        return None, "The signed head of the log is gone: restore it from a backup."
    except CheckFailed as error:
        return None, str(error)


def _told(event: events.Event) -> dict[str, Any]:
    """Return an event with its body in words: name and value, as they are stored."""
    body = [
        (name.replace("_", " "), _value(value))
        for name, value in event.body.items()
        if value is not None
    ]
    return {"seq": event.seq, "time": event.time, "kind": event.kind, "body": body}


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {one or 'none'}" for name, one in value.items())
    return str(value)
