"""States of ridge that answer as they should, and hold a key of a value, or a class, that went."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lineage_store.tensors import WEIGHTS, State
from unlearning.linear.gram import GramSums
from unlearning.linear.ridge_solve import RidgeWeights


def zero_entries(old: State, new: State) -> Iterator[tuple[str, State]]:
    """Yield the sums with the entry of a value, and with a class, that no row has any more."""
    left, weights = _read(new)
    at, column, key = 0, left.columns[0], left.keys[0] - 1
    entry = replace(
        left,
        columns=np.insert(left.columns, at, column),
        keys=np.insert(left.keys, at, key),
        pairs=np.insert(np.insert(left.pairs, at, 0, axis=0), at, 0, axis=1),
        number_entries=np.insert(left.number_entries, at, 0, axis=1),
        label_entries=np.insert(left.label_entries, at, 0, axis=0),
    )
    yield (
        "a value without rows",
        _written(entry, replace(weights, entries=np.insert(weights.entries, at, 0.0, axis=0))),
    )
    group = replace(
        left,
        classes=np.insert(left.classes, 0, left.classes[0] - 1),
        label_totals=np.insert(left.label_totals, 0, 0),
        label_numbers=np.insert(left.label_numbers, 0, 0, axis=1),
        label_entries=np.insert(left.label_entries, 0, 0, axis=1),
    )
    yield (
        "a class without rows",
        _written(
            group,
            RidgeWeights(
                np.insert(weights.numbers, 0, 0.0, axis=1),
                np.insert(weights.entries, 0, 0.0, axis=1),
                np.insert(weights.intercepts, 0, 0.0),
            ),
        ),
    )


def _read(state: State) -> tuple[GramSums, RidgeWeights]:
    plain = {name.removeprefix(WEIGHTS): one for name, one in state.items()}
    return GramSums.from_state(plain), RidgeWeights.from_state(plain)


def _written(sums: GramSums, weights: RidgeWeights) -> State:
    told = {**sums.to_state(), **weights.to_state()}
    return {f"{WEIGHTS}{name}": np.ascontiguousarray(one) for name, one in told.items()}
