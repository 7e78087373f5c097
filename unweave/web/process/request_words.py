"""How a request is told at the desk: its state, when it is due, and the one thing to do next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lineage_store.counted import counted
from lineage_store.rights import (
    RESTRICTED,
    TO_BE_ANSWERED,
    TO_BE_CORRECTED,
    TO_BE_LIFTED,
    TO_BE_RESTRICTED,
    TO_BE_WEIGHED,
    WAITING_FOR_A_FEE,
)
from unweave.report.numbers import day
from unweave.web.accounts.users import Role
from unweave.web.process.rendering import days_until

Answer = Mapping[str, Any]
Urgency = Literal["late", "soon", ""]
SOON = 7  # days

RIGHTS = {
    "erasure": "Erasure",
    "withdrawal": "Withdrawal of consent",
    "access": "Access",
    "portability": "Portability",
    "rectification": "Rectification",
    "restriction": "Restriction",
    "objection": "Objection",
}
STATES = {
    "waiting": "Ready to run",
    "waiting for approval": "Needs a second person",
    "waiting for an answer": "Spellings look alike",
    "proposal": "Proposed by a detector",
    "held": "On hold",
    "more is needed": "Waits for the person",
    "cannot identify": "Person not identified",
    "running": "Running",
    "done": "Done",
    "nothing found": "Nothing found",
    "cancelled": "Taken back",
    "refused": "Refused",
    "lifted": "Lifted",
    RESTRICTED: "Restricted",
    TO_BE_ANSWERED: "To be answered",
    TO_BE_CORRECTED: "To be corrected",
    TO_BE_LIFTED: "To be lifted",
    TO_BE_RESTRICTED: "To be restricted",
    TO_BE_WEIGHED: "To be weighed",
    WAITING_FOR_A_FEE: "Waits for a fee",
}


@dataclass(frozen=True)
class Step:
    """What is to be done next, by which role, and where on the request's page that is."""

    what: str
    by: frozenset[Role] = frozenset({"officer"})
    at: str = "next"


_STEPS = {
    "waiting": Step("Run the deletion", frozenset({"officer", "engineer"})),
    "waiting for approval": Step("Approve it", frozenset({"approver"})),
    "proposal": Step("Take the proposal up", frozenset({"approver"})),
    "waiting for an answer": Step("Say who is meant", at="people"),
    "held": Step("Release the hold, when it has ended"),
    "more is needed": Step("Say when the answer came"),
    "cannot identify": Step("Say when the person could be identified"),
    "running": Step("Nothing: it runs", frozenset()),
    "done": Step("Send the answer"),
    "nothing found": Step("Send the answer"),
    "refused": Step("Send the refusal"),
    "cancelled": Step("Nothing: it was taken back", frozenset()),
    "lifted": Step("Send the answer"),
    TO_BE_ANSWERED: Step("Write and send the data"),
    TO_BE_CORRECTED: Step("Correct it: train on the corrected table"),
    WAITING_FOR_A_FEE: Step("Say when they agreed to the fee"),
    TO_BE_RESTRICTED: Step("Wait: it is restricted by the next command", frozenset()),
    TO_BE_LIFTED: Step("Lift it, when its day has come"),
    TO_BE_WEIGHED: Step("Weigh it: uphold it, or announce that the restriction ends"),
    RESTRICTED: Step("Announce its end, when that comes"),
}  # fmt: skip
SENT = Step("Nothing: the answer was sent", frozenset())
ELSEWHERE = Step("Finish it in every workspace", at="elsewhere")
NOBODYS = Step("Nothing: nobody asked for it", frozenset())


@dataclass(frozen=True)
class Line:
    """A request as a list shows it: nothing in it says whom it is about."""

    request: str
    right: str
    who: str
    due: str
    urgency: Urgency
    state: str
    step: Step
    run: str | None


def line_of(told: Answer, *, today: str, sent: Mapping[str, str]) -> Line:
    """Return a request's line, from what `answers.requests.line` tells."""
    urgency: Urgency = ""
    if told["ended"] is None:
        left = days_until(told["deadline"], today)
        urgency = "late" if left < 0 else "soon" if left <= SOON else ""
    kind = {"subject": "person", "row": "row"}.get(told["kind"])
    return Line(
        request=told["request"],
        right=RIGHTS[told["right"]],
        who=f"the exact phase of {told['follows']}" if kind is None else _people(told, kind),
        due=due_words(told, today=today),
        urgency=urgency,
        state=STATES.get(told["state"]) or str(told["state"]),
        step=step_of(told, sent=sent),
        run=told["run"],
    )


def step_of(told: Answer, *, sent: Mapping[str, str]) -> Step:
    """Return the one thing to do next about a request."""
    if told["request"] in sent:
        return SENT
    if told["follows"] and told["ended"] is not None:
        return NOBODYS
    return _STEPS.get(told["state"], Step("Look at it"))


def due_words(told: Answer, *, today: str) -> str:
    """Say when a request is due, or how it came out."""
    if told["ended"] is not None:
        days = counted(told["days_open"], "day")
        return f"after {days}, late" if told["late"] else f"after {days}, in time"
    if told["stands_since"]:
        return f"the clock stands since {day(told['stands_since'])}"
    left = days_until(told["deadline"], today)
    words = {0: "today", 1: "tomorrow", -1: "1 day late"}.get(left)
    if words is None:
        late = counted(-left, "day")
        words = f"in {counted(left, 'day')}" if left > 0 else f"{late} late"
    if told["held_until"] and told["state"] == "held":
        words += f"; held until {day(told['held_until'])}"
    return words


def _people(told: Answer, kind: str) -> str:
    if kind == "person":
        return counted(told["ids"], "person", "people")
    return counted(told["ids"], kind)
