"""What will be done to each model, decided before anything is changed.

plan            how the plan of one model is made; `model_plan` is its value, `plan_file` keeps it
verdicts        what becomes of every artifact downstream (law 4)
choice          which strategy serves
estimates       what each would cost; `expected_cost` before anybody asks
kept_for_later  what an approximate deletion keeps of the shards it changes
exact_later     two phases: approximate now, exact by a date
sealed_request  what a running deletion must remember and a finished one must not
reuse           what is taken over of an old ledger, and how that was earned
downstream      which units of a shard are downstream of the rows; `refused_plans` that leave one
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.planning.choice import WantedResult
    from unlearning.planning.estimates import Estimate, Limits, folder_bytes
    from unlearning.planning.exact_later import exact_run_after, still_approximate
    from unlearning.planning.kept_for_later import Afterwards
    from unlearning.planning.model_plan import BaseAfter, ModelPlan
    from unlearning.planning.plan import (
        AffectedModel,
        Fingerprints,
        base_after,
        fingerprints_today,
        must_still_hold,
        plan_model,
    )
    from unlearning.planning.plan_file import load_plan, save_plan
    from unlearning.planning.sealed_request import (
        OpenRequest,
        destroy_open,
        load_open,
        save_open,
    )
    from unlearning.planning.verdicts import Verdict
else:
    __getattr__ = lazily(
        __name__,
        {
            "choice": ("WantedResult",),
            "estimates": ("Estimate", "Limits", "folder_bytes"),
            "exact_later": ("exact_run_after", "still_approximate"),
            "kept_for_later": ("Afterwards",),
            "model_plan": ("BaseAfter", "ModelPlan"),
            "plan": (
                "AffectedModel",
                "Fingerprints",
                "fingerprints_today",
                "base_after",
                "must_still_hold",
                "plan_model",
            ),
            "plan_file": ("load_plan", "save_plan"),
            "sealed_request": ("OpenRequest", "destroy_open", "load_open", "save_open"),
            "verdicts": ("Verdict",),
        },
    )

__all__ = [
    "AffectedModel",
    "Afterwards",
    "BaseAfter",
    "Estimate",
    "Fingerprints",
    "Limits",
    "ModelPlan",
    "OpenRequest",
    "Verdict",
    "WantedResult",
    "base_after",
    "destroy_open",
    "exact_run_after",
    "expected_cost",
    "fingerprints_today",
    "folder_bytes",
    "load_open",
    "load_plan",
    "must_still_hold",
    "plan_model",
    "save_open",
    "save_plan",
    "still_approximate",
]
