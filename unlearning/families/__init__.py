"""Families: the kinds of models, each of which can be learnt part by part and taken apart again."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.families.known_families import DEFAULT, family_of
else:
    __getattr__ = lazily(__name__, {"known_families": ("DEFAULT", "family_of")})

__all__ = ["DEFAULT", "family_of"]
