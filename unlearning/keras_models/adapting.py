"""What a module sets before a shard's first step, from the rows of the shard's first slice."""

import types
from typing import Any

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.placement import tweak
from lineage_store.rows import Rows
from unlearning.keras_models.seeds import seeded_for_this_thread

ADAPT = 13


def adapt_to(
    rows: Rows, model: Any, *, module: types.ModuleType, name: str, seed: int, shard: int
) -> None:
    """Call what a module has of `adapt` and `adapt_to_labels`; `name` is the module's.

    Raises BadInput if one fails.
    """
    missing = np.isnan(rows["numbers"])
    numbers = np.where(missing, np.float32(0), rows["numbers"])
    given = (numbers, missing.astype(np.float32), rows["categories"])
    calls = (
        ("adapt", given, tweak(ADAPT, seed, shard)),
        ("adapt_to_labels", (rows.labels,), tweak(ADAPT, seed, shard, 1)),
    )
    for function, arguments, drawn in calls:
        called = getattr(module, function, None)
        if called is None:
            continue
        try:
            with seeded_for_this_thread(drawn):
                called(model, *arguments)
        except Exception as error:
            raise BadInput(
                f"{function} of {name} fails: {type(error).__name__}: {error}."
            ) from error
