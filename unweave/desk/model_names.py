"""Names of models, as Python API: `Project(...).names.rollback("churn")`."""

import os
from collections.abc import Mapping
from typing import Any

from lineage_store.errors import BadInput, NothingFound, OnHold
from lineage_store.index import logging_events, models, sign_log
from lineage_store.log import LineServed, events
from lineage_store.processing import (
    KeptUntil,
    NamedModel,
    find_named,
    kept_until,
    live_by_line,
    load_named,
    save_named,
    serve_names,
)
from lineage_store.requests import number_of
from lineage_store.workspace import Workspace
from unweave.session.queue_writing import user_name
from unweave.session.session import Session

Answer = dict[str, Any]
Answers = list[str]  # within the class, `list` is the method


class ModelNames:
    """The names under which models of one workspace are served."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list(self) -> Answer:
        """List the names: what each is for, which model is served, which lines it has."""
        with self._session.reading() as (workspace, connection):
            named = load_named(workspace)
            live = live_by_line(models.models(connection))
            until = kept_until(connection, named)
            return {"names": [told(one, live, until) for one in named.values()]}

    def name(
        self,
        name: str,
        *,
        model: str | None = None,
        purpose: str | None = None,
        owner: str | None = None,
        legal_basis: str | None = None,
        retention: str | None = None,
        by: str | None = None,
    ) -> Answer:
        """Say what a name is for; with `model`, serve that one's line under it from now on.

        What is not said stays as it is. Raises NothingFound for a name that there is not, unless a
        model is given.
        """
        said = NamedModel(
            name=name,
            purpose=purpose,
            owner=owner,
            legal_basis=legal_basis,
            retention=retention,
        )
        with self._session.holding() as workspace:
            if model is None:
                named = load_named(workspace)
                named[name] = find_named(workspace, name).told_by(said)
                save_named(workspace, named)
            else:
                serve_line(self._session, workspace, said, model=model, by=by)
            return self._told(workspace, name)

    def rollback(self, name: str, *, to: str | None = None, by: str | None = None) -> Answer:
        """Serve an earlier version of a name again, by default the one before.

        Never one that a deletion ended: a version is a line, of which the live model is served.
        """
        with self._session.holding() as workspace:
            named = load_named(workspace)
            before = find_named(workspace, name)
            with logging_events(workspace) as connection:
                live = live_by_line(models.models(connection))
                line = None if to is None else models.find_model(connection, to).family
                named[name] = before.back(live, to=line)
                save_named(workspace, named)
                _log(self._session, workspace, connection, named[name], before.served, by=by)
                serve_names(workspace, connection)
            return self._told(workspace, name)

    def retire(self, name: str, *, superseded: bool = False, by: str | None = None) -> Answer:
        """End a model, by its id, or all versions of a name, and erase them.

        With `superseded` those of a name that are not served, under that name or another. Nobody is
        kept out by it, and there is no certificate. Raises OnHold for a model that carries rows
        that are restricted.
        """
        from pipelines.runs import restricted_rows
        from unlearning.erasure import must_be_retirable, retire

        with self._session.running() as (workspace, _):
            with logging_events(workspace) as connection:
                wanted = _models_of(connection, workspace, name, superseded=superseded)
                must_be_retirable(connection, wanted)
                restricted = restricted_rows(connection, workspace).rows
                staff = _staff(workspace, connection, by)
            if any(restricted.get(model) for model in wanted):
                raise OnHold(
                    "Rows that would go are restricted (Article 18 GDPR): nothing was changed; "
                    "take them out to be kept first, or lift that."
                )
            mark = self._session.backend.record_retirement
            for model in wanted:
                retire(workspace, model, mark=mark, time=self._session.time, by=staff)
            sign_log(workspace)
        return {"retired": wanted, "ok": True}

    def _told(self, workspace: Workspace, name: str) -> Answer:
        with self._session.reading() as (_, connection):
            live = live_by_line(models.models(connection))
            until = kept_until(connection, load_named(workspace))
        return told(find_named(workspace, name), live, until)


def named_as(
    name: str | None,
    purpose: str | None,
    owner: str | None,
    legal_basis: str | None,
    retention: str | None,
) -> NamedModel | None:
    """Return what is said of a name; raises BadInput if something is said of none."""
    if name is None:
        if any((purpose, owner, legal_basis, retention)):
            raise BadInput("What a model is for is said of its `name`: give it one.")
        return None
    return NamedModel(
        name=name, purpose=purpose, owner=owner, legal_basis=legal_basis, retention=retention
    )


def serve_line(
    session: Session, workspace: Workspace, said: NamedModel, *, model: str, by: str | None
) -> None:
    """Serve the line of a model under a name from now on, and keep what is said of the name."""
    named = load_named(workspace)
    with logging_events(workspace) as connection:
        line = models.find_model(connection, model).family
        before = named.get(said.name, NamedModel(name=said.name))
        named[said.name] = before.told_by(said).with_version(line)
        save_named(workspace, named)
        if before.served != line:
            _log(session, workspace, connection, named[said.name], before.served, by=by)
        serve_names(workspace, connection)


def _log(
    session: Session,
    workspace: Workspace,
    connection: Any,
    named: NamedModel,
    before: str | None,
    *,
    by: str | None,
) -> None:
    assert named.served is not None
    staff = _staff(workspace, connection, by)
    events.append(connection, LineServed(named.served, before, staff), time=session.time)


def _staff(workspace: Workspace, connection: Any, by: str | None) -> str:
    who = by or user_name()
    return number_of(connection, workspace.keys(), who, random_bytes=os.urandom)


def _models_of(connection: Any, workspace: Workspace, name: str, *, superseded: bool) -> Answers:
    """Return the live models of a name's lines, or the one that is named."""
    named = load_named(workspace).get(name)
    if named is None:
        if superseded:
            raise NothingFound("There is no model of that name: `unweave models` lists them.")
        return [models.find_model(connection, name).id]
    live = live_by_line(models.models(connection))
    served = {one.served for one in load_named(workspace).values()} if superseded else set()
    found = [live[line] for line in named.lines if line in live and line not in served]
    if not found:
        raise NothingFound(f"There is no live model of {name} to retire.")
    return sorted(
        found, key=lambda model: models.find_model(connection, model).ordinal, reverse=True
    )


def told(one: NamedModel, live: dict[str, str], until: Mapping[str, KeptUntil]) -> Answer:
    """Return a name as JSON: `model` is the one that is served, None if there is none."""
    return {
        "name": one.name,
        "model": live.get(one.served or ""),
        "versions": [
            {
                "line": line,
                "model": live.get(line),
                "served": line == one.served,
                "kept_until": until[line].until if line in until else None,
            }
            for line in one.lines
        ],
        "purpose": one.purpose,
        "owner": one.owner,
        "legal_basis": one.legal_basis,
        "retention": one.retention,
        "missing": list(one.missing),
    }
