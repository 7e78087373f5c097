"""Who may use the desk, and in which role: added, invited again and ended by an owner."""

from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput, NothingFound
from unweave.web.accounts.users import ROLES
from unweave.web.operations.users_managed import add_user, end_user, invite_user, users_there
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import FieldMissing, Visit

NOTES = {"ended": "The user is let in no more."}
MISSING = {"name": "Say who it is.", "role": "Say what they may do."}
MAY = {
    "officer": "files requests, reads names, runs, refuses and answers",
    "approver": "agrees to what others asked for and filed",
    "engineer": "sees models and deletions, runs what is ready; no names",
    "auditor": "reads requests without names, the log, the records",
    "owner": "reads what an auditor does; settings",
}


def show(desk: Desk, visit: Visit) -> Response:
    """Show the users."""
    return _page(desk, visit, {"result": NOTES.get(visit.query.get("done", ""))})


def add(desk: Desk, visit: Visit) -> Response:
    """Add a user, and show their link, once."""
    form = visit.form
    role = next((one for one in ROLES if one == form.maybe("role")), None)
    try:
        if role is None:
            raise FieldMissing("role")
        made = add_user(desk, visit.who, form.text("name"), role)
    except BadInput as error:
        at = error.name if isinstance(error, FieldMissing) else "name"
        why = MISSING[at] if isinstance(error, FieldMissing) else str(error)
        return _page(desk, visit, {"errors": [(why, at)]}, 422)
    return _page(desk, visit, {"made": made})


def invite(desk: Desk, visit: Visit) -> Response:
    """Make a new link for a user, and show it, once."""
    try:
        made = invite_user(desk, visit.who, visit.form.text("user"))
    except (BadInput, NothingFound) as error:
        return _page(desk, visit, {"errors": [(str(error), "users")]}, 422)
    return _page(desk, visit, {"made": made})


def end(desk: Desk, visit: Visit) -> Response:
    """Let a user in no more."""
    try:
        end_user(desk, visit.who, visit.form.text("user"))
    except (BadInput, NothingFound) as error:
        return _page(desk, visit, {"errors": [(str(error), "users")]}, 422)
    return see("/settings/users?done=ended#result")


def _page(desk: Desk, visit: Visit, values: dict[str, Any], status: int = 200) -> Response:
    ours = {
        "users": users_there(desk)["users"],
        "roles": [(one, f"{one}: {MAY[one]}") for one in ROLES],
        "typed": {name: visit.form.values.get(name, ("",))[0] for name in ("name", "role")},
        "home": desk.binding.home.rstrip("/"),
        "made": None,
    }
    return rendered(Page("users.html.j2", ours | values, status, under="/settings"), visit)
