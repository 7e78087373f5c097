"""The backend of an orchestrator that starts a process for each component.

The command that has the job lets the data through the gate, and leaves the run open: it returns,
and each component is run by a command of its own, `unweave component`, each under the workspace's
lock. TFX's own runner for Airflow was no choice. It wants a model's id and all paths where a
definition is parsed, and TFX in Airflow's environment (a parse took 7 s); its driver is one of
before compiled pipelines, and takes from a cache what was made, whatever became of the model.

A killed command is followed by the same one again. What fails before a new model is registered is
taken back, as everywhere. Another command that writes between two components does not wait for
the run: a deletion it finishes, and the components that are left find it done; a training it
clears away, since nothing that is not registered may outlive a deletion.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from lineage_store.large_imports import large_imports
from lineage_store.mlmd import Metadata, translating_server_errors
from pipelines.backends.open_run import OpenRun, open_run
from pipelines.backends.tfx_local import TfxBackend, clear_of_killed_runs, quiet_and_inside
from pipelines.by_tasks.launching import compiled
from pipelines.by_tasks.program import program
from pipelines.jobs import DeletionJob, LeftOpen, TrainingJob

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


class TasksBackend(TfxBackend):
    """Leaves jobs open, for a command to run each component.

    `train` and `requests.run` answer with the run's name; what else forgets raises LeftOpen.
    """

    def __init__(self, *, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes

    def train(self, job: TrainingJob) -> NoReturn:
        """Leave a training open; raises LeftOpen. An engine would stay here, so there is none."""
        with translating_server_errors(job.workspace.metadata), quiet_and_inside(job.workspace):
            Metadata.of(job.workspace, create=True)
            with large_imports():
                from pipelines.definitions.training import training_pipeline
            self._leave_open(job, training_pipeline(job))
        raise LeftOpen(job.name)

    def delete(self, job: DeletionJob) -> NoReturn:
        """Leave a deletion open; raises LeftOpen. An engine would stay here, so there is none."""
        with translating_server_errors(job.workspace.metadata), quiet_and_inside(job.workspace):
            Metadata.of(job.workspace, create=True)
            clear_of_killed_runs(job)
            with large_imports():
                from pipelines.definitions.deletion import deletion_pipeline
            self._leave_open(job, deletion_pipeline(job))
        made = [one for one in job.changes if one.model_after is not None and not one.recorded]
        raise LeftOpen(job.name, replaced=[one.old.id for one in made])

    def _leave_open(self, job: TrainingJob | DeletionJob, pipeline: "Pipeline") -> None:
        run_id = self._random_bytes(16).hex()
        left = OpenRun(compiled(pipeline, run_id=run_id), program())
        open_run(job.workspace, job.name, left)
