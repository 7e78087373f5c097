"""How the parts of a request stand, and what stops it from being done.

What stops is one sentence for each workspace that is behind: that it cannot be reached and what to
do about that, or how its part stands and the one thing to do next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput, UnweaveError
from lineage_store.index import Queued, queue
from lineage_store.requests import Details, law_in_force, open_details, over_page
from lineage_store.rights import TO_BE_ANSWERED
from unweave.answers import requests as request_answers
from unweave.web.process.desk import Desk
from unweave.web.process.request_words import Line, line_of
from unweave.web.several.carrying_over import seen_done, steps_behind
from unweave.web.several.filed_parts import FiledPart, FiledParts
from unweave.web.several.joined_workspaces import (
    UNREADABLE,
    Place,
    own_file,
    place_of,
    places_of,
)

MOST = 50  # requests that are told of that wait for other workspaces
LOST = (
    "The request was over here before it could be filed in {name}, and its names are erased: file "
    "what the person asked once more."
)
BACK = "In {name} {part} was taken back, and not here: file what the person asked once more."
UNFILED = (
    "The request is not filed in {name} yet: that is done by the next step, or by “Try again”."
)


@dataclass(frozen=True)
class PartState:
    """A part: in which workspace, under which number, and how it stands there.

    `line` and `told` are None of one that cannot be read, is not filed or can be no more; `why`
    says so. `steps` are operations that are still to be carried over. The request itself may have
    been `cancelled`.
    """

    place: Place
    part: str | None
    why: str | None = None
    line: Line | None = None
    told: Mapping[str, Any] | None = None
    steps: tuple[str, ...] = ()
    cancelled: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it is over there, or only its person's data are still to be written."""
        if self.told is None or self.is_taken_back:
            return False
        return self.told["ended"] is not None or self.told["state"] == TO_BE_ANSWERED

    @property
    def is_taken_back(self) -> bool:
        """Whether it was taken back there, and not by whoever asked: it is not done by that."""
        return self.told is not None and self.told["state"] == "cancelled" and not self.cancelled

    @property
    def stops(self) -> str | None:
        """What is to be done before the request is done, as a sentence; None if nothing is."""
        if self.is_done:
            return None
        if self.why is not None:
            return self.why
        assert self.line is not None
        if self.is_taken_back:
            return BACK.format(name=self.place.name, part=self.part)
        kept = "".join(f" {one}" for one in (self.told or {}).get("warnings", ()))
        return (
            f"In {self.place.name} it is {self.part}, {self.line.state.lower()}. Next there: "
            f"{self.line.step.what}.{kept}"
        )


def parts_of(desk: Desk, request: str) -> tuple[PartState, ...]:
    """Return how the parts of a request stand; none of one that is filed at home alone."""
    with own_file(desk) as (own, _):
        kept = FiledParts(own).of(request)
    if not kept:
        return ()
    served = places_of(desk)
    with desk.session.reading() as (workspace, connection):
        found = queue.find(connection, request)
    details = None
    if found.sealed is not None:
        details = open_details(found.sealed, request, key=workspace.keys().requests)
    return tuple(_state(one, place_of(desk, one.workspace, served), found, details) for one in kept)


def must_be_done(desk: Desk, request: str) -> tuple[PartState, ...]:
    """Return the parts of a request; raises BadInput while one of them stops it."""
    parts = parts_of(desk, request)
    stops = [one.stops for one in parts if one.stops is not None]
    if stops:
        raise BadInput(" ".join(["It is not done in every workspace yet.", *stops]))
    return parts


def part_in(desk: Desk, request: str, workspace: str) -> tuple[Desk, str]:
    """Return the desk of a workspace, by its number, and the part of a request there.

    Raises BadInput where there is none, or it cannot be reached.
    """
    for one in parts_of(desk, request):
        if str(one.place.number) == workspace:
            if one.why is not None or one.part is None:
                raise BadInput(one.why or UNFILED.format(name=one.place.name))
            return one.place.reached, one.part
    raise BadInput("The request has no part in that workspace.")


def waiting_for_parts(desk: Desk) -> list[str]:
    """Return the requests, so many at most, that are over here and of which a part is not.

    Those that ended long ago are known as far as somebody saw it, the last ones as they are.
    """
    if not desk.joined:
        return []
    with desk.session.reading() as (_, connection):
        last = [one.id for one in over_page(connection, before=None, size=MOST)]
    with own_file(desk) as (own, _):
        kept = FiledParts(own)
        return list(dict.fromkeys([*kept.open_among(last), *kept.waiting(MOST)]))


def open_elsewhere(desk: Desk, requests: list[str]) -> set[str]:
    """Return those of some requests of which a part is not over, as far as was seen."""
    with own_file(desk) as (own, _):
        return set(FiledParts(own).open_among(requests))


def _state(one: FiledPart, place: Place, request: Queued, details: Details | None) -> PartState:
    if one.is_lost:
        return PartState(place, None, LOST.format(name=place.name))
    if place.why is not None or place.desk is None:
        return PartState(place, one.part, place.why)
    if one.part is None:
        return PartState(place, None, UNFILED.format(name=place.name))
    there = place.desk
    try:
        with there.session.reading() as (workspace, connection):
            part = queue.find(connection, one.part)
            told = request_answers.line(part, law_in_force(workspace), today=there.today)
            back = queue.kept_back_by(connection, part, today=there.today)
    except UNREADABLE as error:
        said = str(error) if isinstance(error, UnweaveError) else "It cannot be read."
        return PartState(place, one.part, f"In {place.name}: {said}")
    told["warnings"] = [
        *told["warnings"],
        *(f"The request {name} there keeps it back: a hold, or a restriction." for name in back),
    ]
    steps = steps_behind(request, details, part, seen_done(part, one.carried))
    return PartState(
        place=place,
        part=one.part,
        line=line_of(told, today=there.today, sent={}),
        told=told,
        steps=tuple(step.operation for step in steps),
        cancelled=request.outcome == "cancelled",
    )
