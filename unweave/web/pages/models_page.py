"""Models under their names, and one model: what it learnt from, in numbers, and what came of it."""

from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput
from lineage_store.index import models
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import FIRST_FAMILY
from lineage_store.processing import names_of_lines
from lineage_store.questions import traces
from unweave.answers.costs import cost_of
from unweave.api.questions import Queries
from unweave.web.operations.who_has_data import OF_A_NAME
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.visits import Visit

CLAIMS = {
    "trained": "trained",
    "exact": "retrained exactly",
    "certified": "certified",
    "approximate": "approximate",
}
STATES = {"live": "in use", "deleted": "replaced", "withdrawn": "withdrawn"}
AT_ONCE = 100
NOTES = {"named": "It is served under that name.", "back": "The version before is served again."}


def show_all(desk: Desk, visit: Visit) -> Response:
    """List the models that are live and, if that is asked, those that have ended."""
    ended = visit.query.get("show") == "all"
    with desk.session.reading() as (workspace, connection):
        states = models.states(connection)
        records = models.newest_models(connection, live_only=not ended, size=AT_ONCE)
        names = names_of_lines(workspace)
    values = {
        "models": [_row(one, names) for one in records],
        "left_out": (sum(states.values()) if ended else states.get("live", 0)) - len(records),
        "states": states,
        "ended": ended,
    }
    return rendered(Page("models.html.j2", values, under="/models"), visit)


def show_one(desk: Desk, visit: Visit) -> Response:
    """Show a model."""
    return _page(desk, visit, {"result": NOTES.get(visit.query.get("done", ""))})


def shown_again(desk: Desk, visit: Visit, why: str, *, at: str) -> Response:
    """Show a model with what was wrong in a form, at its field."""
    return _page(desk, visit, {"errors": [(why, at)]}, 422)


def _page(desk: Desk, visit: Visit, more: dict[str, Any], status: int = 200) -> Response:
    with desk.session.reading() as (workspace, connection):
        record = models.find_model(connection, visit.path["model"])
        told = traces.trace_model(connection, workspace, record.id)
        line = models.of_line(connection, record.family)
        names = names_of_lines(workspace)
        cost, why_not = None, None
        if record.state == "live":
            try:
                cost = cost_of(workspace, record)
            except BadInput as error:
                why_not = str(error)
    values = {
        "model": _row(record, names),
        "line": [_row(one, names) for one in line],
        "told": told,
        "most": max((one["rows"] for one in told.get("shards", ())), default=0),
        "free": Queries(desk.session).free(record.id),
        "cost": cost,
        "why_no_cost": why_not,
    }
    form = visit.form.values
    values["typed"] = {name: form.get(name, ("",))[0] for name in ("model_name", *OF_A_NAME)}
    page = Page("model.html.j2", values | more, status, under="/models")
    return rendered(page, visit)


def _row(one: ModelRecord, names: dict[str, tuple[str, bool]]) -> dict[str, Any]:
    name, served = names.get(one.family, ("", False))
    metrics = one.report["metrics"]
    accuracy = metrics.get("accuracy")
    return {
        "id": one.id,
        "name": name,
        "served": served and one.state == "live",
        "state": STATES[one.state],
        "live": one.state == "live",
        "how": CLAIMS[one.guarantee],
        "created": one.created,
        "ended": one.ended,
        "rows": one.report["rows"]["train"],
        "accuracy": None if accuracy is None else f"{accuracy:.1%}",
        "deletion": one.request,
        "model_family": one.config.get("model_family", FIRST_FAMILY),
    }
