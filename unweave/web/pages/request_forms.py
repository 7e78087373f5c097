"""What is done to a request that is open: each form has one operation of the command line.

Who does it is who is signed in, never a name that is typed. An error is shown at the field that it
is about, on the page that the form stands on.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput, NothingFound
from lineage_store.rights import GROUNDS
from unweave.web.operations.acting import SAID, Filing, act, file_request
from unweave.web.pages.request_page import shown_again
from unweave.web.process.clerk import ClerkFailed
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.request_words import RIGHTS
from unweave.web.process.visits import FieldMissing, Form, Visit

MISSING = {
    "ids": "Say who it is about: an id a line.",
    "reason": "Say why.",
    "until": "Say until which day.",
    "doubt": "Say what is doubted: more may be asked for in no other case.",
    "because": "Say for what reason.",
    "ground": "Say on what ground.",
}
BLANK: Mapping[str, str] = {name: "" for name in ("ids", *SAID)} | {"right": "erasure"}


def show_new(desk: Desk, visit: Visit) -> Response:
    """Show the form in which a request is filed."""
    return _new(desk, visit, BLANK)


def add(desk: Desk, visit: Visit) -> Response:
    """File a request; who is signed in is who adds it."""
    form = visit.form
    typed = {name: (form.values.get(name, ("",))[0]) for name in BLANK}
    if form.ticked("draft"):  # from a page that knows the id: it stands in no address
        return _new(desk, visit, typed)
    try:
        told = file_request(desk, visit.who, _filing(form))
    except (BadInput, NothingFound) as error:
        return _new(desk, visit, typed, errors=[(_sentence(error), _field(error, "ids"))])
    done = "known" if told["duplicate"] else "filed"
    return see(f"/requests/{told['request']}?done={done}#result")


def who(desk: Desk, visit: Visit) -> Response:
    """Say which of the spellings that look alike are meant, or that none is."""
    also = [one for one in visit.form.every("also") if one.isdecimal()]
    if not also and not visit.form.ticked("only"):
        return shown_again(desk, visit, "Tick those that are meant, or that none is.", at="also")
    if also and visit.form.ticked("only"):
        return shown_again(desk, visit, "Some are ticked, and that none is meant.", at="also")
    answer = {"also": also} if also else {"only": True}
    return _do(desk, visit, "answer", answer, done="meant", at="also")


def approve(desk: Desk, visit: Visit) -> Response:
    """Approve a request, as a second person."""
    return _do(desk, visit, "approve", {}, done="approved", at="approve")


def ask_more(desk: Desk, visit: Visit) -> Response:
    """Say that more was asked for, to tell who the person is: the clock stands."""
    return _do(desk, visit, "ask_more", ("doubt",), done="stopped", at="doubt")


def unidentified(desk: Desk, visit: Visit) -> Response:
    """Say that nobody can tell who the person is."""
    return _do(desk, visit, "not_identified", {}, done="stopped", at="unidentified")


def more_came(desk: Desk, visit: Visit) -> Response:
    """Say on which day what was asked for came: the clock goes on."""
    on = visit.form.maybe("on")
    return _do(desk, visit, "more_came", {"on": on} if on else {}, done="resumed", at="on")


def extend(desk: Desk, visit: Visit) -> Response:
    """Take the longer time that the law allows."""
    return _do(desk, visit, "extend", ("because",), done="extended", at="because")


def hold(desk: Desk, visit: Visit) -> Response:
    """Keep a request from running to the end of a day."""
    return _do(desk, visit, "hold", ("reason", "until"), done="held", at="until")


def release(desk: Desk, visit: Visit) -> Response:
    """End a hold."""
    return _do(desk, visit, "release", {}, done="released", at="release")


def keep_rows(desk: Desk, visit: Visit) -> Response:
    """Have the next run take the rows of a restriction out of the models, and keep them."""
    return _do(desk, visit, "keep_rows", {}, done="kept", at="keep-rows")


def uphold(desk: Desk, visit: Visit) -> Response:
    """Uphold an objection: the next run erases what it names."""
    return _do(desk, visit, "uphold", {}, done="upheld", at="uphold")


def cancel(desk: Desk, visit: Visit) -> Response:
    """Take a request back."""
    if not visit.form.ticked("sure"):
        return shown_again(desk, visit, "Tick that the person has taken it back.", at="sure")
    return _do(desk, visit, "cancel", {}, done="cancelled", at="sure")


def _do(
    desk: Desk,
    visit: Visit,
    operation: str,
    given: Mapping[str, Any] | tuple[str, ...],
    *,
    done: str,
    at: str,
) -> Response:
    """Have an operation done to the request of the page, and show what came of it."""
    request = visit.path["request"]
    try:
        said = given if isinstance(given, Mapping) else {one: visit.form.text(one) for one in given}
        act(desk, visit.who, request, operation, said)
    except ClerkFailed:
        raise
    except BadInput as error:
        return shown_again(desk, visit, _sentence(error), at=_field(error, at))
    return see(f"/requests/{request}?done={done}#result")


def _filing(form: Form) -> Filing:
    given = ((name, form.maybe(name)) for name in SAID)
    return Filing(
        ids=form.lines("ids"),
        right=form.maybe("right") or "erasure",
        rows=form.ticked("rows"),
        long_ago=form.ticked("long_ago"),
        said={name: value for name, value in given if value is not None},
    )


def _new(
    desk: Desk,
    visit: Visit,
    typed: Mapping[str, str],
    *,
    errors: list[tuple[str, str]] | None = None,
) -> Response:
    values = {
        "typed": typed,
        "rights": RIGHTS,
        "grounds": {RIGHTS[right]: known for right, known in GROUNDS.items() if known},
        "today": desk.today,
        "errors": errors or [],
    }
    page = Page("new_request.html.j2", values, 422 if errors else 200, under="/")
    return rendered(page, visit)


def _sentence(error: Exception) -> str:
    return MISSING.get(error.name, str(error)) if isinstance(error, FieldMissing) else str(error)


def _field(error: Exception, usual: str) -> str:
    if isinstance(error, FieldMissing):
        return error.name
    words = str(error)
    if "day of receipt" in words or "year" in words:
        return "received"
    if "deadline" in words.lower():
        return "deadline"
    return "ground" if "ground" in words else usual
