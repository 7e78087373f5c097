"""Forms of the records: whom something was given to, who was told; and names of models."""

from starlette.responses import Response

from lineage_store.errors import BadInput, NothingFound
from unweave.web.operations import who_has_data
from unweave.web.pages import models_page, records_page
from unweave.web.process.clerk import ClerkFailed
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import see
from unweave.web.process.visits import FieldMissing, Form, Visit

MISSING = {
    "name": "Say who it is.",
    "number": "Say whom, by number.",
    "deletion": "Say of which deletion.",
    "model_name": "Say under which name.",
}


def add(desk: Desk, visit: Visit) -> Response:
    """Name somebody who has data or models."""
    form = visit.form
    try:
        who_has_data.add_recipient(
            desk,
            form.text("name"),
            serves=form.ticked("serves"),
            model=form.maybe("model"),
            since=form.maybe("since"),
        )
    except (BadInput, NothingFound) as error:
        return _records_again(desk, visit, error, "name")
    return see("/records?done=named#result")


def told(desk: Desk, visit: Visit) -> Response:
    """Write down on which day one was told of a deletion."""
    form = visit.form
    try:
        number = _number(form)
        who_has_data.recipient_told(desk, number, form.text("deletion"), on=form.maybe("on"))
    except (BadInput, NothingFound) as error:
        return _records_again(desk, visit, error, "number")
    return see("/records?done=told#result")


def end(desk: Desk, visit: Visit) -> Response:
    """Say that one gets nothing more."""
    try:
        who_has_data.end_recipient(desk, _number(visit.form))
    except (BadInput, NothingFound) as error:
        return _records_again(desk, visit, error, "number")
    return see("/records?done=ended#result")


def name(desk: Desk, visit: Visit) -> Response:
    """Serve a model's line under a name, and say what that is for."""
    form, model = visit.form, visit.path["model"]
    said = {one: form.maybe(one) for one in who_has_data.OF_A_NAME} | {"model": model}
    try:
        who_has_data.name_model(desk, visit.who.name, form.text("model_name"), said)
    except (BadInput, NothingFound) as error:
        return _model_again(desk, visit, error)
    return see(f"/models/{model}?done=named#result")


def roll_back(desk: Desk, visit: Visit) -> Response:
    """Serve the version before of the name of a model again."""
    model = visit.path["model"]
    try:
        who_has_data.roll_back(desk, visit.who.name, visit.form.text("model_name"))
    except (BadInput, NothingFound) as error:
        return _model_again(desk, visit, error)
    return see(f"/models/{model}?done=back#result")


def _number(form: Form) -> int:
    given = form.text("number")
    if not (given.isascii() and given.isdecimal() and len(given) < 9):
        raise BadInput("The number is that of the list.")
    return int(given)


def _records_again(desk: Desk, visit: Visit, error: Exception, at: str) -> Response:
    if isinstance(error, ClerkFailed):
        raise error
    if isinstance(error, FieldMissing):
        return records_page.shown_again(desk, visit, MISSING[error.name], at=error.name)
    return records_page.shown_again(desk, visit, str(error), at=at)


def _model_again(desk: Desk, visit: Visit, error: Exception) -> Response:
    if isinstance(error, ClerkFailed):
        raise error
    why = MISSING["model_name"] if isinstance(error, FieldMissing) else str(error)
    return models_page.shown_again(desk, visit, why, at="model_name")
