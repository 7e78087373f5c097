"""People: whether an id has rows, in which models, and which spellings look alike. Never a list.

An id is looked up by its keyed digest, and a look-up is an event with a reason: not of whom. Which
requests somebody has made is not told here: the queue knows people by a key that the desk has not.
"""

from dataclasses import dataclass

from starlette.responses import Response

from lineage_store.index import models
from lineage_store.log import PersonLookedUp
from lineage_store.processing import names_of_lines
from lineage_store.questions import rows_of_people
from lineage_store.questions.alike import OtherSpelling, other_spellings
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.visits import Visit

LONGEST = 500  # characters of an id
WHY = {
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


def show(desk: Desk, visit: Visit) -> Response:
    """Show the form."""
    return _page(visit, None, [])


def look_up(desk: Desk, visit: Visit) -> Response:
    """Look somebody up, and log why."""
    who, why = visit.form.maybe("id"), visit.form.maybe("why")
    if who is None or len(who) > LONGEST or "\n" in who:
        return _page(visit, None, [("Say who, by one id.", "id")])
    if why not in WHY:
        return _page(visit, None, [("Say why you look them up.", "why")], typed=who)
    desk.log(visit.who, lambda number: PersonLookedUp(why, number))
    with desk.session.reading() as (workspace, connection):
        (rows,) = rows_of_people(connection, workspace, [who])
        alike = other_spellings(connection, workspace, workspace.keys(), [who])
        names = names_of_lines(workspace)
        lines = {model: line for model, line, _ in models.live_snapshots(connection)}
    found = LookedUp(
        id=who,
        models=tuple(
            (model, names.get(lines[model], ("", False))[0], count) for model, count in rows.items()
        ),
        alike=alike.spellings,
        not_compared=alike.not_compared,
    )
    return _page(visit, found, [], typed=who)


def _page(
    visit: Visit, found: LookedUp | None, errors: list[tuple[str, str]], *, typed: str = ""
) -> Response:
    values = {"found": found, "typed": typed, "why": WHY, "errors": errors}
    page = Page("people.html.j2", values, 422 if errors else 200, under="/people")
    return rendered(page, visit)
