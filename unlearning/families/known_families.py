"""The families that there are: the one table that names them.

A family is loaded when it is asked for, so that who uses one does not import what another needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from lineage_store.errors import BadInput
from lineage_store.train_options import FIRST_FAMILY

if TYPE_CHECKING:
    from unlearning.families.family import Family

FAMILIES = {
    "keras": ("unlearning.families.keras_family", "KerasFamily"),
    "naive-bayes": ("unlearning.families.naive_bayes_family", "NaiveBayes"),
}
DEFAULT = FIRST_FAMILY


def family_of(name: str = DEFAULT) -> "Family":
    """Return a family by its name; raises BadInput for one that there is not."""
    if name not in FAMILIES:
        raise BadInput(f"There is no family {name!r}; there are: {', '.join(FAMILIES)}.")
    module, of = FAMILIES[name]
    family: Family = getattr(import_module(module), of)()
    return family
