"""People: whether an id has rows, in which models, and which spellings look alike. Never a list.

An id is looked up by its keyed digest, and a look-up is an event with a reason: not of whom. Which
requests somebody has made is not told here: the queue knows people by a key that the desk has not.
"""

from dataclasses import dataclass

from lineage_store.index import models
from lineage_store.log import PersonLookedUp
from lineage_store.processing import names_of_lines
from lineage_store.questions import rows_of_people
from lineage_store.questions.alike import OtherSpelling, other_spellings
from unweave.web.accounts.users import User
from unweave.web.process.desk import Desk

LONGEST_ID = 500  # characters
WHY_LOOKED_UP = {
    "asks": "they ask what is held",
    "file": "to file what they ask",
    "reached": "to see whether a deletion reached all",
}


@dataclass(frozen=True)
class LookedUp:
    """An id as it was typed, its rows by model and the model's name, and what looks alike."""

    id: str
    models: tuple[tuple[str, str, int], ...]
    alike: tuple[OtherSpelling, ...]
    not_compared: int


def looked_up(desk: Desk, user: User, who: str, *, why: str) -> LookedUp:
    """Look somebody up, for a reason of `WHY_LOOKED_UP`, once that is logged."""
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
