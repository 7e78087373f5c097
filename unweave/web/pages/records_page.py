"""The records: who answers for the data and what for, what was asked this year, who has data.

The figures count what the register keeps; requests of which nothing is kept any more are in none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from starlette.responses import Response, StreamingResponse

from lineage_store.processing import load_named, load_recipients
from lineage_store.requests import load_controller
from unweave.exports.tables import csv_lines
from unweave.web.operations.figures import figures_of, requests_over
from unweave.web.process.controller_words import WORDS
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.request_words import RIGHTS, STATES
from unweave.web.process.visits import Visit

NOTES = {
    "named": "It is written down.",
    "told": "It is written down that they were told.",
    "ended": "They get nothing more from today on.",
}
LINES = 200  # that are sent at once
COLUMNS = (
    "request", "right", "ground", "state", "ids", "received", "deadline", "extended", "ended",
    "days_open", "late", "run", "ids_found",
)  # fmt: skip


def show(desk: Desk, visit: Visit) -> Response:
    """Show the records."""
    return _page(desk, visit, {"result": NOTES.get(visit.query.get("done", ""))})


def shown_again(desk: Desk, visit: Visit, why: str, *, at: str) -> Response:
    """Show the records with what was wrong in a form, at its field."""
    return _page(desk, visit, {"errors": [(why, at)]}, 422)


def _page(desk: Desk, visit: Visit, more: dict[str, Any], status: int = 200) -> Response:
    year = desk.today[:4]
    figures, every = figures_of(desk, year)
    with desk.session.reading() as (workspace, _):
        controller = load_controller(workspace)
        named = [asdict(one) for one in load_named(workspace).values()]
        recipients = [asdict(one) for one in load_recipients(workspace)]
    said = asdict(controller)
    values = {
        "year": year,
        "figures": figures | {"rights": _in_words(figures["rights"])},
        "every": every,
        "controller": [(words, said[name]) for name, words in WORDS.items()],
        "missing": controller.missing,
        "named": named,
        "recipients": recipients,
    }
    values["typed"] = {
        one: visit.form.values.get(one, ("",))[0]
        for one in ("name", "model", "since", "number", "deletion", "on")
    }
    page = Page("records.html.j2", values | more, status, under="/records")
    return rendered(page, visit)


def as_csv(desk: Desk, visit: Visit) -> Response:
    """Hand the register of what is over out, as CSV: a line a request, and nobody's name."""
    return StreamingResponse(
        _lines(requests_over(desk, at_most=None)),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="requests.csv"'},
    )


def _lines(register: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the register as CSV, some lines at a time: however long it is, it is never held."""
    lines = csv_lines(COLUMNS, ([one[name] for name in COLUMNS] for one in register))
    while some := list(islice(lines, LINES)):
        yield "".join(f"{line}\n" for line in some)


def _in_words(rights: dict[str, dict[str, int]]) -> list[tuple[str, int, dict[str, int]]]:
    return [
        (RIGHTS[right], sum(by_state.values()), {STATES[one]: by_state[one] for one in by_state})
        for right, by_state in rights.items()
    ]
