"""What the register says of requests that are over, and its figures of a year.

The figures count what the register keeps; requests of which nothing is kept any more are in none.
"""

from collections.abc import Iterator
from typing import Any

from lineage_store.requests import law_in_force, over_page
from lineage_store.rights import RIGHTS
from unweave.answers import requests as request_answers
from unweave.web.process.desk import Desk

AT_MOST = 10_000  # requests that are counted
AT_ONCE = 500  # that are read


def requests_over(desk: Desk, *, at_most: int | None) -> Iterator[dict[str, Any]]:
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


def figures_of(desk: Desk, year: str) -> tuple[dict[str, Any], bool]:
    """Return the figures of a year, and whether all requests were looked at.

    They are counted anew when a request has ended since, or a day: what is over stays as it was.
    """
    with desk.session.reading() as (_, connection):
        (newest, number) = connection.execute(
            "SELECT max(ended), count(ended) FROM queue WHERE ended IS NOT NULL"
        ).fetchone()
    known = (desk.today, newest, number)
    if desk.counted.get("known") != known:
        told = list(requests_over(desk, at_most=AT_MOST))
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
        "rights": {
            right: {
                state: sum(one["state"] == state for one in ours)
                for state in dict.fromkeys(one["state"] for one in ours)
            }
            for right in RIGHTS
            if (ours := [one for one in lines if one["right"] == right])
        },
    }
