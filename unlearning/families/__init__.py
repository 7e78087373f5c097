"""Families: the kinds of models, each of which can be learnt part by part and taken apart again."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.families.family import Family, Learner, must_be_fit, planned_steps
    from unlearning.families.known_families import DEFAULT, family_of, family_of_ledger
else:
    __getattr__ = lazily(
        __name__,
        {
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
    "planned_steps",
]
