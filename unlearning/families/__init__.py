"""Families: the kinds of models, each of which can be learnt part by part and taken apart again."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.families.aggregation import aggregation_for
    from unlearning.families.keras_encoding import KerasEncoding
    from unlearning.families.known_families import DEFAULT, family_of
else:
    __getattr__ = lazily(
        __name__,
        {
            "aggregation": ("aggregation_for",),
            "keras_encoding": ("KerasEncoding",),
            "known_families": ("DEFAULT", "family_of"),
        },
    )

__all__ = ["DEFAULT", "KerasEncoding", "aggregation_for", "family_of"]
