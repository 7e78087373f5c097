"""Settings for programs: tokens by which they come in, and webhooks, made and ended."""

from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput
from unweave.web.accounts.tokens import LONGEST_DAYS
from unweave.web.accounts.users import ROLES
from unweave.web.operations.tokens_made import end_token, make_token, tokens_there
from unweave.web.operations.webhooks_told import end_webhook, make_webhook, webhooks_there
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import FieldMissing, Visit

NOTES = {
    "ended": "The token is taken no more.",
    "hook-ended": "The webhook is told nothing any more.",
}
MISSING = {"name": "Say what the program is called.", "until": "Say which day is its last."}


def show(desk: Desk, visit: Visit) -> Response:
    """Show the settings."""
    return _page(desk, visit, {"result": NOTES.get(visit.query.get("done", ""))})


def make(desk: Desk, visit: Visit) -> Response:
    """Make a token, and show it, once."""
    form = visit.form
    role = next((one for one in ROLES if one == form.maybe("role")), None)
    try:
        if role is None:
            raise FieldMissing("role")
        made = make_token(desk, visit.who, form.text("name"), role, until=form.text("until"))
    except FieldMissing as error:
        why = MISSING.get(error.name, "Say what it may do.")
        return _page(desk, visit, {"errors": [(why, error.name)]}, 422)
    except BadInput as error:
        at = "until" if "day" in str(error) else "name"
        return _page(desk, visit, {"errors": [(str(error), at)]}, 422)
    return _page(desk, visit, {"made": made})


def end(desk: Desk, visit: Visit) -> Response:
    """End a token."""
    end_token(desk, visit.who, visit.path["token"])
    return see("/settings?done=ended#result")


def make_hook(desk: Desk, visit: Visit) -> Response:
    """Add a webhook, and show its secret, once."""
    try:
        made = make_webhook(desk, visit.who, visit.form.text("url"))
    except BadInput as error:
        missing = isinstance(error, FieldMissing)
        why = "Say to which address." if missing else str(error)
        return _page(desk, visit, {"errors": [(why, "url")]}, 422)
    return _page(desk, visit, {"hook": made})


def end_hook(desk: Desk, visit: Visit) -> Response:
    """Tell a webhook nothing any more."""
    end_webhook(desk, visit.who, visit.path["webhook"])
    return see("/settings?done=hook-ended#result")


def _page(desk: Desk, visit: Visit, values: dict[str, Any], status: int = 200) -> Response:
    last = date.fromisoformat(desk.today) + timedelta(days=LONGEST_DAYS)
    form = visit.form
    ours = {
        "made": None,
        "hook": None,
        "webhooks": webhooks_there(desk)["webhooks"],
        "tokens": tokens_there(desk)["tokens"],
        "roles": [(one, one) for one in ROLES],
        "typed": {
            name: form.values.get(name, ("",))[0] for name in ("name", "role", "until", "url")
        },
        "last": last.isoformat(),
    }
    return rendered(Page("tokens.html.j2", ours | values, status, under="/settings"), visit)
