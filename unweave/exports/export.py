"""What an export is made from, and what each must do."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from lineage_store.errors import BadInput
from lineage_store.index import check_log, models
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import open_ledger, published_data
from lineage_store.log import events
from lineage_store.log.events import Event
from lineage_store.processing import (
    NamedModel,
    Recipient,
    SaidOfModel,
    load_named,
    load_recipients,
    model_of_name,
    named_by,
)
from lineage_store.requests import Controller, load_controller
from lineage_store.workspace import Workspace
from unweave.exports.history import History, PastModel, read_history

HERE = "."
Files = Mapping[str, bytes]  # by name, below the place that was named; `HERE` is that place


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A workspace as its log has it: who answers for it, its models and names, and who had them.

    `records` are all models and `events` all of the log's, oldest first; `history` is what these
    tell of models, by which all else is measured.
    """

    workspace: Workspace
    history: History
    controller: Controller
    named: Sequence[NamedModel]
    records: Sequence[ModelRecord]
    recipients: Sequence[Recipient]
    events: Sequence[Event]

    @property
    def as_of(self) -> str:
        """The moment of the newest event; nothing if there is none."""
        return self.events[-1].time if self.events else ""

    def line(self, family: str) -> list[ModelRecord]:
        """Return the models of a line: its first, and what deletions put in its place."""
        return [one for one in self.records if one.family == family]

    def named_as(self, model: ModelRecord) -> NamedModel | None:
        """Return the name of a model's line, with what was said of it; None if it has none."""
        return named_by(self.named, model.family)

    def said_of(self, model: ModelRecord) -> SaidOfModel:
        """Return what was said of the models of its line; nothing where they have no name."""
        return self.named_as(model) or SaidOfModel()

    def data_of(self, model: PastModel) -> str | None:
        """Return the commitment to the rows that a model learnt from, by its ledger.

        None of a model that has ended, with whose ledger it went, and of an earlier unweave's,
        which has a digest in its place. Raises CheckFailed for a ledger that is damaged.
        """
        if model.ended is not None or not model.commitments:
            return None
        record = self.by_id.get(model.id)
        if record is None:
            return None
        return published_data(open_ledger(self.workspace.absolute(record.paths["ledger"])))

    @cached_property
    def by_id(self) -> Mapping[str, ModelRecord]:
        """The models by their ids."""
        return {one.id: one for one in self.records}

    def live(self) -> list[ModelRecord]:
        """Return the models that are live."""
        return [one for one in self.records if one.state == "live"]


class Export(Protocol):
    """A kind of document."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        ...

    @property
    def of_one_model(self) -> bool:
        """Whether it is about one model, and not about the workspace."""
        ...

    def written(self, exported: Exported, model: ModelRecord | None) -> Files:
        """Return what is to be written; the same for the same state."""


def exported_from(connection: sqlite3.Connection, workspace: Workspace) -> Exported:
    """Read what exports are made from; raises BadInput without the workspace's keys.

    Raises CheckFailed where the log is not what was signed.
    """
    check_log(connection, workspace)
    return Exported(
        workspace=workspace,
        history=read_history(connection, workspace),
        controller=load_controller(workspace),
        named=tuple(load_named(workspace).values()),
        records=models.models(connection),
        recipients=load_recipients(workspace),
        events=tuple(events.events(connection)),
    )


def model_meant(
    connection: sqlite3.Connection, workspace: Workspace, export: Export, model: str | None
) -> ModelRecord | None:
    """Return the live model that an export is about, by its name or id; None if about none.

    Raises BadInput for a model that is not live, for none where one is needed, and for one where
    the export is of the whole workspace; NothingFound for one that there never was.
    """
    if not export.of_one_model:
        if model is not None:
            raise BadInput(f"A {export.name} is of the whole workspace: name no model.")
        return None
    if model is None:
        raise BadInput(f"A {export.name} is about one model: say which, by its name or its id.")
    found = models.find_model(connection, model_of_name(connection, workspace, model))
    if found.state != "live":
        raise BadInput(f"The model {found.id} is {found.state}: nothing of it is left to describe.")
    return found
