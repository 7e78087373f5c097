"""The records: who answers for the data and what for, what was asked this year, who has data.

The figures count what the register keeps; requests of which nothing is kept any more are in none.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from starlette.responses import Response, StreamingResponse

from lineage_store.processing import load_named, load_recipients
from lineage_store.requests import law_in_force, load_controller, over_page
from unweave.answers import requests as request_answers
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.request_words import RIGHTS, STATES
from unweave.web.process.visits import Visit

AT_MOST = 10_000  # requests that a page counts
AT_ONCE = 500  # that are read
PIECE = 1 << 14  # characters that are sent at once
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
    figures, every = _counted(desk, year)
    with desk.session.reading() as (workspace, _):
        controller = load_controller(workspace)
        named = [asdict(one) for one in load_named(workspace).values()]
        recipients = [asdict(one) for one in load_recipients(workspace)]
    said = asdict(controller)
    values = {
        "year": year,
        "figures": figures,
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
        _lines(_over(desk, at_most=None)),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="requests.csv"'},
    )


def _lines(register: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the register as CSV, a line after another: however long it is, it is never held."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for one in register:
        writer.writerow(one)
        if text.tell() >= PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _over(desk: Desk, *, at_most: int | None) -> Iterator[dict[str, Any]]:
    """Yield what is over, newest first, but for phases that nobody asked for."""
    before, looked_at = None, 0
    while at_most is None or looked_at < at_most:
        with desk.session.reading() as (workspace, connection):
            law = law_in_force(workspace)
            found = over_page(connection, before=before, size=AT_ONCE)
        for one in found:
            if one.follows is None:
                yield request_answers.line(one, law, today=desk.today)
        if len(found) < AT_ONCE:
            return
        before, looked_at = found[-1].ordinal, looked_at + len(found)


def _counted(desk: Desk, year: str) -> tuple[dict[str, Any], bool]:
    """Return the figures of a year, and whether all requests were looked at.

    They are counted anew when a request has ended since, or a day: what is over stays as it was.
    """
    with desk.session.reading() as (_, connection):
        (newest, number) = connection.execute(
            "SELECT max(ended), count(ended) FROM queue WHERE ended IS NOT NULL"
        ).fetchone()
    known = (desk.today, newest, number)
    if desk.counted.get("known") != known:
        told = list(_over(desk, at_most=AT_MOST))
        figures = _figures([one for one in told if one["ended"][:4] == year])
        desk.counted.update(known=known, found=(figures, number <= AT_MOST))
    found: tuple[dict[str, Any], bool] = desk.counted["found"]
    return found


def _figures(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Count what was answered: by right, in time, extended, refused, and for how many days."""
    days = [one["days_open"] for one in lines]
    return {
        "answered": len(lines),
        "in_time": sum(not one["late"] for one in lines),
        "extended": sum(one["extended"] is not None for one in lines),
        "refused": sum(one["state"] == "refused" for one in lines),
        "nothing": sum(one["state"] == "nothing found" for one in lines),
        "days": None if not days else sum(days) / len(days),
        "rights": [
            (words, here, {STATES[state]: sum(one["state"] == state for one in ours)
                           for state in dict.fromkeys(one["state"] for one in ours)})
            for right, words in RIGHTS.items()
            if (here := len(ours := [one for one in lines if one["right"] == right]))
        ],
    }  # fmt: skip
