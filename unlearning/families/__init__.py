"""Families: the kinds of models, each of which can be learnt part by part and taken apart again."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.families.default_partition import next_border, partition_for
    from unlearning.families.family import Family, Learner, must_be_fit, planned_steps
    from unlearning.families.known_families import DEFAULT, family_of, family_of_ledger
else:
    __getattr__ = lazily(
        __name__,
        {
            "default_partition": ("next_border", "partition_for"),
            "family": ("Family", "Learner", "must_be_fit", "planned_steps"),
            "known_families": ("DEFAULT", "family_of", "family_of_ledger"),
        },
    )

__all__ = [
    "DEFAULT",
    "Family",
    "Learner",
    "family_of",
    "family_of_ledger",
    "must_be_fit",
    "next_border",
    "partition_for",
    "planned_steps",
]
