"""What the clock of a request says: since when it is open, and whether it is in time."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from lineage_store.index import Queued
from lineage_store.requests import Law

Answer = dict[str, Any]


def clock(request: Queued, law: Law, *, today: str) -> Answer:
    """Return what a request's clock says; of one of an earlier unweave, from its typing on.

    `late` stays true after the end. `days_left` is negative where it is late, and there is none
    once it has ended.
    """
    last = today if request.ended is None else request.ended[:10]
    if request.follows is not None:  # nobody asked for it, and no law counts it
        return _of_the_run(request, today=today)
    term = law.term_of(request)
    is_open = request.ended is None
    # Of one that is over it stays what it was, whatever rules and holidays come after.
    due = law.due(term, today=last) if is_open or request.due is None else request.due
    deadline = law.deadline(term, given=request.given, today=last)
    if request.term is None:  # by which it was promised when it was typed in
        deadline = request.deadline
    return {
        "received": term.received,
        "regime": term.regime,
        "due_by_law": due,
        "deadline": deadline,
        "overdue": is_open and deadline < today,
        "days_open": _days(term.received, last),
        "days_left": _days(today, due) if is_open else None,
        "late": last > due,
        "extended": None if term.extension is None else term.extension.because,
        "stands_since": term.stops[-1].since if term.standing else None,
        "warnings": list(_warnings(request, due, deadline, today=today)) if is_open else [],
    }


def _of_the_run(request: Queued, *, today: str) -> Answer:
    """Return the clock of the exact phase of a run: its deadline is what a certificate promised."""
    last = today if request.ended is None else request.ended[:10]
    is_open, late = request.ended is None, last > request.deadline
    return {
        "received": request.created[:10],
        "regime": None,
        "due_by_law": request.deadline,
        "deadline": request.deadline,
        "overdue": is_open and late,
        "days_open": _days(request.created[:10], last),
        "days_left": _days(today, request.deadline) if is_open else None,
        "late": late,
        "extended": None,
        "stands_since": None,
        "warnings": [f"It was due by {request.deadline}, and that has passed."]
        if is_open and late
        else [],
    }


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def _warnings(request: Queued, due: str, deadline: str, *, today: str) -> Iterator[str]:
    """Say what somebody should look at while there is time to."""
    if request.given is not None and request.given > due:
        yield f"The deadline that was given is later than {due}, by which the law wants it."
    if min(due, deadline) < today:
        yield f"It was due by {min(due, deadline)}, and that has passed."
    if request.held_until is not None and request.held_until >= due:
        yield (
            f"The hold lasts to {request.held_until}: by {due} the person must be told why nothing "
            f"is done yet, and of complaint and remedy (Article 12(4))."
        )
