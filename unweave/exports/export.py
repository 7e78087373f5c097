"""What an export is made from, and what each must do."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lineage_store.errors import BadInput
from lineage_store.index import models
from lineage_store.index.models import ModelRecord
from lineage_store.log import events
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


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A workspace as its log has it: who answers for it, its models and names, and who had them.

    `records` are all models, oldest first, and `as_of` is the moment of the newest event.
    """

    controller: Controller
    named: Sequence[NamedModel]
    records: Sequence[ModelRecord]
    recipients: Sequence[Recipient]
    as_of: str

    def line(self, family: str) -> list[ModelRecord]:
        """Return the models of a line: its first, and what deletions put in its place."""
        return [one for one in self.records if one.family == family]

    def named_as(self, model: ModelRecord) -> NamedModel | None:
        """Return the name of a model's line, with what was said of it; None if it has none."""
        return named_by(self.named, model.family)

    def said_of(self, model: ModelRecord) -> SaidOfModel:
        """Return what was said of the models of its line; nothing where they have no name."""
        return self.named_as(model) or SaidOfModel()

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

    def written(self, exported: Exported, model: ModelRecord | None) -> bytes:
        """Return the document; the same for the same state."""


def exported_from(connection: sqlite3.Connection, workspace: Workspace) -> Exported:
    """Read what exports are made from; raises BadInput without the workspace's secret."""
    newest = events.latest(connection, before=None, size=1)
    return Exported(
        controller=load_controller(workspace),
        named=tuple(load_named(workspace).values()),
        records=models.models(connection),
        recipients=load_recipients(workspace),
        as_of=newest[0].time if newest else "",
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
