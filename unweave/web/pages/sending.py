"""What is sent to a person, by forms: written, handed over to the officer, and said to be sent."""

from starlette.responses import Response

from lineage_store.errors import BadInput
from unweave.web.mail.letters_mailed import end_mail, mail_it
from unweave.web.operations import written_answers
from unweave.web.operations.own_page import make_own_link
from unweave.web.operations.written_answers import To
from unweave.web.pages.request_page import shown_again, with_own_link
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import see
from unweave.web.process.visits import FieldMissing, Visit


def write(desk: Desk, visit: Visit) -> Response:
    """Write the letter that a request is due or, once it is over, the pack that answers it."""
    request, is_answer = visit.path["request"], visit.form.ticked("answer")
    try:
        written_answers.write(desk, visit.who, request, _to(visit), answer=is_answer)
    except BadInput as error:
        return shown_again(desk, visit, str(error), at="to")
    return see(f"/requests/{request}?done=written#result")


def refuse(desk: Desk, visit: Visit) -> Response:
    """Refuse a request, on a ground and for a reason that the person is told."""
    request, form = visit.path["request"], visit.form
    try:
        said = {"ground": form.text("ground"), "reason": form.text("reason")}
        written_answers.refuse(desk, visit.who, request, said, _to(visit))
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
        written_answers.announce_lift(desk, visit.who, request, said, _to(visit))
    except BadInput as error:
        why = (
            "Say why it ends, and on which day." if isinstance(error, FieldMissing) else str(error)
        )
        return shown_again(desk, visit, why, at="lift-on")
    return see(f"/requests/{request}?done=announced#result")


def hand_over(desk: Desk, visit: Visit) -> Response:
    """Hand what is written over as one ZIP file."""
    request = visit.path["request"]
    data = written_answers.hand_over(desk, visit.who, request)
    name = {"content-disposition": f'attachment; filename="{request}.zip"'}
    return Response(data, media_type="application/zip", headers=name)


def sent(desk: Desk, visit: Visit) -> Response:
    """Write down that the answer was sent, and erase what was written."""
    request = visit.path["request"]
    done = written_answers.say_sent(desk, visit.who.name, request)
    return see(f"/requests/{request}?done={done}#result")


def mail(desk: Desk, visit: Visit) -> Response:
    """Have what is written go by mail."""
    request = visit.path["request"]
    try:
        mail_it(desk, visit.who, request, visit.form.text("to"))
    except BadInput as error:
        missing = isinstance(error, FieldMissing)
        why = "Say to which address." if missing else str(error)
        return shown_again(desk, visit, why, at="mail-to")
    return see(f"/requests/{request}?done=mailed#result")


def no_mail(desk: Desk, visit: Visit) -> Response:
    """Send what waits by no mail."""
    request = visit.path["request"]
    end_mail(desk, request)
    return see(f"/requests/{request}?done=not-mailed#result")


def make_link(desk: Desk, visit: Visit) -> Response:
    """Make a link by which the person sees how their request stands, and show it, once."""
    made = make_own_link(desk, visit.who, visit.path["request"])
    link = desk.binding.home.rstrip("/") + made["link"]
    return with_own_link(desk, visit, link)


def _to(visit: Visit) -> To:
    return To(visit.form.maybe("language") or "en", visit.form.maybe("to"))
