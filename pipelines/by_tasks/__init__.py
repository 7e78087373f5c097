"""Runs whose components an orchestrator starts one by one, each as a process of its own.

tasks_backend  leaves a run open, once the data are through the gate
one_component  runs one component of it, and ends it where that fails or was the last
launching      by TFX's launcher
program        by what program: the one that left the run open
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from pipelines.by_tasks.one_component import run_component
    from pipelines.by_tasks.tasks_backend import TasksBackend
else:
    __getattr__ = lazily(
        __name__, {"one_component": ("run_component",), "tasks_backend": ("TasksBackend",)}
    )

__all__ = ["TasksBackend", "run_component"]
