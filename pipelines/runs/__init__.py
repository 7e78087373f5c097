"""What happens before and after the pipelines, a file for each kind of run.

train, forget, queue, audit, doctor, detect  the runs
asked_again                                  an interrupted deletion that is asked for again
base_model                                   the model that a training starts from
before_a_run                                 what would stop a deletion at its end
devices                                      which card a run computes on, if any
planned_changes                              what a deletion would do
find_rows                                    from ids to rows
restricting                                  rows that are trained on no more (Article 18)
killed_runs                                  what they leave behind, taken away
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from pipelines.runs.asked_again import forget_as_asked
    from pipelines.runs.doctor import examine, make_metadata_anew, repair
    from pipelines.runs.find_rows import ForgetRequest, whereabouts
    from pipelines.runs.forget import take_back_interrupted
    from pipelines.runs.killed_runs import sweep
    from pipelines.runs.planned_changes import Planned, dry_run
    from pipelines.runs.queue import Group, Ran, Settled
    from pipelines.runs.restricting import (
        restrict,
        restrict_anew,
        restrict_waiting,
        restricted_rows,
        whereabouts_of,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "asked_again": ("forget_as_asked",),
            "doctor": ("examine", "make_metadata_anew", "repair"),
            "find_rows": ("ForgetRequest", "whereabouts"),
            "forget": ("take_back_interrupted",),
            "killed_runs": ("sweep",),
            "planned_changes": ("Planned", "dry_run"),
            "queue": ("Group", "Ran", "Settled"),
            "restricting": (
                "restrict",
                "restrict_anew",
                "restrict_waiting",
                "restricted_rows",
                "whereabouts_of",
            ),
        },
    )

__all__ = [
    "ForgetRequest",
    "Group",
    "Planned",
    "Ran",
    "Settled",
    "audit",
    "detect",
    "dry_run",
    "examine",
    "forget",
    "forget_as_asked",
    "make_metadata_anew",
    "queue",
    "repair",
    "restrict",
    "restrict_anew",
    "restrict_waiting",
    "restricted_rows",
    "sweep",
    "take_back_interrupted",
    "train",
    "whereabouts",
    "whereabouts_of",
]
