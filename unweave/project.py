"""The Python API: what the command line does, as methods that return plain values.

    project = unweave.Project("workspace")
    model = project.train("trips.csv", label="big_tip", subject="company")
    done = project.forget(["Blue Cab"])
    unweave.verify(done["certificate"], public_key=done["public_key"])

Each answer is a dictionary that JSON can hold, the same that `--json` prints. Errors are those of
`lineage_store.errors`. The clock and the system's randomness are read here and passed down.
"""

import os
import time as clock
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store import models, questions, step_questions
from lineage_store.connection import parse_connection
from lineage_store.csv_source import Columns
from lineage_store.errors import BadInput
from lineage_store.full_disk import translated
from lineage_store.index import read_index
from lineage_store.placement import Partition
from lineage_store.progress import Listener, listening
from lineage_store.risk import parse_rules
from lineage_store.workspace import Workspace, open_workspace, writing
from unweave.detection import detect_poison
from unweave.queries import Queries
from unweave.report_file import write_report
from unweave.version import installed_version

if TYPE_CHECKING:
    from pipelines.jobs import Backend

DERIVED_DAYS = 30
SHARDS = 5


class Project:
    """A workspace and what can be done with it; made by its first training run.

    `workers` processes train shards at a time, or the runner that `beam_args` name.
    """

    def __init__(
        self,
        workspace: Path | str = "workspace",
        *,
        backend: "Backend | None" = None,
        listener: Listener | None = None,
        workers: int | None = None,
        beam_args: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.root = Path(workspace)
        self._backend = backend
        self._workers, self._beam_args = workers, beam_args
        self._listener = listener or (lambda what, done, total: None)
        self._now = now

    def train(
        self,
        csv: Path | str | Sequence[Path | str],
        *,
        label: str,
        subject: str | Sequence[str] = (),
        row_id: str | None = None,
        drop: Sequence[str] = (),
        module: Path | str | None = None,
        base: str | None = None,
        shards: int | None = None,
        slices: int = 4,
        epochs: int = 10,
        batch_size: int = 64,
        seed: int = 0,
        place_by: str = "subject",
        risk_rules: Sequence[str] = (),
        risk_shards: int = 0,
        risk_share: int = 0,
        record: str = "none",
        update_codec: str | None = None,
        aggregate: str = "mean",
        class_weights: str = "none",
        early_stop: int | None = None,
        checkpoint_every: int | None = None,
        checkpoint_budget: int | None = None,
        key_file: Path | str | None = None,
        metadata: Path | str | None = None,
    ) -> dict[str, Any]:
        """Train a model with lineage on a CSV file, or several of one table, and push it.

        A row may have several subjects: `subject` names one column or more. `base` names a live
        model whose weights each shard starts from; without `shards` there are as many as that has,
        or 5. `risk_rules` tell which rows are likely to be withdrawn, in order of
        rising risk; docs/data.md says what becomes of them. Raises BadInput for options, data or a
        module that do not fit.
        """
        from pipelines.train_run import TrainRequest, train
        from unweave import answers

        began = clock.perf_counter()
        risk = parse_rules(risk_rules)
        asked = TrainRequest(
            csvs=tuple(map(Path, [csv] if isinstance(csv, Path | str) else csv)),
            columns=Columns(
                label,
                (subject,) if isinstance(subject, str) else tuple(subject),
                row_id,
                tuple(drop),
                place_by == "row",
                risk,
            ),
            partition=Partition(
                SHARDS if shards is None else shards,
                slices,
                epochs,
                batch_size,
                seed,
                risk_rules=tuple(rule.recorded() for rule in risk),
                risk_shards=risk_shards,
                risk_share=risk_share,
            ),
            record=record,
            update_codec=update_codec,
            aggregate=aggregate,
            module=None if module is None else Path(module),
            class_weights=class_weights,
            early_stop=early_stop,
            checkpoint_every=checkpoint_every,
            checkpoint_budget=checkpoint_budget,
            base=base,
            shards=shards,
        )
        key = None if key_file is None else Path(key_file)
        where = None if metadata is None else parse_connection(str(metadata))
        answers.check_options(asked)
        with (
            translated(),
            listening(self._listener),
            self._shard_engine(),
            writing(self.root, key_file=key, metadata=where, create=True) as workspace,
        ):
            self._finish_killed(workspace)
            made = train(workspace, asked, backend=self._runner(), time=self._time())
            return answers.trained(workspace, made, seconds=clock.perf_counter() - began)

    def forget(
        self,
        ids: Sequence[str],
        *,
        rows: bool = False,
        guarantee: str | None = None,
        strategy: str | None = None,
        reason: str | None = None,
        replay: bool = False,
    ) -> dict[str, Any]:
        """Forget subjects (or rows, by their ids) in every model, erase, and certify it."""
        from pipelines.forget_run import forget
        from unweave import answers

        began = clock.perf_counter()
        request = self._forget_request(ids, rows, guarantee, strategy, reason, replay)
        with (
            translated(),
            listening(self._listener),
            self._shard_engine(),
            writing(self.root, create=False) as workspace,
        ):
            finished = self._finish_killed(workspace)
            request_id = forget(
                workspace,
                request,
                backend=self._runner(),
                time=self._time(),
                version=installed_version(),
                random_bytes=os.urandom,
                finished=finished,
            )
            return answers.forgotten(workspace, request_id, seconds=clock.perf_counter() - began)

    def plan(
        self,
        ids: Sequence[str],
        *,
        rows: bool = False,
        guarantee: str | None = None,
        strategy: str | None = None,
    ) -> dict[str, Any]:
        """Say what `forget` would do, and change nothing."""
        from pipelines.forget_run import dry_run
        from unweave import answers

        request = self._forget_request(ids, rows, guarantee, strategy, None, False)
        with translated():
            workspace = open_workspace(self.root)
            plans = dry_run(workspace, request, backend=self._runner())
        return answers.planned(plans, subjects=len(request.ids))

    def trace_subject(self, subject: str) -> dict[str, Any]:
        """Say what a subject has touched."""
        with self._reading() as (workspace, connection):
            return questions.trace_subject(connection, workspace, workspace.keys(), subject)

    def trace_model(self, model_id: str | None = None) -> dict[str, Any]:
        """Say what a model was made of; by default the newest live one."""
        with self._reading() as (workspace, connection):
            return questions.trace_model(connection, workspace, model_id)

    def trace_batch(self, batch: str) -> dict[str, Any]:
        """Say what went into a batch and what came of it."""
        with self._reading() as (workspace, connection):
            return step_questions.trace_batch(connection, workspace, batch)

    def trace_update(self, update: str) -> dict[str, Any]:
        """Say which step made an update, from what, and what came of it."""
        with self._reading() as (workspace, connection):
            return step_questions.trace_update(connection, workspace, update)

    def trace_checkpoint(self, checkpoint: str) -> dict[str, Any]:
        """Say what a checkpoint was made from, and what came of it."""
        with self._reading() as (workspace, connection):
            return step_questions.trace_checkpoint(connection, workspace, checkpoint)

    def trace_artifact(self, artifact: str) -> dict[str, Any]:
        """Say what MLMD knows of an artifact, in both directions."""
        from lineage_store.artifact_trace import trace_artifact
        from lineage_store.metadata import Metadata
        from lineage_store.metadata_server import told

        where = open_workspace(self.root).metadata
        with told(where):
            return trace_artifact(Metadata(where, create=False), artifact)

    @property
    def ask(self) -> Queries:
        """The named questions about models and subjects."""
        return Queries(self._reading)

    def graph(
        self,
        *,
        out: Path | str,
        model: str | None = None,
        subject: str | None = None,
        artifact: str | None = None,
        full: bool = False,
    ) -> dict[str, Any]:
        """Write the lineage of a model, a subject or an artifact to a .svg or .graphml file."""
        from unweave.graph import write_graph

        workspace = open_workspace(self.root)
        with translated():
            return write_graph(
                workspace, out=Path(out), model=model, subject=subject, artifact=artifact, full=full
            )

    report = write_report
    detect = detect_poison

    def models(self, *, as_of: str | None = None) -> list[dict[str, Any]]:
        """List all models, oldest first, in the states that they had at a time."""
        with self._reading() as (workspace, connection):
            return questions.list_models(connection, workspace, time=as_of)

    def status(self) -> dict[str, Any]:
        """Say how the workspace stands."""
        from lineage_store.status import status

        with self._reading() as (workspace, connection):
            return status(connection, workspace, today=self._time()[:10])

    def expected_cost(
        self, model_id: str | None = None, *, pattern: Sequence[float] | None = None
    ) -> dict[str, Any]:
        """Say what forgetting one row exactly is expected to cost; by default of the newest model.

        `pattern` is the share of requests for each band of rows, band 0 first. Raises BadInput for
        a model that has ended, or a pattern that does not fit its bands.
        """
        from unweave.costs import cost_of

        with self._reading() as (workspace, connection):
            record = models.find_model(connection, model_id)
            if record.state != "live":
                raise BadInput(f"The model {record.id} is {record.state}: nothing is left of it.")
            return {"model_id": record.id, **cost_of(workspace, record, pattern=pattern)}

    def predict(self, csv: Path | str, *, model_id: str | None = None) -> dict[str, Any]:
        """Predict with a live model's SavedModel for the rows of a CSV file."""
        from unlearning.prediction import predict_csv

        with self._reading() as (workspace, connection):
            record = models.find_model(connection, model_id)
            if record.state != "live":
                raise BadInput(f"The model {record.id} is {record.state}: it cannot predict.")
            found = predict_csv(workspace.absolute(record.paths["pushed"]), Path(csv))
        return {"model_id": record.id, **found}

    def doctor(self, *, repair: bool = False) -> dict[str, Any]:
        """Say where index and MLMD differ from the log and the disk; with `repair`, put it right.

        `ok` is true if nothing differs, or if all that differed was put right. Raises Unfinished
        while a deletion waits to be finished.
        """
        from pipelines.doctor_run import examine
        from pipelines.doctor_run import repair as put_right

        with translated(), listening(self._listener):
            if not repair:
                return examine(open_workspace(self.root))
            with writing(self.root, create=False) as workspace:
                return put_right(workspace)

    @property
    def public_key(self) -> Path:
        """The file with the key that certificates are verified with."""
        return open_workspace(self.root).public_key

    def _forget_request(
        self,
        ids: Sequence[str],
        rows: bool,
        guarantee: str | None,
        strategy: str | None,
        reason: str | None,
        replay: bool,
    ) -> Any:
        from pipelines.found_rows import ForgetRequest
        from unlearning.plan import Asked

        if not ids or any(not one for one in ids):
            raise BadInput("Name at least one subject, and none that is empty.")
        unique = tuple(dict.fromkeys(ids))
        until = (self._now() + timedelta(days=DERIVED_DAYS)).date().isoformat()
        asked = Asked(guarantee, strategy)  # type: ignore[arg-type]  # checked by chosen()
        asked.chosen()
        return ForgetRequest(unique, rows, asked, reason, replay, until)

    def _runner(self) -> "Backend":
        if self._backend is None:
            from pipelines.tfx_backend import TfxBackend

            self._backend = TfxBackend()
        return self._backend

    def _shard_engine(self) -> AbstractContextManager[None]:
        """Return the block in which shards are trained as the project's options say."""
        from unlearning.shard_engine import engine_of, using

        if self._workers is None and self._beam_args is None:
            return using(None)
        return using(engine_of(workers_wanted=self._workers, beam_args=self._beam_args))

    def _time(self) -> str:
        return self._now().replace(microsecond=0).isoformat()

    def _finish_killed(self, workspace: Workspace) -> list[str]:
        """Do what killed commands did not get to; return the requests that are finished by it."""
        from pipelines.leftovers import sweep

        if not workspace.index_file.exists():
            return []
        self._runner().catch_up(workspace)
        return sweep(workspace)

    @contextmanager
    def _reading(self) -> Iterator[tuple[Workspace, Any]]:
        workspace = open_workspace(self.root)
        with translated():  # SQLite wants some room to read, too
            connection = read_index(workspace.index_file)
        try:
            yield workspace, connection
        finally:
            connection.close()


def verify(certificate: Path | str, *, public_key: Path | str | None = None) -> dict[str, Any]:
    """Check a certificate offline; `ok` is true only if it is intact and signed by that key."""
    from lineage_store.signing import load_public_key
    from unlearning.certificate import verify as verify_bytes

    key = None if public_key is None else load_public_key(Path(public_key))
    try:
        data = Path(certificate).read_bytes()
    except OSError as error:
        raise BadInput(f"The certificate cannot be read: {error.strerror}.") from error
    found = verify_bytes(data, key)
    answer: dict[str, Any] = {"ok": found.ok, "verdict": found.verdict, "detail": found.detail}
    if found.statement is not None:
        predicate = found.statement["predicate"]
        answer |= {
            "request_id": predicate["request"]["id"],
            "certified": predicate["certified"],
            "rows": predicate["rows"]["count"],
            "models": predicate["models"],
        }
    return answer
