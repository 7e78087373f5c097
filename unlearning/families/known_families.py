"""The families that there are: the one table that names them.

A family is imported when it is asked for, so that who uses one does not load what another needs.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store.data import Schema
from lineage_store.errors import BadInput
from lineage_store.ledger import FIRST_FAMILY, Ledger, TrainOptions
from unlearning.families.not_there import NOT_THERE
from unlearning.fingerprint.devices import on_device

if TYPE_CHECKING:
    from unlearning.encoding.row_encoding import RowEncoding
    from unlearning.families.family import Family, Trail

DEFAULT = FIRST_FAMILY


def _keras() -> "Family":
    from unlearning.families.keras_family import KerasFamily

    return KerasFamily()


def _naive_bayes() -> "Family":
    from unlearning.families.naive_bayes_family import NaiveBayes

    return NaiveBayes()


def _ridge() -> "Family":
    from unlearning.families.ridge_family import Ridge

    return Ridge()


def _forest() -> "Family":
    from unlearning.families.forest_family import Forest

    return Forest()


def _logistic() -> "Family":
    from unlearning.families.logistic_family import LogisticFamily

    return LogisticFamily()


def _k_means() -> "Family":
    from unlearning.families.k_means_family import KMeans

    return KMeans()


def _item_knn() -> "Family":
    from unlearning.families.item_knn_family import ItemKnn

    return ItemKnn()


def _estimator() -> "Family":
    from unlearning.families.estimator_family import EstimatorFamily

    return EstimatorFamily()


FAMILIES: Mapping[str, "Callable[[], Family]"] = {
    "keras": _keras,
    "naive-bayes": _naive_bayes,
    "ridge": _ridge,
    "item-knn": _item_knn,
    "forest": _forest,
    "logistic": _logistic,
    "k-means": _k_means,
    "estimator": _estimator,
}


_REGISTERED: dict[str, "Family"] = {}


def register_family(family: "Family") -> None:
    """Register a family from outside, for this process.

    Raises BadInput for a name that is taken.
    """
    if family.name in _known():
        raise BadInput(f"There is a family {family.name!r} already: give yours another name.")
    _REGISTERED[family.name] = family


def unregister_family(name: str) -> None:
    """Forget a family that was registered from outside."""
    del _REGISTERED[name]


def family_of(name: str = DEFAULT) -> "Family":
    """Return a family by its name; raises BadInput for one that there is not."""
    if name not in _known():
        why = NOT_THERE.get(name, "")
        known = f"There is no family {name!r}; there are: {', '.join(_known())}."
        raise BadInput(f"{known} {why}".rstrip())
    return _REGISTERED.get(name) or FAMILIES[name]()


def _known() -> tuple[str, ...]:
    return (*FAMILIES, *_REGISTERED)


def family_of_ledger(ledger: Ledger) -> "Family":
    """Return the family that a ledger's model is of."""
    return family_of(ledger.header.options.model_family)


def run_environment(options: TrainOptions, text: str | None) -> dict[str, Any]:
    """Return what the bits of a run with such options depend on besides; `text` is the source."""
    return on_device(family_of(options.model_family).environment(text), options.device)


def encoding_of_ledger(ledger: Ledger, schema: Schema) -> "RowEncoding":
    """Return how a ledger's model reads the rows of a table."""
    from unlearning.families.family import ModelSource
    from unlearning.training.config import module_source

    source = ModelSource(ledger.header.module.name, module_source(ledger))
    return family_of_ledger(ledger).encoding(schema, source)


def with_trail(trail: "Trail") -> tuple[str, ...]:
    """Return the families that leave such a trail."""
    return tuple(name for name in _known() if family_of(name).trail == trail)


def shipped_files() -> list[Path]:
    """Return the files that models are served by and that are of no model: unweave's own."""
    unlearning = Path(__file__).parents[1]
    return [path for path in unlearning.rglob("*.saved_model/**/*") if path.is_file()]
