"""What can be asked of a workspace without changing it: the reading part of the Python API."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lineage_store.clock import machine_time
from lineage_store.disk_full import translated
from lineage_store.errors import BadInput
from lineage_store.index import models
from lineage_store.index.models import ModelRecord
from lineage_store.processing import model_of_name, names_of_lines
from lineage_store.questions import steps as step_questions
from lineage_store.questions import traces as questions
from lineage_store.sources import AS_IT_IS, Given, Reading
from lineage_store.workspace import Workspace
from unweave.answers.revealed import weights_in_clear
from unweave.api.questions import Queries
from unweave.session.near_subjects import spelled_otherwise, telling_of_others
from unweave.session.session import Now, Session

if TYPE_CHECKING:
    from unlearning.serving import Predictions, Recommendations, ToPredict

Tables: TypeAlias = Given | Sequence[Given]


def the_data(data: Tables | None, csv: Tables | None) -> Tables:
    """Return the table that was given as `data`, or as `csv`, which is its older name.

    Raises BadInput for none, or both.
    """
    found = csv if data is None else data
    if found is None or (data is not None and csv is not None):
        raise BadInput("Give the table as `data` (its older name is csv), once.")
    return found


class Reader:
    """A workspace and the questions to it; `now` is the clock.

    With `reveal`, answers have digests of weights in the clear (`answers.revealed`).
    """

    def __init__(
        self,
        workspace: Path | str = "workspace",
        *,
        reveal: bool = False,
        now: Now = machine_time,
    ) -> None:
        self._session = Session(root=Path(workspace), now=now, reveal=reveal)

    @property
    def root(self) -> Path:
        """The folder of the workspace."""
        return self._session.root

    def trace_subject(self, subject: str) -> dict[str, Any]:
        """Say what a subject has touched, and of which other spellings there are rows."""
        with (
            telling_of_others(self._session, [subject]),
            self._session.reading() as (workspace, connection),
        ):
            traced = questions.trace_subject(connection, workspace, workspace.keys(), subject)
        return traced | spelled_otherwise(self._session, [subject]).to_json()

    def spellings_alike(self, ids: Sequence[str]) -> dict[int, str]:
        """Return the other spellings of ids by the numbers of `alike`: for a terminal alone."""
        return spelled_otherwise(self._session, ids).by_number

    def trace_model(self, model_id: str | None = None) -> dict[str, Any]:
        """Say what a model was made of; by default the newest live one."""
        with self._session.reading() as (workspace, connection):
            model_id = model_of_name(connection, workspace, model_id)
            return questions.trace_model(connection, workspace, model_id)

    def trace_batch(self, batch: str) -> dict[str, Any]:
        """Say what went into a batch and what came of it."""
        with self._session.reading() as (workspace, connection):
            return step_questions.trace_batch(connection, workspace, batch)

    def trace_update(self, update: str) -> dict[str, Any]:
        """Say which step made an update, from what, and what came of it."""
        with self._session.reading() as (workspace, connection):
            return step_questions.trace_update(connection, workspace, update)

    def trace_checkpoint(self, checkpoint: str) -> dict[str, Any]:
        """Say what a checkpoint was made from, and what came of it."""
        with self._session.reading() as (workspace, connection):
            return step_questions.trace_checkpoint(connection, workspace, checkpoint)

    def trace_artifact(self, artifact: str) -> dict[str, Any]:
        """Say what MLMD knows of an artifact, in both directions."""
        from lineage_store.mlmd import Metadata, translating_server_errors
        from lineage_store.questions import trace_artifact

        workspace = self._session.workspace()
        with translating_server_errors(workspace.metadata):
            return trace_artifact(Metadata.of(workspace), artifact)

    @property
    def ask(self) -> Queries:
        """The named questions about models and subjects."""
        return Queries(self._session)

    def graph(
        self,
        *,
        out: Path | str,
        model: str | None = None,
        subject: str | None = None,
        artifact: str | None = None,
        full: bool = False,
        steps: bool = False,
    ) -> dict[str, Any]:
        """Write the lineage of a model, a subject or an artifact to a .svg or .graphml file.

        A model's picture is in words that fit a page; with `steps` it shows what did what.
        """
        from unweave.graphs.write import write_graph

        workspace = self._session.workspace()
        with translated():
            return write_graph(
                workspace,
                out=Path(out),
                model=model,
                subject=subject,
                artifact=artifact,
                full=full,
                steps=steps,
            )

    def models(self, *, as_of: str | None = None) -> list[dict[str, Any]]:
        """List all models, oldest first, in the states that they had at a time.

        A live one of a line that has a `name` says whether it is `served` under it, or superseded.
        """
        with self._session.reading() as (workspace, connection):
            listed = questions.list_models(connection, workspace, time=as_of)
            names = names_of_lines(workspace)
            lines = {one.id: one.family for one in models.models(connection)}
            for one in listed:
                name, served = names.get(lines[one["model_id"]], (None, None))
                live = one["state"] == "live"
                one |= {"name": name, "served": served if live else None}
            if self._session.reveal:
                paths = {one.id: one.paths for one in models.models(connection)}
                for one in listed:
                    one["weights_digest"] = weights_in_clear(workspace, paths[one["model_id"]])
            return listed

    def status(self) -> dict[str, Any]:
        """Say how the workspace stands."""
        from lineage_store.questions.status import status

        with self._session.reading() as (workspace, connection):
            return status(connection, workspace, time=self._session.time)

    def expected_cost(
        self, model_id: str | None = None, *, pattern: Sequence[float] | None = None
    ) -> dict[str, Any]:
        """Say what forgetting one row exactly is expected to cost; by default of the newest model.

        `pattern` is the share of requests for each band of rows, band 0 first. Raises BadInput for
        a model that has ended, or a pattern that does not fit its bands.
        """
        from unweave.answers.costs import cost_of

        with self._session.reading() as (workspace, connection):
            record = models.find_model(connection, model_id)
            if record.state != "live":
                raise BadInput(f"The model {record.id} is {record.state}: nothing is left of it.")
            return {
                "model_id": record.id,
                "model": record.id,
                **cost_of(workspace, record, pattern=pattern),
            }

    def predict(
        self,
        data: Tables | None = None,
        *,
        csv: Tables | None = None,
        reading: Reading = AS_IT_IS,
        model_id: str | None = None,
        row_id: str | None = None,
        lenient: bool = False,
    ) -> dict[str, Any]:
        """Predict with a live model's SavedModel for the rows of a table.

        `row_id` is the column that names the rows in the answer; without one they are told by their
        lines. A model of items recommends to each history, which is all rows of one id. A value
        that is no number where the model takes one is an error, unless it is `lenient`: then it is
        missing, and `warnings` count such values by column.
        """
        from unlearning.serving import (
            Recommendations,
            ToPredict,
            all_predicted,
            all_recommended,
            prediction_of,
        )

        tables = the_data(data, csv)
        asked = ToPredict(data=tables, reading=reading, row_id=row_id, lenient=lenient)
        with self._predictions(asked, model_id) as (_, record, found):
            if isinstance(found, Recommendations):
                answer = all_recommended(found)
            else:
                answer = all_predicted(found)
            return prediction_of(record, found.warnings()) | answer

    def predict_to(
        self,
        out: Path | str,
        data: Tables,
        *,
        reading: Reading = AS_IT_IS,
        model_id: str | None = None,
        row_id: str | None = None,
        lenient: bool = False,
    ) -> dict[str, Any]:
        """Write predictions to a file as they are made, whatever their number; else as `predict`.

        It is CSV, or Parquet if its name ends in .parquet.
        """
        from unlearning.serving import ToPredict, prediction_of
        from unweave.text.prediction_file import must_be_a_place, write_predictions

        asked = ToPredict(data=data, reading=reading, row_id=row_id, lenient=lenient)
        with self._predictions(asked, model_id) as (workspace, record, found):
            must_be_a_place(Path(out), data, workspace=workspace.root)
            written = write_predictions(found, Path(out))
            answer = {"out": str(out), "rows_written": written}
            return prediction_of(record, found.warnings()) | answer

    @contextmanager
    def _predictions(
        self, asked: "ToPredict", model_id: str | None
    ) -> Iterator[tuple[Workspace, ModelRecord, "Predictions | Recommendations"]]:
        """Open a live model to predict with."""
        from lineage_store.ledger import open_ledger
        from unlearning.serving import asked_of, must_be_as_pushed
        from unlearning.training import module_source

        with self._session.reading() as (workspace, connection):
            model_id = model_of_name(connection, workspace, model_id)
            record = models.find_model(connection, model_id)
            if record.state != "live":
                raise BadInput(f"The model {record.id} is {record.state}: it cannot predict.")
            folder, written = (
                workspace.absolute(record.paths[one]) for one in ("pushed", "ledger")
            )
            ledger = open_ledger(written)
            must_be_as_pushed(connection, record.id, ledger=ledger, folder=folder)
            found = asked_of(folder, asked, source=lambda: module_source(ledger))
            yield workspace, record, found

    def export(self, kind: str, *, out: Path | str, model: str | None = None) -> dict[str, Any]:
        """Write what the workspace knows for others, outside of it (`exports`).

        A `model-card` is about one model, by its name or id; all others about the workspace.
        """
        from unweave.exports import write_export

        return write_export(self._session, kind, out=out, model=model)

    def export_to_mlflow(self, server: str) -> dict[str, Any]:
        """Bring the model registry of an MLflow server up to date, by its address.

        Credentials are read from the variables of MLflow's own client.
        """
        from unweave.exports import send_to_mlflow

        return send_to_mlflow(self._session, server, environment=os.environ)

    @property
    def public_key(self) -> Path:
        """The file with the key that certificates are verified with."""
        return self._session.workspace().public_key
