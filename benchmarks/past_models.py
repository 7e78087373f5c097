"""A line of models with a long past, made by hand: each is the one before with one shard anew.

Nothing is trained. Ledgers, records, plans and events are written as a training and deletions leave
them, TFX's artifacts are put into ML Metadata as its pipelines put them, and the units come there
through unweave's own ingest, so that what a deletion costs there can be told at any length of the
past.
"""

import shutil
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.handmade import plain_header
from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.claim import claim_of
from lineage_store.index import (
    deletions,
    logging_events,
    models,
    reading_index,
    writing_index,
)
from lineage_store.ledger import Ledger, open_ledger, published_ledger
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import ShardLedger, keep_shard, shard_folder, write_header
from lineage_store.log import DeletionAsked, ModelMade, RowsDeleted, events
from lineage_store.mlmd import Metadata, Names, ingest_model
from lineage_store.mlmd.metadata_store import pb
from lineage_store.mlmd.stand_ins import put_artifacts, put_steps, uris_of
from lineage_store.placement import Partition
from lineage_store.tensors import save_state
from lineage_store.workspace import Workspace
from pipelines.jobs import DeletionJob
from pipelines.runs.train import ensure_signing_key
from unlearning.planning import ModelPlan, save_plan
from unlearning.strategies.shard_decision import ShardDecision

TIME = "2026-01-01T00:00:00+00:00"
STATE = {"weights/0000": np.zeros(4, np.float32)}
FOLDERS = {
    "examples": ("GatedExampleGen", "examples"),
    "statistics": ("GatedStatisticsGen", "statistics"),
    "schema": ("SchemaGen", "schema"),
    "rows": ("RowIndexer", "rows"),
    "pushed_artifact": ("Pusher", "pushed_model"),
}


@dataclass(frozen=True)
class PastModels:
    """A workspace with one line of models; every shard takes `steps` steps in each stage."""

    workspace: Workspace
    shards: int = 10
    slices: int = 1
    steps: int = 1_000

    def train(self) -> models.ModelRecord:
        """Make the first model, and record it in ML Metadata."""
        ensure_signing_key(self.workspace)
        record = self._record(1, None)
        ledger = self._write_ledger(record, None, dict.fromkeys(range(self.shards), 0))
        metadata = Metadata.of(self.workspace, create=True)
        self._put(metadata, record)
        self._register(record, ledger)
        ingest_model(
            metadata,
            names=Names(self.workspace.keys().key_id),
            record=record,
            ledger=ledger,
            uris=uris_of(self.workspace, record),
        )
        return record

    def forget(
        self,
        anew: Mapping[int, int],
        *,
        rowless: Container[int] = (),
        subtracted: Container[int] = (),
    ) -> str:
        """Make the next model; MLMD has what a pipeline writes of it, and none of its units.

        `anew` are the shards that change, with the number of stages that each keeps; of those some
        may have no row left, or be `subtracted` from. The model before has ended, and its files are
        gone. Returns the id of the request.
        """
        old = self.newest()
        number = old.ordinal + 1
        with writing_index(self.workspace) as connection:
            request = deletions.record(
                connection, commitments=[("subject", f"{number:064x}", (old.id,))],
                options={}, time=TIME,
            )  # fmt: skip
        new = self._record(number, request.id)
        ledger = self._write_ledger(new, old, anew, rowless, subtracted)
        metadata = Metadata.of(self.workspace)
        self._put(metadata, new)
        self._put_reports(metadata, old, new)
        decisions = [ShardDecision(one, "retrained", kept, 0, "") for one, kept in anew.items()]
        plan = ModelPlan(
            old.id, new.id, "retrain-shards", claim_of("exact"), "", 1, {"train": 1},
            tuple(decisions), 0, 0, (), False,
        )  # fmt: skip
        self.workspace.request(request.id).path.mkdir(parents=True)
        save_plan(self.workspace.request(request.id), [plan])
        with logging_events(self.workspace) as log:
            events.append(log, DeletionAsked(request.id, "0" * 64), time=TIME)
        self._register(new, ledger)
        with writing_index(self.workspace) as connection, connection:
            models.end(connection, old.id, state="deleted", time=TIME)
        shutil.rmtree(self.workspace.absolute(old.paths["ledger"]))
        deleted = RowsDeleted(request.id, "0" * 64, {old.id: new.id}, {old.id: "exact"}, 1)
        with logging_events(self.workspace) as log:
            events.append(log, deleted, time=TIME)
            deletions.finish(log, request.id, result={"rows": 1, "subjects": 1}, time=TIME)
        return request.id

    def job(self, request: str) -> DeletionJob:
        """Return the job of a request, as far as it is asked once its pipeline has run."""
        return DeletionJob(
            workspace=self.workspace, request_id=request, changes=[], replay=False,
            derived_until="", clock=lambda: TIME, version="",
        )  # fmt: skip

    def newest(self) -> models.ModelRecord:
        """Return the record of the live model."""
        with reading_index(self.workspace) as connection:
            return models.find_model(connection)

    def _record(self, number: int, request: str | None) -> models.ModelRecord:
        run = "tfx/train-m1" if request is None else f"tfx/forget-{request}"
        after = "" if request is None else f"_m{number - 1}"
        maker = "LineageTrainer" if request is None else f"Unlearner{after}"
        paths = {name: f"{run}/{component}{after}/{output}/{number}"
                 for name, (component, output) in FOLDERS.items()}  # fmt: skip
        paths |= {name: f"{run}/{maker}/{name}/{number}" for name in ("ledger", "model")}
        partition = Partition(self.shards, self.slices, 1, 4, 0)
        return models.ModelRecord(
            id=f"m{number}", family="m1", snapshot=1, state="live", created=TIME,
            guarantee="trained" if request is None else "exact",
            weights=f"{number:064x}", ledger=f"{number:064x}",
            paths={**paths, "data": f"data/m{number}", "pushed": f"serving/m1/{number}"},
            config={"partition": partition.__dict__},
            report={"rows": {"train": 1}, "metrics": {"accuracy": 0.9}}, request=request,
        )  # fmt: skip

    def _write_ledger(
        self,
        record: models.ModelRecord,
        old: models.ModelRecord | None,
        anew: Mapping[int, int],
        rowless: Container[int] = (),
        subtracted: Container[int] = (),
    ) -> Ledger:
        """Write a ledger: the shards `anew` from a stage on, the others as the old one has them."""
        folder = self.workspace.absolute(record.paths["ledger"])
        before = None if old is None else open_ledger(self.workspace.absolute(old.paths["ledger"]))
        for number in range(self.shards):
            shard = ShardLedger(shard_folder(folder, number))
            if before is not None:
                keep_shard(before.shard(number), shard, stages=anew.get(number))
            for stage in range(anew.get(number, self.slices), self.slices):
                steps = 0 if number in rowless else self.steps
                made = StageRecord(
                    number, stage, steps * 4, 1, steps, stage * self.steps, steps,
                    "0" * 64, "", "", record.id, 1.0,
                )  # fmt: skip
                shard.write_stage(made, self._steps_of(made), STATE)
            if number in subtracted:
                write_atomic(shard.subtracted_file, canonical_json({"positions": [0]}))
                save_state(shard.final_file, STATE)
        partition = Partition(self.shards, self.slices, 1, 4, 0)
        return write_header(folder, plain_header(partition, model=record.id))

    def _steps_of(self, stage: StageRecord) -> Iterator[StepRecord]:
        for number in range(stage.batches):
            position = stage.first_position + number
            yield StepRecord(position, 0, number, 4, f"{position:064x}", 0.5)

    def _register(self, record: models.ModelRecord, ledger: Ledger) -> None:
        record = replace(record, ledger=published_ledger(ledger))
        made = ModelMade(record.id, "m1", record.guarantee, record.request, record.weights,
                         record.ledger, None, None)  # fmt: skip
        with logging_events(self.workspace) as log:
            models.register(log, record)
            events.append(log, made, time=TIME)

    def _put(self, metadata: Metadata, record: models.ModelRecord) -> None:
        ids = put_artifacts(metadata, self.workspace, record)
        names = Names(self.workspace.keys().key_id)
        put_steps(metadata, names, record, ids, base_ledger=None)

    def _put_reports(
        self, metadata: Metadata, old: models.ModelRecord, new: models.ModelRecord
    ) -> None:
        """Put what a deletion's pipeline leaves besides: reports, which stay."""
        known = {
            (model.id, name): found.id
            for model in (old, new)
            for name in ("rows", "ledger", "model")
            if (found := metadata.by_uri(str(self.workspace.absolute(model.paths[name]))))
        }
        run = self.workspace.pipeline_root / f"forget-{new.request}"
        ends = [known[one] for one in known if one[1] != "model"]
        self._put_step(metadata, "DeletionChecker", run, ends,
                       ["components.CheckReport", "ModelBlessing"])  # fmt: skip
        self._put_step(metadata, "ModelRecorder", run, [known[new.id, "model"]],
                       ["components.ModelRecord"])  # fmt: skip
        self._put_step(metadata, "Certifier", run, [], ["components.Certificate"])

    def _put_step(
        self, metadata: Metadata, kind: str, run: Path, inputs: list[int], outputs: list[str]
    ) -> None:
        made = [
            pb.Artifact(
                type_id=metadata.artifact_type(one), uri=f"{run}/{kind}/{one.split('.')[-1]}/1",
                state=pb.Artifact.LIVE,
            )
            for one in outputs
        ]  # fmt: skip
        node = pb.Execution(
            type_id=metadata.execution_type(kind), last_known_state=pb.Execution.COMPLETE
        )
        edges = [(0, None, pb.Event(type=pb.Event.INPUT, artifact_id=one)) for one in inputs]
        edges += [(0, place, pb.Event(type=pb.Event.OUTPUT)) for place in range(len(made))]
        metadata.store.put_lineage_subgraph([node], made, [], edges)
