"""The Kubeflow backend: jobs compiled to Kubeflow's pipeline format, and run by whoever takes them.

The command that has the job stands in a container of its own, with the workspace's lock: it lets
the data through the gate, compiles, hands the file over, and waits. A task is a container of the
same image; the workspace is a volume, mounted in all of them at the same path, so the paths in the
file are good in each.

Kubeflow writes nothing to ML Metadata. The pipeline's last component records, as elsewhere, and
puts stand-ins there for what TFX would have written of the artifacts.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_store.errors import BadInput
from lineage_store.large_imports import large_imports
from lineage_store.mlmd import Metadata, translating_server_errors
from pipelines.backends.tfx_local import TfxBackend, quiet_and_inside
from pipelines.jobs import DeletionJob, TrainingJob

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

RunCompiled = Callable[[Path], object]


class KubeflowBackend(TfxBackend):
    """Has jobs run as compiled pipelines, whose containers are of one image.

    `run` is given the compiled file (JSON, schema 2.1) and returns once the pipeline has run. It
    raises, if that failed, and not before the last task has ended: the command then clears away
    what the run had begun, and raises the same.
    """

    def __init__(self, *, image: str, run: RunCompiled) -> None:
        self.image, self.run = image, run

    def train(self, job: TrainingJob) -> None:
        """Have the training pipeline run; raises BadInput for an engine, which stays here."""
        _must_have_no_engine(job)
        with translating_server_errors(job.workspace.metadata), quiet_and_inside(job.workspace):
            Metadata.of(job.workspace, create=True)
            with large_imports():
                from pipelines.definitions.training import training_pipeline
            pipeline = training_pipeline(job, awaited=True, recorded_by_tfx=False)
            self._compile_and_run(job, pipeline)

    def delete(self, job: DeletionJob) -> None:
        """Have the deletion pipeline run; raises BadInput for an engine, which stays here."""
        _must_have_no_engine(job)
        with translating_server_errors(job.workspace.metadata), quiet_and_inside(job.workspace):
            Metadata.of(job.workspace, create=True)
            _clear_of_killed_runs(job)
            with large_imports():
                from pipelines.definitions.deletion import deletion_pipeline
            pipeline = deletion_pipeline(job, awaited=True, recorded_by_tfx=False)
            self._compile_and_run(job, pipeline)

    def _compile_and_run(self, job: TrainingJob | DeletionJob, pipeline: "Pipeline") -> None:
        file = job.workspace.temporary / f"{job.name}.json"
        try:
            compile_pipeline(pipeline, image=self.image, file=file)
            self.run(file)
        finally:
            file.unlink(missing_ok=True)


def compile_pipeline(pipeline: "Pipeline", *, image: str, file: Path) -> None:
    """Write a pipeline as Kubeflow takes it: constants, and no password."""
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as kubeflow

    config = kubeflow.KubeflowV2DagRunnerConfig(default_image=image, use_pipeline_spec_2_1=True)
    runner = kubeflow.KubeflowV2DagRunner(
        config=config, output_dir=str(file.parent), output_filename=file.name
    )
    runner.run(pipeline)


def _must_have_no_engine(job: TrainingJob | DeletionJob) -> None:
    if job.engine is not None:
        raise BadInput("On Kubeflow the shards of a model are trained in one container: no engine.")


def _clear_of_killed_runs(job: DeletionJob) -> None:
    """Take away what killed runs made of the rows that remain, wherever Kubeflow put it.

    A task's folder bears its name, an underscore, and what tells this run of it from others.
    """
    outputs = job.workspace.pipeline_root / job.name
    for change in job.changes:
        if not change.recorded:
            of_the_model = re.compile(rf"[A-Za-z]+_{re.escape(change.old.id)}(_.*)?")
            for made in sorted(outputs.rglob(f"*_{change.old.id}*")):
                if of_the_model.fullmatch(made.name) and made.is_dir():
                    shutil.rmtree(made)
