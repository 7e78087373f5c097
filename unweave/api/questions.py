"""The named questions, as Python API: `Project(...).ask.libraries("m3")`.

Each returns what `unweave query` prints as JSON. Models are named by id or weights digest;
without one, the newest live model is meant.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lineage_store.index.models import ModelRecord, find_model
from lineage_store.questions import as_of as history
from lineage_store.questions import one_model
from lineage_store.workspace import Workspace
from unweave.session.session import Session

Answer = dict[str, Any]


class Queries:
    """The questions about one workspace."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def data(self, model: str | None = None) -> Answer:
        """Say which data a model was trained on."""
        with self._of(model) as (_, _, record):
            return one_model.data_set(record)

    def hyperparameters(self, model: str | None = None) -> Answer:
        """Say by which rules a model was trained."""
        with self._of(model) as (_, _, record):
            return one_model.hyperparameters(record)

    def libraries(self, model: str | None = None) -> Answer:
        """Say in which environment a model was trained."""
        with self._of(model) as (_, _, record):
            return one_model.libraries(record)

    def pipeline(self, model: str | None = None) -> Answer:
        """Say which pipeline made a model, and, by MLMD, how its components ended."""
        with self._of(model) as (workspace, _, record):
            name = one_model.pipeline_of(record)
            runs = []
            if workspace.metadata.is_there():
                from lineage_store.mlmd import Metadata, translating_server_errors
                from lineage_store.questions.pipeline_runs import pipeline_runs

                with translating_server_errors(workspace.metadata):
                    runs = pipeline_runs(Metadata.of(workspace), name)
            return {"model": record.id, "pipeline": name, "components": runs}

    def deployed(self, model: str | None = None, *, as_of: str | None = None) -> Answer:
        """Say which versions of a model's family were served, and which was last."""
        with self._of(model) as (_, connection, record):
            return one_model.deployments(connection, record, time=as_of)

    def failures(self, model: str | None = None) -> Answer:
        """Say which runs failed and why: all, or those that were to make a model."""
        with self._session.reading() as (_, connection):
            record = None if model is None else find_model(connection, model)
            return one_model.failed_runs(connection, record)

    def subjects(self, model: str | None = None) -> Answer:
        """Say whose rows a model's data holds today, by pseudonym."""
        with self._of(model) as (_, connection, record):
            return one_model.subjects_of(connection, record)

    def models_of(self, subject: str, *, as_of: str | None = None) -> Answer:
        """Say which models a subject is or was in."""
        with self._session.reading() as (workspace, connection):
            return history.subject_in_models(
                connection, workspace, workspace.keys(), subject, time=as_of
            )

    def free(self, model: str | None = None) -> Answer:
        """Say whether a model is free of all deleted rows today."""
        with self._of(model) as (_, connection, record):
            return one_model.free_of_deleted(connection, record)

    @contextmanager
    def _of(self, model: str | None) -> Iterator[tuple[Workspace, Any, ModelRecord]]:
        with self._session.reading() as (workspace, connection):
            yield workspace, connection, find_model(connection, model)
