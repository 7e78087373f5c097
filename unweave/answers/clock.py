"""What the clock of a request says: since when it is open, and whether it is in time."""

from datetime import date
from typing import Any

from lineage_store.index import Queued
from lineage_store.requests import Law

Answer = dict[str, Any]


def clock(request: Queued, law: Law, *, today: str) -> Answer:
    """Return what a request's clock says; of one without a clock, what its deadline says.

    `late` stays true after the end. `days_left` is negative where it is late, and there is none
    once it has ended.
    """
    last = today if request.ended is None else request.ended[:10]
    term = request.term
    due = request.deadline if term is None else law.due(term, today=last)
    received = request.created[:10] if term is None else term.received
    extension = None if term is None else term.extension
    return {
        "received": received,
        "regime": None if term is None else term.regime,
        "due_by_law": due,
        "days_open": _days(received, last),
        "days_left": None if request.ended is not None else _days(today, due),
        "late": last > due,
        "extended": None if extension is None else extension.because,
        "stands_since": term.stops[-1].since if term is not None and term.standing else None,
        "warnings": list(_warnings(request, due, today=today)),
    }


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def _warnings(request: Queued, due: str, *, today: str) -> list[str]:
    """Say what somebody should look at while there is time to."""
    if request.ended is not None:
        return []
    told = []
    if request.given is not None and request.given > due:
        told.append(f"The deadline that was given is later than {due}, by which the law wants it.")
    if min(due, request.deadline) < today:
        told.append(f"It was due by {min(due, request.deadline)}, and that has passed.")
    if request.held_until is not None and request.held_until >= due:
        told.append(
            f"The hold lasts to {request.held_until}: by {due} the person must be told why nothing "
            f"is done yet, and of complaint and remedy (Article 12(4))."
        )
    return told
