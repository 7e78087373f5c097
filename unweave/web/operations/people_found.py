"""People: whether an id has rows, in which models, and which spellings look alike. Never a list.

An id is looked up by its keyed digest, and a look-up is an event with a reason: not of whom. Which
requests somebody has made is not told here: the queue knows people by a key that the desk has not.
"""

from dataclasses import dataclass, replace

from lineage_store.errors import UnweaveError
from lineage_store.index import models
from lineage_store.log import PersonLookedUp
from lineage_store.processing import names_of_lines
from lineage_store.questions import rows_of_people
from lineage_store.questions.alike import OtherSpelling, other_spellings
from unweave.web.accounts.users import User
from unweave.web.process.desk import Desk
from unweave.web.several.joined_workspaces import UNREADABLE, Place, places_of

LONGEST_ID = 500  # characters
WHY_LOOKED_UP = {
    "asks": "they ask what is held",
    "file": "to file what they ask",
    "reached": "to see whether a deletion reached all",
}


@dataclass(frozen=True)
class LookedUp:
    """An id as it was typed, its rows by model and the model's name, and what looks alike.

    `elsewhere` is the same of each other workspace that is served, by name: a sentence of one that
    cannot be reached.
    """

    id: str
    models: tuple[tuple[str, str, int], ...]
    alike: tuple[OtherSpelling, ...]
    not_compared: int
    elsewhere: tuple[tuple[str, "LookedUp | str"], ...] = ()


def looked_up(desk: Desk, user: User, who: str, *, why: str) -> LookedUp:
    """Look somebody up in each workspace, for a reason of `WHY_LOOKED_UP`, once that is logged."""
    found = _looked_up(desk, user, who, why=why)
    there = tuple((place.name, _in_another(place, user, who, why=why)) for place in places_of(desk))
    return replace(found, elsewhere=there)


def _in_another(place: Place, user: User, who: str, *, why: str) -> LookedUp | str:
    if place.why is not None:
        return place.why
    try:
        return _looked_up(place.reached, user, who, why=why)
    except UNREADABLE as error:
        said = str(error) if isinstance(error, UnweaveError) else "it cannot be read or written to."
        return f"The workspace {place.name} cannot be asked: {said}"


def _looked_up(desk: Desk, user: User, who: str, *, why: str) -> LookedUp:
    desk.log(user, lambda number: PersonLookedUp(why, number))
    with desk.session.reading() as (workspace, connection):
        (rows,) = rows_of_people(connection, workspace, [who])
        alike = other_spellings(connection, workspace, workspace.keys(), [who])
        names = names_of_lines(workspace)
        lines = {model: line for model, line, _ in models.live_snapshots(connection)}
    return LookedUp(
        id=who,
        models=tuple(
            (model, names.get(lines[model], ("", False))[0], count) for model, count in rows.items()
        ),
        alike=alike.spellings,
        not_compared=alike.not_compared,
    )
