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
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.request_words import RIGHTS, STATES
from unweave.web.process.visits import Visit

LINES = 200  # that are sent at once
WORDS = {
    "name": "Controller",
    "contact": "How to reach it",
    "officer": "Data protection officer",
    "authority": "Supervisory authority",
    "joint": "Joint controllers",
    "representative": "Representative in the Union",
    "purposes": "Purposes",
    "people": "Categories of people",
    "data": "Categories of data",
    "recipients": "Categories of recipients",
    "transfers": "Transfers to third countries",
    "retention": "How long data are kept",
    "security": "Measures of security",
    "source": "Where data come from",
    "decisions": "Automated decisions",
}
COLUMNS = (
    "request", "right", "ground", "state", "ids", "received", "deadline", "extended", "ended",
    "days_open", "late", "run", "ids_found",
)  # fmt: skip


def show(desk: Desk, visit: Visit) -> Response:
    """Show the records."""
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
    return rendered(Page("records.html.j2", values, under="/records"), visit)


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
