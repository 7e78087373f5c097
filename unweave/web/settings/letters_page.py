"""The templates of letters: which the workspace has of its own, one changed, one given back."""

from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput
from unweave.letters.kinds import KINDS, LANGUAGES
from unweave.letters.own_templates import LONGEST
from unweave.web.operations.rules_set import (
    end_template,
    set_template,
    template_there,
    templates_there,
)
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import FieldMissing, Visit

NOTES = {"ended": "The template that ships is used again."}
NAMES = {"en": "English", "de": "Deutsch"}


def show_all(desk: Desk, visit: Visit) -> Response:
    """List the letters."""
    own = {one["letter"] for one in templates_there(desk)["letters"] if one["own"]}
    values = {
        "kinds": KINDS,
        "languages": [(one, NAMES[one]) for one in LANGUAGES],
        "own": own,
        "result": NOTES.get(visit.query.get("done", "")),
    }
    return rendered(Page("letters.html.j2", values, under="/settings"), visit)


def show_one(desk: Desk, visit: Visit) -> Response:
    """Show a letter's template."""
    return _page(desk, visit, {})


def keep(desk: Desk, visit: Visit) -> Response:
    """Use a template, and show how it reads."""
    try:
        done = set_template(desk, visit.who, visit.path["letter"], visit.form.text("template"))
    except BadInput as error:
        why = "Write the template." if isinstance(error, FieldMissing) else str(error)
        return _page(desk, visit, {"errors": [(why, "template")]}, 422)
    return _page(desk, visit, {"reads": done["reads"]})


def end(desk: Desk, visit: Visit) -> Response:
    """Use the template that ships again."""
    end_template(desk, visit.who, visit.path["letter"])
    return see("/settings/letters?done=ended#result")


def _page(desk: Desk, visit: Visit, values: dict[str, Any], status: int = 200) -> Response:
    there = template_there(desk, visit.path["letter"])
    language, _, kind = there["letter"].partition("-")
    typed = visit.form.values.get("template", (there["template"],))[0]
    ours = {
        "letter": there["letter"],
        "kind": kind.replace("-", " "),
        "language": NAMES[language],
        "own": there["own"],
        "typed": typed,
        "longest": LONGEST,
        "reads": None,
    }
    return rendered(Page("letter.html.j2", ours | values, status, under="/settings"), visit)
