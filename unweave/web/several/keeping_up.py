"""Brings the parts up to date: files what is not filed, and carries over what is behind.

Every step looks anew at how things stand and can be taken again, by whoever comes next: the form of
a request, a run, the process. What cannot be done in one workspace keeps no other waiting.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from lineage_store.deadlines import Term
from lineage_store.errors import NothingFound, UnweaveError
from lineage_store.index import Queued, queue
from lineage_store.requests import (
    Details,
    last_ordinal,
    law_in_force,
    newer_than,
    open_details,
)
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk
from unweave.web.several.carrying_over import DOING, seen_done, steps_behind
from unweave.web.several.filed_parts import FiledPart, FiledParts, filled, unfilled
from unweave.web.several.joined_workspaces import UNREADABLE, Place, own_file, places_of

OVER_UNFILED = ("cancelled", "refused")
AT_ONCE = 20  # that are filed while somebody waits
REST = 60  # seconds after what could not be done, unless somebody asks for it


@dataclass(frozen=True)
class NotDone:
    """What could not be done about a part, and why."""

    request: str
    place: Place
    why: str


def keep_up(desk: Desk, *, by: str | None = None, request: str | None = None) -> list[NotDone]:
    """Bring all parts up to date, or those of one request; return what could not be done.

    `by` is who does it, by default who had filed the request. A workspace that cannot be reached is
    passed over: how its parts stand, `part_states` says. Who waits for it files so many at most;
    what there is besides the process files, one after another.
    """
    if not desk.joined:
        return []
    with desk.carrying:
        served = places_of(desk)
        _note(desk, served)
    behind = [(place, one) for place in served for one in _behind(desk, place, only=request)]
    to_file = [(place, one) for place, one in behind if one.part is None]
    if by is not None and request is None:
        del to_file[AT_ONCE:]
    to_carry = ((place, one) for place, one in behind if one.part is not None)
    done = (_step(desk, place, one, by=by) for place, one in (*to_carry, *to_file))
    return [one for one in done if one is not None]


def _note(desk: Desk, served: Iterable[Place]) -> None:
    """Write down which requests came in since, before anything is done about them.

    At the first time those that are open; later also those that are over already: where nobody saw
    them in time, they can be filed no more, and that is told.
    """
    with desk.session.reading() as (_, connection), own_file(desk) as (own, keys):
        for place in served:
            first = place.seen is None
            found = newer_than(connection, place.seen or 0, open_only=first)
            last = last_ordinal(connection)
            if first or last > (place.seen or 0):
                key, random_bytes = keys.requests, desk.random_bytes
                noted = [
                    (one, filled(one, key=key, random_bytes=random_bytes))
                    for one in found
                    if _goes(one)
                ]
                FiledParts(own).note(place.number, noted, seen=last)


def _goes(request: Queued) -> bool:
    """Say whether a request is filed elsewhere, too: somebody's, about people, and not taken back.

    The number of a row means another row elsewhere.
    """
    is_asked = request.follows is None and request.needs != "proposal"
    return request.kind == "subject" and is_asked and request.outcome not in OVER_UNFILED


def _behind(desk: Desk, place: Place, *, only: str | None) -> list[FiledPart]:
    """Return the parts in a workspace about which something is to be done."""
    with own_file(desk) as (own, keys):
        kept = FiledParts(own)
        every = kept.open_in(place.number) if only is None else kept.of(only)
    mine = [one for one in every if one.workspace == place.number and not one.ended]
    return [
        one
        for one, request, part in _looked_at(desk, place, mine)
        if _is_behind(place, one, request, part, keys.requests)
    ]


def _is_behind(
    place: Place, one: FiledPart, request: Queued | None, part: Queued | None, key: bytes
) -> bool:
    if request is None or (request.ended is not None and not one.over):
        return True
    if one.part is None:
        changed = request.sealed is not None and not one.is_as(request)
        return changed or (place.why is None and not one.is_lost)
    if part is None:
        return False
    details, carried = _opened(request, one, key), seen_done(part, one.carried)
    return _is_over(request, part) or bool(steps_behind(request, details, part, carried))


def _is_over(request: Queued, part: Queued) -> bool:
    """Say whether a part is looked at no more; what was taken back there is not done by that."""
    return request.outcome == "cancelled" or part.outcome not in (None, "cancelled")


def _step(desk: Desk, place: Place, one: FiledPart, *, by: str | None) -> NotDone | None:
    """Do what is to be done about a part, by how it stands now; return what could not be."""
    key = (one.request, place.number)
    if by is None and desk.resting.get(key, 0) > desk.seconds:
        return None
    with desk.carrying:
        with own_file(desk) as (own, keys):
            kept = [it for it in FiledParts(own).of(one.request) if it.workspace == place.number]
        for one, request, part in _looked_at(desk, place, kept):
            if request is None:  # the register keeps it no more
                with own_file(desk) as (own, _):
                    FiledParts(own).close(one.request)
                continue
            details = _opened(request, one, keys.requests)
            try:
                if one.part is None:
                    _file(desk, place, one, request, details)
                elif part is not None:
                    _carry_over(desk, place, one, (request, part), details, by=by)
            except UNREADABLE as error:
                said = str(error) if isinstance(error, UnweaveError) else "it cannot be read."
                desk.resting[key] = desk.seconds + REST
                return NotDone(one.request, place, f"{place.name}: {said}")
    return None


def _looked_at(
    desk: Desk, place: Place, behind: list[FiledPart]
) -> list[tuple[FiledPart, Queued | None, Queued | None]]:
    """Return parts with their requests and themselves, as they are in the two queues.

    All are read at once, and before anything is done: nobody reads while commands write.
    """
    requests, parts = {}, {}
    with desk.session.reading() as (_, connection):
        for one in behind:
            requests[one.request] = _found(connection, one.request)
    if place.why is None:
        with suppress(*UNREADABLE), place.reached.session.reading() as (_, connection):
            for one in behind:
                parts[one.request] = None if one.part is None else _found(connection, one.part)
    return [(one, requests[one.request], parts.get(one.request)) for one in behind]


def _found(connection: sqlite3.Connection, request: str) -> Queued | None:
    with suppress(NothingFound):
        return queue.find(connection, request)
    return None


def _opened(request: Queued, one: FiledPart, key: bytes) -> Details | None:
    sealed = request.sealed if request.sealed is not None else unfilled(one, key=key)
    return None if sealed is None else open_details(sealed, request.id, key=key)


def _file(
    desk: Desk, place: Place, one: FiledPart, request: Queued, details: Details | None
) -> None:
    """File a part; what it is to be is kept, sealed, until that is done."""
    if request.outcome in OVER_UNFILED:
        with own_file(desk) as (own, _):
            FiledParts(own).drop(one)
        return
    if request.sealed is not None and not one.is_as(request):
        with own_file(desk) as (own, keys):
            sealed = filled(request, key=keys.requests, random_bytes=desk.random_bytes)
            FiledParts(own).refresh(place.number, request, sealed)
            (one,) = (it for it in FiledParts(own).of(request.id) if it.workspace == place.number)
    if request.ended is not None and not one.over:
        with own_file(desk) as (own, _):
            FiledParts(own).over(one)
    if details is None or place.why is not None:
        return
    after = one.after
    if after is None:
        with place.reached.session.reading() as (_, connection):
            after = last_ordinal(connection)
        with own_file(desk) as (own, _):
            FiledParts(own).begin(one, after=after)
    told = have_done(
        place.reached, "add_part", {"after": after, "asked": _asked(place, one, details)}
    )
    with own_file(desk) as (own, _):
        FiledParts(own).filed(one, told["request"])
        if not told["ours"]:
            FiledParts(own).carried(one, {"theirs": True})


def _asked(place: Place, one: FiledPart, details: Details) -> dict[str, object]:
    """Return what is filed, as the queue takes it; that it came long ago was asked at home."""
    asked = one.asked
    with place.reached.session.reading() as (workspace, _):
        law = law_in_force(workspace)
    by_rules = law.deadline(
        Term(asked["received"], law.policy.regime), given=None, today=place.reached.today
    )
    return {
        "ids": list(details.ids),
        "right": asked["right"],
        "ground": asked["ground"],
        "keep_rows": asked["keep_rows"],
        "received": asked["received"],
        # What its own rules have, too, is not given: the clock moves it there as it does here.
        "deadline": None if by_rules == asked["deadline"] else asked["deadline"],
        "long_ago": True,
        "requester": details.requester,
        "reason": details.reason,
        "legal_basis": details.legal_basis,
        "came_by": details.came_by,
        "verified_by": details.verified_by,
        "verified_how": details.verified_how,
        "by": details.added_by,
    }


def _carry_over(
    desk: Desk,
    place: Place,
    one: FiledPart,
    both: tuple[Queued, Queued],
    details: Details | None,
    *,
    by: str | None,
) -> None:
    (request, part), carried = both, seen_done(part=both[1], carried=one.carried)
    name = by or (None if details is None else details.added_by)
    for step in steps_behind(request, details, part, carried):
        with own_file(desk) as (own, _):
            FiledParts(own).carried(one, {**carried, DOING: step.carried})
        have_done(place.reached, step.operation, {"request": part.id, **step.said, "by": name})
        carried |= step.carried
        with own_file(desk) as (own, _):
            FiledParts(own).carried(one, carried)
    if _is_over(request, part):
        with own_file(desk) as (own, _):
            FiledParts(own).ended(one)
    elif request.ended is not None and not one.over:
        with own_file(desk) as (own, _):
            FiledParts(own).over(one)
