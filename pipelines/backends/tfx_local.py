"""The TFX backend: jobs run as TFX pipelines under LocalDagRunner, with MLMD where it lives.

MLMD is written to by the last component of a pipeline, in a process of its own. What that could not
write is written here, once the pipeline has ended: so whoever waits is told why.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lineage_store.errors import NotRecorded
from lineage_store.graph import LineageNode
from lineage_store.index.models import ModelRecord
from lineage_store.large_imports import large_imports
from lineage_store.mlmd import Metadata, translating_server_errors
from lineage_store.workspace import Workspace
from pipelines.backends import public_record
from pipelines.jobs import DeletionJob, TrainingJob

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


class TfxBackend:
    """Executes jobs as TFX pipelines on this machine."""

    def train(self, job: TrainingJob) -> None:
        """Run the training pipeline."""
        with translating_server_errors(job.workspace.metadata), quiet_and_inside(job.workspace):
            Metadata.of(job.workspace, create=True)  # TFX would try ten times, and not say why
            with large_imports():
                from pipelines.definitions.training import training_pipeline
                from unlearning.fitting.executor_engine import using

            with using(job.engine), suppress(NotRecorded):
                run_locally(training_pipeline(job, awaited=True))

    def delete(self, job: DeletionJob) -> None:
        """Run the deletion pipeline."""
        with translating_server_errors(job.workspace.metadata), quiet_and_inside(job.workspace):
            Metadata.of(job.workspace, create=True)
            clear_of_killed_runs(job)
            with large_imports():
                from pipelines.definitions.deletion import deletion_pipeline
                from unlearning.fitting.executor_engine import using

            with using(job.engine, made=job.made), suppress(NotRecorded):
                run_locally(deletion_pipeline(job, awaited=True))

    def record_training(self, job: TrainingJob) -> None:
        """Write the new model's lineage into MLMD, if it is not there."""
        with translating_server_errors(job.workspace.metadata):
            public_record.record_models(job.workspace, [job.model])

    def record_deletion(self, job: DeletionJob) -> None:
        """Write into MLMD what the deletion made and ended, if it is not there."""
        with translating_server_errors(job.workspace.metadata):
            public_record.record_deletion(job.workspace, job.request_id)

    def record_retirement(self, workspace: Workspace, record: ModelRecord) -> None:
        """Mark what is gone with a model that was retired."""
        with translating_server_errors(workspace.metadata):
            public_record.record_retirement(workspace, record)

    def catch_up(self, workspace: Workspace) -> None:
        """Write what is not in MLMD yet of live models and of requests that are done."""
        with translating_server_errors(workspace.metadata):
            public_record.catch_up(workspace)

    def descendants(self, workspace: Workspace, record: ModelRecord) -> list[LineageNode]:
        """Return every live artifact downstream of the data of the model's whole family.

        Without what comes of the data of families that were ever trained from it: a model that
        starts from this one is planned with it, and one that does so no longer owes it nothing.
        """
        with translating_server_errors(workspace.metadata):
            return public_record.descendants_of(workspace, record)


def clear_of_killed_runs(job: DeletionJob) -> None:
    """Take away what killed runs made of the rows that remain: it is made anew, and in the way.

    Nobody would erase it when some of these rows are deleted in their turn.
    """
    for change in job.changes:
        if not change.recorded:
            for made in (job.workspace.pipeline_root / job.name).glob(f"*_{change.old.id}"):
                shutil.rmtree(made)


def run_locally(pipeline: "Pipeline") -> None:
    """Run a pipeline under LocalDagRunner."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    LocalDagRunner().run(pipeline)


@contextmanager
def quiet_and_inside(workspace: Workspace) -> Iterator[None]:
    """Keep temporary files inside the workspace and TFX's chatter off the terminal."""
    from unlearning.fingerprint import pin_tensorflow

    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(workspace.temporary)
    level = logging.getLogger().level
    logging.disable(logging.ERROR)  # an error is raised as well
    pin_tensorflow()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        logging.getLogger().setLevel(level)
        tempfile.tempdir = before[1]
        if before[0] is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before[0]
