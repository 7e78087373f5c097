"""What a part lacks of what its request has: told from how the two stand, and of no list.

A pure function. What was carried over once is not carried over again, so that whoever works in the
other workspace may decide otherwise there: a hold that they end stays ended. And what they did
themselves is not undone from here, so a request that they had filed already is not taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.deadlines import MORE_IS_NEEDED
from lineage_store.index import Queued
from lineage_store.requests import Details

Carried = Mapping[str, Any]
DOING = "doing"  # what was begun, written down before it is


@dataclass(frozen=True)
class Behind:
    """An operation that is done to a part, with what is said, and what is carried over by it."""

    operation: str
    said: Mapping[str, Any]
    carried: Mapping[str, Any]


def steps_behind(
    request: Queued, details: Details | None, part: Queued, carried: Carried
) -> list[Behind]:
    """Return what is to be done to a part that is open; nothing while a run serves it."""
    if part.ended is not None or part.run is not None:
        return []
    if request.outcome == "cancelled" and "theirs" not in carried:
        return [Behind("cancel", {}, {"cancelled": True})]
    if request.ended is not None or details is None:
        return []
    return [
        *_clock(request, details, part, carried),
        *_fee(request, details, part, carried),
        *_hold(request, details, part, carried),
    ]


def seen_done(part: Queued, carried: Carried) -> dict[str, Any]:
    """Return what was carried over, with what was begun and is seen at the part to be done.

    Whoever did it was killed before it could be written down. What is not seen is begun anew.
    """
    done = {name: value for name, value in carried.items() if name != DOING}
    begun = carried.get(DOING, {})
    now = {
        "held": part.held_until,
        "standing": None if part.term is None else part.term.standing,
        "fee": part.invoked.fee,
    }
    done |= {name: value for name, value in begun.items() if name in now and now[name] == value}
    return done


def _clock(request: Queued, details: Details, part: Queued, carried: Carried) -> list[Behind]:
    steps = []
    if request.term is None or part.term is None:
        return []
    extension = request.term.extension
    if extension is not None and part.term.extension is None and "extended" not in carried:
        said = {"because": extension.because}
        steps.append(Behind("extend", said, {"extended": extension.on}))
    ours, theirs, told = request.term.standing, part.term.standing, carried.get("standing")
    if ours is not None and theirs != ours and told != ours:
        asks = ours == MORE_IS_NEEDED
        said = {"doubt": details.doubt or "-"} if asks else {}
        steps.append(Behind("ask_more" if asks else "not_identified", said, {"standing": ours}))
    if ours is None and told is not None:
        came = {"on": request.term.stops[-1].until} if request.term.stops else {}
        if theirs == told:
            steps.append(Behind("more_came", came, {"standing": None}))
    return steps


def _fee(request: Queued, details: Details, part: Queued, carried: Carried) -> list[Behind]:
    ours, theirs, told = request.invoked.fee, part.invoked.fee, carried.get("fee")
    if ours is None or ours in (theirs, told):
        return []
    asked = {"amount": details.fee or "-", "reason": details.fee_reason or "-"}
    if theirs is None and ours == "asked":
        return [Behind("ask_fee", asked, {"fee": "asked"})]
    if theirs == "asked" and ours == "agreed":
        return [Behind("fee_agreed", {}, {"fee": "agreed"})]
    return []


def _hold(request: Queued, details: Details, part: Queued, carried: Carried) -> list[Behind]:
    ours, theirs, told = request.held_until, part.held_until, carried.get("held")
    if ours is not None and ours not in (theirs, told):
        said = {"reason": details.hold_reason or "-", "until": ours}
        return [Behind("hold", said, {"held": ours})]
    if ours is None and told is not None and theirs == told:
        return [Behind("release", {}, {"held": None})]
    return []
