"""People: a form in which somebody is looked up by an id, with a reason; never a list."""

from starlette.responses import Response

from unweave.web.operations.people_found import LONGEST_ID, WHY_LOOKED_UP, LookedUp, looked_up
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.visits import Visit

NOTES = {"anew": "They may be trained on again, once a file with their rows is."}


def show(desk: Desk, visit: Visit) -> Response:
    """Show the forms."""
    return _page(visit, None, [])


def shown_again(visit: Visit, why: str, *, at: str) -> Response:
    """Show the forms with what was wrong, at its field."""
    return _page(visit, None, [(why, at)])


def look_up(desk: Desk, visit: Visit) -> Response:
    """Look somebody up, and log why."""
    who, why = visit.form.maybe("id"), visit.form.maybe("why")
    if who is None or len(who) > LONGEST_ID or "\n" in who:
        return _page(visit, None, [("Say who, by one id.", "id")])
    if why not in WHY_LOOKED_UP:
        return _page(visit, None, [("Say why you look them up.", "why")], typed=who)
    return _page(visit, looked_up(desk, visit.who, who, why=why), [], typed=who)


def _page(
    visit: Visit, found: LookedUp | None, errors: list[tuple[str, str]], *, typed: str = ""
) -> Response:
    values = {
        "found": found,
        "typed": typed,
        "why": WHY_LOOKED_UP,
        "errors": errors,
        "anew": visit.form.maybe("who") or "",
        "result": NOTES.get(visit.query.get("done", "")),
    }
    page = Page("people.html.j2", values, 422 if errors else 200, under="/people")
    return rendered(page, visit)
