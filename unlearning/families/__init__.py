"""Families: the kinds of models, each of which can be learnt part by part and taken apart again."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.families.default_partition import next_border, partition_for
    from unlearning.families.family import (
        Family,
        Learner,
        ModelSource,
        must_be_fit,
        must_fit_names,
        planned_steps,
    )
    from unlearning.families.known_families import (
        DEFAULT,
        encoding_of_ledger,
        family_of,
        family_of_ledger,
        run_environment,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "default_partition": ("next_border", "partition_for"),
            "family": (
                "Family",
                "Learner",
                "ModelSource",
                "must_be_fit",
                "must_fit_names",
                "planned_steps",
            ),
            "known_families": (
                "DEFAULT",
                "encoding_of_ledger",
                "family_of",
                "family_of_ledger",
                "run_environment",
            ),
        },
    )

__all__ = [
    "DEFAULT",
    "Family",
    "Learner",
    "ModelSource",
    "encoding_of_ledger",
    "family_of",
    "family_of_ledger",
    "must_be_fit",
    "must_fit_names",
    "next_border",
    "partition_for",
    "planned_steps",
    "run_environment",
]
