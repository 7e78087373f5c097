"""Recipients, as Python API: `Project(...).recipients.add("Ads Ltd", model="m3")`.

"The controller shall communicate any rectification or erasure of personal data or restriction of
processing [...] to each recipient to whom the personal data have been disclosed [...]. The
controller shall inform the data subject about those recipients if the data subject requests it"
(Article 19 GDPR). Of an erasure and of a rectification they are told by the deletion that took the
rows out, of a restriction by its request.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.index import Queued, deletions, models, queue, reading_index
from lineage_store.processing import (
    Recipient,
    changed,
    load_recipients,
    model_of_name,
    save_recipients,
    with_one_more,
)
from lineage_store.requests import date_of, load_controller
from lineage_store.workspace import Workspace
from unweave.answers.requests import replaced
from unweave.session.session import Session

Answer = dict[str, Any]
Answers = list[Answer]  # within the class, `list` is the method


class RecipientList:
    """Whom data or models of one workspace were given to, and who was told of which deletion.

    Or the places that `serve` its models, and where of which deletion the new ones are confirmed.
    """

    def __init__(self, session: Session, *, serves: bool = False) -> None:
        self._session = session
        self._serves = serves

    def add(self, name: str, *, model: str | None = None, since: str | None = None) -> Answer:
        """Add a recipient: of the line of a model, or of all, from a day on (today)."""
        day = self._day(since, "The day since which it has something")
        with self._session.holding() as workspace:
            line = None
            if model is not None:
                with reading_index(workspace) as connection:
                    model = model_of_name(connection, workspace, model)
                    line = models.find_model(connection, model).family
            found = with_one_more(
                load_recipients(workspace), name=name, line=line, since=day, serves=self._serves
            )
            save_recipients(workspace, found)
        return _told(found[-1])

    def list(self) -> Answer:
        """List the recipients, with whom nobody has told of a deletion yet."""
        with self._session.reading() as (workspace, connection):
            found = [one for one in load_recipients(workspace) if one.serves == self._serves]
            left = [
                one
                for run in _runs(connection)
                for one in to_tell(connection, workspace, run, serving=self._serves)
            ]
            for request in [] if self._serves else queue.all_queued(connection, open_only=True):
                left += to_tell_restricted(connection, workspace, request)
        return {
            "recipients": [_told(one) for one in found],
            "to_tell": [one for one in left if one["told"] is None],
        }

    def told(self, number: int, deletion: str, *, on: str | None = None) -> Answer:
        """Write down on which day a recipient was told of a deletion, today if none is given.

        In the place of a deletion stands the request, of a restriction.
        """
        day = self._day(on, "The day on which it was told")
        with self._session.holding() as workspace:
            with reading_index(workspace) as connection:
                if deletion.startswith("q") and not self._serves:
                    if not queue.find(connection, deletion).invoked.in_effect:
                        raise BadInput(f"The request {deletion} restricts nothing to be told of.")
                elif deletions.find_request(connection, deletion).state != "done":
                    raise BadInput(f"The deletion {deletion} has not ended: tell of it then.")
            return self._changed(workspace, number, told=(deletion, day))

    def end(self, number: int, *, on: str | None = None) -> Answer:
        """Say that a recipient gets nothing more from a day on; what it has it has."""
        day = self._day(on, "The day of the end")
        with self._session.holding() as workspace:
            return self._changed(workspace, number, until=day)

    confirmed = told  # as it is called of a place that serves

    def _changed(
        self,
        workspace: Workspace,
        number: int,
        *,
        until: str | None = None,
        told: tuple[str, str] | None = None,
    ) -> Answer:
        found = changed(load_recipients(workspace), number, until=until, told=told)
        if not any(one.number == number and one.serves == self._serves for one in found):
            raise BadInput(f"The number {number} is of another list: of recipients, or of places.")
        save_recipients(workspace, found)
        return next(_told(one) for one in found if one.number == number)

    def _day(self, given: str | None, what: str) -> str:
        day = self._session.today if given is None else date_of(given, what)
        if day > self._session.today:
            raise BadInput(f"{what} is still to come: write it down then.")
        return day


def to_tell(
    connection: sqlite3.Connection, workspace: Workspace, run: str, *, serving: bool = False
) -> Answers:
    """Return the recipients of what a deletion changed, each with the day on which it was told.

    With `serving`, the places that serve it, and the day on which they confirmed the new models.
    """
    lines = {models.find_model(connection, one).family for one in replaced(connection, run)}
    ended = deletions.find_request(connection, run).ended
    day = (ended or "")[:10]
    every = [one for one in queue.all_queued(connection) if run in (one.run, one.invoked.taken_out)]
    if not serving and every and all(one.invoked.restricts for one in every):
        return []  # of that they are told by the request
    corrects = bool(every) and all(one.invoked.right == "rectification" for one in every)
    what = "rectification" if corrects else "erasure"
    return [
        {
            "number": one.number,
            "name": one.name,
            "what": what,
            "deletion": run,
            "request": None,
            "told": one.told.get(run),
        }
        for one in load_recipients(workspace)
        if one.serves == serving and one.had(lines, on=day)
    ]


def to_tell_restricted(
    connection: sqlite3.Connection, workspace: Workspace, request: Queued
) -> Answers:
    """Return the recipients of what a request restricts, each with the day on which it was told."""
    since = request.invoked.since
    if since is None or not request.invoked.restricts:
        return []
    named = [one for one in load_recipients(workspace) if not one.serves]
    if not named:
        return []
    of = [one["model"] for one in carried_by(connection, workspace, request)]
    if request.invoked.taken_out is not None:
        of += replaced(connection, request.invoked.taken_out)
    lines = {models.find_model(connection, one).family for one in of}
    return [
        {
            "number": one.number,
            "name": one.name,
            "what": "restriction",
            "deletion": None,
            "request": request.id,
            "told": one.told.get(request.id),
        }
        for one in named
        if request.id in one.told or one.had(lines, on=since[:10])
    ]


def carried_by(connection: sqlite3.Connection, workspace: Workspace, request: Queued) -> Answers:
    """Return which live models carry rows that a request restricts, and how many."""
    if request.ended is not None or not request.invoked.in_effect:
        return []
    from pipelines.runs import whereabouts_of

    rows: dict[str, set[bytes]] = {}
    for one in whereabouts_of(connection, workspace, request):
        for model, here in one.rows.items():
            rows.setdefault(model, set()).update(here.key_set())
    return [{"model": model, "rows": len(keys)} for model, keys in rows.items()]


def who_has_data(
    connection: sqlite3.Connection, workspace: Workspace, of: Iterable[str]
) -> tuple[str, ...]:
    """Return the recipients of some models, and the categories of them that were described."""
    lines = {models.find_model(connection, one).family for one in of}
    named = [
        one.name
        for one in load_recipients(workspace)
        if not one.serves and (one.line is None or one.line in lines)
    ]
    described = load_controller(workspace).recipients
    return (*dict.fromkeys(named), *([described] if described else ()))


def _runs(connection: sqlite3.Connection) -> Iterable[str]:
    return (one.id for one in deletions.all_requests(connection) if one.state == "done")


def _told(one: Recipient) -> Answer:
    return {
        "number": one.number,
        "name": one.name,
        "line": one.line,
        "since": one.since,
        "until": one.until,
        "told": dict(one.told),
    }
