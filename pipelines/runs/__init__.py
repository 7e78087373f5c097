"""What happens before and after the pipelines, a file for each kind of run.

train, forget, queue, audit, doctor, detect  the runs
base_model                                   the model that a training starts from
before_a_run                                 what would stop a deletion at its end
find_rows                                    from ids to rows
killed_runs                                  what they leave behind, taken away
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from pipelines.runs.doctor import examine, repair
    from pipelines.runs.find_rows import ForgetRequest, whereabouts
    from pipelines.runs.killed_runs import sweep
    from pipelines.runs.queue import Group, Ran
else:
    __getattr__ = lazily(
        __name__,
        {
            "doctor": ("examine", "repair"),
            "find_rows": ("ForgetRequest", "whereabouts"),
            "killed_runs": ("sweep",),
            "queue": ("Group", "Ran"),
        },
    )

__all__ = [
    "ForgetRequest",
    "Group",
    "Ran",
    "asked_again",
    "audit",
    "detect",
    "examine",
    "forget",
    "queue",
    "repair",
    "sweep",
    "train",
    "whereabouts",
]
