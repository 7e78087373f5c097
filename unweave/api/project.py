"""The Python API: what the command line does, as methods that return plain values.

    project = unweave.Project("workspace")
    model = project.train("trips.csv", label="big_tip", subject="company")
    done = project.forget(["Blue Cab"])
    unweave.verify(done["certificate"], public_key=done["public_key"])

Each answer is a dictionary that JSON can hold, the same as at the command line. Errors are those of
`lineage_store.errors`. The clock and the system's randomness are read here and passed down.
"""

import os
import time as clock
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store.clock import machine_time
from lineage_store.data import Columns, Task, kinds_said, open_table, parse_rules, placed_by_row
from lineage_store.disk_full import translated
from lineage_store.ledger import TrainOptions
from lineage_store.progress import Listener
from lineage_store.sources import AS_IT_IS, Given, Reading, open_sources
from lineage_store.understood import Understanding
from unlearning.families import DEFAULT
from unweave.api.asked_runs import detect_poison, train_model
from unweave.api.checking import give_receipt, look_for_differences, look_for_faults
from unweave.api.reader import Reader, Tables, the_data
from unweave.api.readmitting import readmit_subjects
from unweave.api.reporting import write_report
from unweave.api.verify import verify as verify
from unweave.desk.model_names import ModelNames, named_as
from unweave.session.forget_options import asked_of, forget_request
from unweave.session.near_subjects import spelled_otherwise, telling_of_others
from unweave.session.session import Now, Session, nobody, to_nobody

if TYPE_CHECKING:
    from pipelines.jobs import Backend
    from unweave.desk.request_queue import RequestQueue
    from unweave.report.charts import Evaluation


class Project(Reader):
    """A workspace and what can be done with it; made by its first training run.

    `workers` processes train shards at a time, or the runner that `beam_args` name. With `reveal`,
    answers have digests of weights in the clear (`answers.revealed`). A workspace that another
    command writes to is waited for, `wait` seconds at most.
    """

    def __init__(
        self,
        workspace: Path | str = "workspace",
        *,
        backend: "Backend | None" = None,
        listener: Listener | None = None,
        workers: int | None = None,
        beam_args: str | None = None,
        reveal: bool = False,
        wait: float = 0,
        now: Now = machine_time,
    ) -> None:
        self._session = Session(
            root=Path(workspace),
            now=now,
            listener=listener or nobody,
            chosen=backend,
            workers=workers,
            beam_args=beam_args,
            reveal=reveal,
            wait=wait,
        )

    def train(
        self,
        data: Tables | None = None,
        *,
        csv: Tables | None = None,
        reading: Reading = AS_IT_IS,
        label: str | Sequence[str] | None = None,
        subject: str | Sequence[str] = (),
        row_id: str | None = None,
        weight_column: str | None = None,
        group_column: str | None = None,
        item_column: str | None = None,
        drop: Sequence[str] = (),
        task: Task | Mapping[str, Task] | None = None,
        category_columns: Sequence[str] = (),
        text_columns: Sequence[str] = (),
        date_columns: Sequence[str] = (),
        array_columns: Sequence[str] = (),
        module: Path | str | None = None,
        base: str | None = None,
        model_family: str = DEFAULT,
        shards: int | None = None,
        slices: int | None = None,
        epochs: int = 10,
        batch_size: int = 64,
        seed: int = 0,
        device: str = "cpu",
        place_by: str | None = None,
        risk_rules: Sequence[str] = (),
        risk_shards: int = 0,
        risk_share: int = 0,
        record: str = "none",
        update_codec: str | None = None,
        record_budget: int | None = None,
        statistics: str = "summed",
        aggregate: str = "mean",
        class_weights: str = "none",
        penalty: float = 1.0,
        scales: Sequence[str] = (),
        features: int | None = None,
        trees: int = 100,
        tree_share: float = 0.2,
        tree_depth: int = 24,
        candidates: int = 128,
        leaf_rows: int = 2,
        similarity: str = "cosine",
        neighbours: int = 50,
        clusters: int = 8,
        early_stop: int | None = None,
        checkpoint_every: int | None = None,
        checkpoint_budget: int | None = None,
        key_file: Path | str | None = None,
        metadata: Path | str | None = None,
        admit_alike: bool = False,
        rectifies: str | None = None,
        name: str | None = None,
        purpose: str | None = None,
        owner: str | None = None,
        legal_basis: str | None = None,
        retention: str | None = None,
        dry_run: bool = False,
        understood: Callable[[Understanding], None] = to_nobody,
    ) -> dict[str, Any]:
        """Train a model with lineage on a table, in one file or several, and push it.

        `reading` says how files are read, as far as their first bytes do not tell; `task` what the
        label is, and the columns of categories, text, dates and arrays what these hold, as far as
        the rows do not tell. `understood` is told what the gate made of the table before anything
        is learnt, and a `dry_run` ends there; the answer has it too.

        `label` is the column to predict, for a family that learns to tell one, or several, each an
        output of a module's model (then `task` may say it by name); `subject` names one column or
        more, of whose a row is; `weight_column` says what it counts for, `group_column` with which
        others it stays, `item_column` what it is an interaction with, for a family that learns
        which items go together. `base` names a live model whose weights each shard starts from;
        without `shards` there are as many as that has, or as are best for `model_family`, as of
        `slices`. `risk_rules` tell which rows are likely to be withdrawn, by rising risk
        (docs/data.md). Who is spelled nearly as somebody who was forgotten here is kept out, unless
        `admit_alike` says that these are others. What the request `rectifies` names is forgotten
        first. The model is served under a `name` from then on, and what follows is said of it.
        Raises BadInput for what does not fit.
        """
        from pipelines.runs.train import TrainRequest

        risk = parse_rules(risk_rules)
        subjects = (subject,) if isinstance(subject, str) else tuple(subject)
        labels = (label,) if isinstance(label, str) else tuple(label or ())
        columns = Columns(
            labels[0] if labels else None,
            subjects,
            row_id,
            tuple(drop),
            placed_by_row(place_by, group=group_column),
            risk,
            kinds_said(
                texts=[*category_columns, *text_columns], dates=date_columns, arrays=array_columns
            ),
            None if isinstance(task, Mapping) else task,
            weight=weight_column,
            group=group_column,
            items=item_column,
            further_labels=labels[1:],
            tasks=tuple(task.items()) if isinstance(task, Mapping) else (),
        )
        request = TrainRequest(
            sources=open_table(the_data(data, csv), columns, reading),
            columns=columns,
            options=TrainOptions(
                model_family=model_family,
                shards=shards, slices=slices, epochs=epochs, batch_size=batch_size, seed=seed,
                device=device,
                risk_rules=tuple(rule.recorded() for rule in risk),
                risk_shards=risk_shards, risk_share=risk_share, record=record,
                update_codec=update_codec, record_budget=record_budget,
                aggregate=aggregate, statistics=statistics,
                class_weights=class_weights,
                penalty=penalty,
                scales=tuple(scales),
                features=features,
                trees=trees, tree_share=tree_share, tree_depth=tree_depth,
                candidates=candidates, leaf_rows=leaf_rows,
                similarity=similarity, neighbours=neighbours, clusters=clusters,
                early_stop=early_stop,
                checkpoint_every=checkpoint_every,
                checkpoint_budget=checkpoint_budget,
            ),
            module=None if module is None else Path(module),
            base=base,
            understood=understood,
            dry_run=dry_run,
            admit_alike=admit_alike,
        )  # fmt: skip
        return train_model(
            self._session, request, key_file=key_file, metadata=metadata, rectifies=rectifies,
            named=named_as(name, purpose, owner, legal_basis, retention),
        )  # fmt: skip

    def forget(
        self,
        ids: Sequence[str],
        *,
        rows: bool = False,
        guarantee: str | None = None,
        strategy: str | None = None,
        within: float | None = None,
        space: int | None = None,
        repair: int = 0,
        accept_bridged: bool = False,
        reason: str | None = None,
        replay: bool = False,
        exact_by: str | None = None,
        accept_left_out: bool = False,
    ) -> dict[str, Any]:
        """Forget subjects (or rows, by their ids) in every model, erase, and certify it.

        `within` (seconds) and `space` (bytes) are what the unlearning may take by its estimate. An
        approximate result with a day `exact_by` is replaced by an exact one until then, by
        `requests.run`. With `accept_bridged`, what a replay agrees with is taken over although the
        code or the environment are others. `accept_left_out` lets the scan leave ids that what
        stays has too out of unweave's own files: see docs/deletion.md.
        """
        from pipelines.runs import forget_as_asked
        from unweave.answers import runs as answers

        began = clock.perf_counter()
        request = forget_request(
            ids,
            rows=rows,
            asked=asked_of(
                guarantee,
                strategy,
                repair=repair,
                accept_bridged=accept_bridged,
                within=within,
                space=space,
            ),
            reason=reason,
            replay=replay,
            exact_by=exact_by,
            accept_left_out=accept_left_out,
            today=self._session.today,
        )
        _ = self._session.engine  # one that cannot be is told before the workspace is held
        named = () if rows else request.ids
        with (
            telling_of_others(self._session, named),
            self._session.running() as (workspace, finished),
        ):
            done = forget_as_asked(
                workspace,
                request,
                command=self._session.command(),  # of now, however long the workspace was in use
                random_bytes=os.urandom,
                finished=finished,
            )
            answer = answers.forgotten(
                workspace,
                done,
                seconds=clock.perf_counter() - began,
                reveal=self._session.reveal,
            )
        return answer | spelled_otherwise(self._session, named).to_json()

    def plan(
        self,
        ids: Sequence[str],
        *,
        rows: bool = False,
        guarantee: str | None = None,
        strategy: str | None = None,
        within: float | None = None,
        space: int | None = None,
        repair: int = 0,
        accept_bridged: bool = False,
    ) -> dict[str, Any]:
        """Say what `forget` would do, and change nothing."""
        from pipelines.runs import dry_run
        from unweave.answers import runs as answers

        request = forget_request(
            ids,
            rows=rows,
            asked=asked_of(
                guarantee,
                strategy,
                repair=repair,
                accept_bridged=accept_bridged,
                within=within,
                space=space,
            ),
            today=self._session.today,
        )
        named = () if rows else request.ids
        with telling_of_others(self._session, named), translated():
            workspace = self._session.workspace()
            planned = dry_run(workspace, request, backend=self._session.backend)
        answer = answers.planned_alone(planned, request)
        return answer | spelled_otherwise(self._session, named).to_json()

    @property
    def names(self) -> ModelNames:
        """The names under which models are served."""
        return ModelNames(self._session)

    @property
    def requests(self) -> "RequestQueue":
        """The queue of requests."""
        from unweave.desk.request_queue import RequestQueue

        return RequestQueue(self._session)

    def report(
        self,
        request_id: str,
        *,
        out: Path | str | None = None,
        pdf: bool = False,
        evaluation: "Evaluation | None" = None,
    ) -> dict[str, Any]:
        """Write the report of a finished deletion as one HTML file: see `reporting`."""
        return write_report(self._session, request_id, out=out, pdf=pdf, evaluation=evaluation)

    def receipt(
        self, deletion: str, *, out: Path | str, number: int | None = None
    ) -> dict[str, Any]:
        """Hand out what opens the commitments of a certificate to one person, once, as a file.

        `number` says which of several ids, from 1. Raises NothingFound, saying when, if it was
        handed out before, or if nobody asked for it within 90 days.
        """
        return give_receipt(self._session, deletion, out=Path(out), number=number)

    def readmit(self, ids: Sequence[str], *, rows: bool = False) -> dict[str, Any]:
        """Let forgotten subjects (or rows, by their ids) be trained on again: see `readmitting`."""
        return readmit_subjects(self._session, ids, rows=rows)

    def detect(
        self,
        data: Tables | None = None,
        *,
        csv: Tables | None = None,
        reading: Reading = AS_IT_IS,
        row_id: str,
        model: str | None = None,
        method: str = "loss",
        share: float = 0.02,
        trusted: Given | None = None,
        source: str | None = None,
        propose: Path | str | None = None,
        queue: bool = False,
    ) -> dict[str, Any]:
        """Say which rows of a model look poisoned, and propose to forget them: see `detecting`."""
        from pipelines.runs.detect import DetectRequest

        tables = the_data(data, csv)
        ids = [row_id, source]
        request = DetectRequest(
            method=method,
            sources=open_sources(tables, reading.knowing(ids, ids=ids)),
            row_id=row_id,
            model=model,
            share=share,
            trusted=trusted,
            reading=reading,
            source=source,
        )
        to = None if propose is None else Path(propose)
        return detect_poison(self._session, request, propose=to, queue=queue)

    def doctor(self, *, repair: bool = False, rebuild: bool = False) -> dict[str, Any]:
        """Say where index and MLMD differ from the log and the disk; with `repair`, put it right.

        With `rebuild` MLMD is made anew before. `ok` is true if nothing differs, or if all that
        differed was put right. Raises Unfinished while a deletion waits to be finished.
        """
        return look_for_differences(self._session, repair=repair, rebuild=rebuild)

    def audit(
        self, *, replay: int = 0, seed: int | None = None, head: Path | str | None = None
    ) -> dict[str, Any]:
        """Say what is not as it should be: in log, records, files, and in segments taken again.

        `replay` segments are drawn by `seed`, or by a number that is drawn and told. `head` is a
        head of the event log that was kept apart. Raises Unfinished while a deletion is running.
        """
        kept = None if head is None else Path(head)
        return look_for_faults(self._session, replay=replay, seed=seed, head=kept)
