"""Describing who answers for the data, and what for: the record of processing (Article 30(1))."""

from dataclasses import asdict
from typing import Any

from lineage_store.requests import Controller, load_controller, save_controller
from unweave.desk.queue_files import QueueFiles

Answer = dict[str, Any]


class Describing(QueueFiles):
    """The requests of one workspace, and who answers for its data."""

    def describe(
        self,
        *,
        name: str | None = None,
        contact: str | None = None,
        officer: str | None = None,
        authority: str | None = None,
        joint: str | None = None,
        representative: str | None = None,
        purposes: str | None = None,
        people: str | None = None,
        data: str | None = None,
        recipients: str | None = None,
        transfers: str | None = None,
        retention: str | None = None,
        security: str | None = None,
        source: str | None = None,
        decisions: str | None = None,
    ) -> Answer:
        """Say who answers for the data, or show it; what is not named stays as it is.

        `officer` is the data protection officer, `authority` the one that people complain to; all
        others are what the record of processing says (`Controller`). `missing` is what it lacks.
        """
        said = Controller(
            name=name,
            contact=contact,
            officer=officer,
            authority=authority,
            joint=joint,
            representative=representative,
            purposes=purposes,
            people=people,
            data=data,
            recipients=recipients,
            transfers=transfers,
            retention=retention,
            security=security,
            source=source,
            decisions=decisions,
        )
        workspace = self._at.session.workspace()
        controller = load_controller(workspace).with_said(said)
        if said != Controller():
            save_controller(workspace, controller)
        return asdict(controller) | {"missing": list(controller.missing)}
