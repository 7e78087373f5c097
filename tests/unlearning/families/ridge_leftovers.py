"""States of ridge that answer as they should, and hold a key of a value, or a class, that went."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lineage_store.tensors import WEIGHTS, State
from unlearning.linear.ridge_part import RidgePart
from unlearning.linear.ridge_solve import RidgeWeights


def zero_entries(old: State, new: State) -> Iterator[tuple[str, State]]:
    """Yield the part with the entry of a value, and with a class, that no row has any more."""
    part = RidgePart.from_state({name.removeprefix(WEIGHTS): one for name, one in new.items()})
    sums, weights, marginals = part.sums, part.weights, part.marginals
    entry = replace(
        sums,
        columns=np.insert(sums.columns, 0, 0),
        keys=np.insert(sums.keys, 0, -(1 << 62)),
        pairs=np.insert(np.insert(sums.pairs, 0, 0, axis=0), 0, 0, axis=1),
        number_entries=np.insert(sums.number_entries, 0, 0, axis=1),
        label_entries=np.insert(sums.label_entries, 0, 0, axis=0),
    )
    wider = replace(weights, entries=np.insert(weights.entries, 0, 0.0, axis=0))
    group = replace(
        sums,
        classes=np.insert(sums.classes, 0, sums.classes[0] - 1),
        label_totals=np.insert(sums.label_totals, 0, 0),
        label_numbers=np.insert(sums.label_numbers, 0, 0, axis=1),
        label_entries=np.insert(sums.label_entries, 0, 0, axis=1),
    )
    more = RidgeWeights(
        np.insert(weights.numbers, 0, 0.0, axis=1),
        np.insert(weights.entries, 0, 0.0, axis=1),
        np.insert(weights.intercepts, 0, 0.0),
    )
    known = replace(
        marginals,
        columns=np.insert(marginals.columns, 0, 0),
        keys=np.insert(marginals.keys, 0, -(1 << 62)),
        rows=np.insert(marginals.rows, 0, 0),
        labels=np.insert(marginals.labels, 0, 0, axis=0),
    )
    for kind, changed in (
        ("a value without rows", replace(part, sums=entry, weights=wider)),
        ("a class without rows", replace(part, sums=group, weights=more)),
        ("the marginals of a value without rows", replace(part, marginals=known)),
    ):
        state = changed.to_state()
        yield kind, {f"{WEIGHTS}{name}": np.ascontiguousarray(one) for name, one in state.items()}
