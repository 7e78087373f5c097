"""What is sent to a person: written, handed over to the officer, and said to be sent.

A refusal, a letter and a pack are written by a command into the outbox. The officer takes the file
and sends it by the way that the request came; when they say that it was sent, it is erased here.
"""

from starlette.responses import Response

from lineage_store.clock import time_text
from lineage_store.errors import BadInput
from lineage_store.index import queue
from lineage_store.log import AnswerSent, NamesShown
from unweave.letters.kinds import LANGUAGES
from unweave.web.pages.request_page import shown_again
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import empty, new_place, packed
from unweave.web.process.rendering import see
from unweave.web.process.visits import FieldMissing, Visit


def write(desk: Desk, visit: Visit) -> Response:
    """Write the letter that a request is due or, once it is over, the pack that answers it."""
    request = visit.path["request"]
    with desk.session.reading() as (_, connection):
        found = queue.find(connection, request)
    is_answer = found.ended is not None or visit.form.ticked("answer")
    operation = "answer_pack" if is_answer else "letter"
    by = {"by": visit.who.name} if operation == "answer_pack" else {}
    try:
        with new_place(desk, request) as out:
            have_done(desk, operation, {"request": request, "out": str(out), **_to(visit), **by})
    except BadInput as error:
        return shown_again(desk, visit, str(error), at="to")
    return see(f"/requests/{request}?done=written#result")


def refuse(desk: Desk, visit: Visit) -> Response:
    """Refuse a request, on a ground and for a reason that the person is told."""
    request, form = visit.path["request"], visit.form
    try:
        said = {"ground": form.text("ground"), "reason": form.text("reason")}
        with new_place(desk, request) as out:
            asked = {"request": request, "out": str(out), **said, **_to(visit)}
            have_done(desk, "refuse", asked | {"by": visit.who.name})
    except FieldMissing as error:
        why = "A refusal has a ground and a reason, which the person is told (Article 12(4))."
        return shown_again(desk, visit, why, at=f"refuse-{error.name}")
    except BadInput as error:
        return shown_again(desk, visit, str(error), at="refuse-ground")
    return see(f"/requests/{request}?done=refused#result")


def announce_lift(desk: Desk, visit: Visit) -> Response:
    """Write the letter that tells of the end of a restriction, before that comes."""
    request, form = visit.path["request"], visit.form
    try:
        said = {name: form.text(name) for name in ("because", "on")}
        if reason := form.maybe("reason"):
            said["reason"] = reason
        with new_place(desk, request) as out:
            asked = {"request": request, "out": str(out), **said, **_to(visit)}
            have_done(desk, "announce_lift", asked | {"by": visit.who.name})
    except BadInput as error:
        why = (
            "Say why it ends, and on which day." if isinstance(error, FieldMissing) else str(error)
        )
        return shown_again(desk, visit, why, at="lift-on")
    return see(f"/requests/{request}?done=announced#result")


def hand_over(desk: Desk, visit: Visit) -> Response:
    """Hand what is written over as one ZIP file: it names the person, and that is an event."""
    request = visit.path["request"]
    data = packed(desk, request)
    desk.log(visit.who, lambda number: NamesShown(request, "answer", number))
    name = {"content-disposition": f'attachment; filename="{request}.zip"'}
    return Response(data, media_type="application/zip", headers=name)


def sent(desk: Desk, visit: Visit) -> Response:
    """Write down that the answer was sent, and erase what was written.

    Of a request that is open, or was taken back, there is no answer: its letter alone is erased.
    """
    request = visit.path["request"]
    with desk.session.reading() as (_, connection):
        outcome = queue.find(connection, request).outcome
    if outcome is None or outcome == "cancelled":
        empty(desk, request)
        return see(f"/requests/{request}?done=erased#result")
    with desk.accounts() as accounts:
        # In one transaction: sent twice at the same time, it is one event.
        if accounts.sent.add(request, time=time_text(desk.now())):
            desk.log(visit.who, lambda number: AnswerSent(request, number))
    empty(desk, request)
    return see(f"/requests/{request}?done=sent#result")


def _to(visit: Visit) -> dict[str, str]:
    language = visit.form.maybe("language") or "en"
    if language not in LANGUAGES:
        raise BadInput("There are no letters in that language.")
    to = visit.form.maybe("to")
    return {"language": language} | ({"to": to} if to else {})
