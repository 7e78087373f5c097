"""Who answers for the data, and what for: what letters, records and privacy notices say."""

from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput
from unweave.web.operations.rules_set import OF_CONTROLLER, controller_there, describe_controller
from unweave.web.process.controller_words import WORDS
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import Visit

NOTES = {"kept": "It is described so from now on."}
HINTS = {
    "name": "Letters are in its name.",
    "contact": "An address, or more than one: on one line.",
    "authority": "Where people complain (Article 77): letters that do less than was asked name it.",
    "transfers": "none, if there are none.",
    "decisions": "Their logic and consequences; none, if there are none.",
    "joint": "If there are any.",
    "representative": "If it has one.",
}


def show(desk: Desk, visit: Visit) -> Response:
    """Show the description."""
    return _page(desk, visit, {"result": NOTES.get(visit.query.get("done", ""))})


def keep(desk: Desk, visit: Visit) -> Response:
    """Describe what is filled in; what is left empty stays as it is."""
    given = ((name, visit.form.maybe(name)) for name in OF_CONTROLLER)
    said = {name: text for name, text in given if text is not None}
    try:
        if not said:
            raise BadInput("Nothing is filled in.")
        describe_controller(desk, visit.who, said)
    except BadInput as error:
        wrong = (name for name, text in said.items() if not text.isprintable())
        return _page(desk, visit, {"errors": [(str(error), next(wrong, "name"))]}, 422)
    return see("/settings/controller?done=kept#result")


def _page(desk: Desk, visit: Visit, values: dict[str, Any], status: int = 200) -> Response:
    there = controller_there(desk)
    form = visit.form.values
    typed = {name: form.get(name, (there[name] or "",))[0] for name in OF_CONTROLLER}
    ours = {"fields": [(name, WORDS[name], HINTS.get(name, "")) for name in OF_CONTROLLER],
            "typed": typed, "missing": [WORDS[name] for name in there["missing"]]}  # fmt: skip
    return rendered(Page("controller.html.j2", ours | values, status, under="/settings"), visit)
