"""The rules for requests: from how many people on a second one agrees, and by which law they count.

Whose files the inbox takes, further rules of time and holidays come from files, by the command.
"""

from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput
from unweave.web.operations.rules_set import policy_there, set_policy
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import FieldMissing, Form, Visit

NOTES = {"kept": "The rules hold from now on."}
LIMITS = ("approve_above", "approve_above_user", "deadline_days")  # that there need not be
MOST_DIGITS = 7


class NoNumber(BadInput):
    """A field that holds a number holds none."""

    def __init__(self, name: str) -> None:
        super().__init__("That is no whole number.")
        self.name = name


def show(desk: Desk, visit: Visit) -> Response:
    """Show the rules."""
    return _page(desk, visit, {"result": NOTES.get(visit.query.get("done", ""))})


def keep(desk: Desk, visit: Visit) -> Response:
    """Set the rules."""
    try:
        form = visit.form
        said: dict[str, Any] = {name: _number(form, name) for name in LIMITS}
        said["register_years"] = _number(form, "register_years")
        if said["register_years"] is None:
            raise FieldMissing("register_years")
        set_policy(desk, visit.who, {**said, "regime": form.text("regime")})
    except BadInput as error:
        at = error.name if isinstance(error, FieldMissing | NoNumber) else _about(str(error))
        return _page(desk, visit, {"errors": [(str(error), at)]}, 422)
    return see("/settings/policy?done=kept#result")


def _number(form: Form, name: str) -> int | None:
    text = form.maybe(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise NoNumber(name)
    return int(text)


def _about(why: str) -> str:
    names = (*LIMITS, "register_years")
    return next((name for name in names if f"`{name}`" in why), "regime")


def _page(desk: Desk, visit: Visit, values: dict[str, Any], status: int = 200) -> Response:
    there = policy_there(desk)
    typed = {
        name: visit.form.values.get(name, ("" if there[name] is None else str(there[name]),))[0]
        for name in (*LIMITS, "register_years", "regime")
    }
    ours = {
        "policy": there,
        "typed": typed,
        "regimes": [(one, one.upper()) for one in there["regimes"]],
    }
    return rendered(Page("policy.html.j2", ours | values, status, under="/settings"), visit)
