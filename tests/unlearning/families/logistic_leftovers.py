"""States of a logistic model that answer as they should, and hold a key that went, or a sign."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lineage_store.tensors import WEIGHTS, State
from unlearning.convex.logistic_part import LogisticPart


def weightless_entries(old: State, new: State) -> Iterator[tuple[str, State]]:
    """Yield the part with a value, or a class, that no row has any more, and a zero of no sign."""
    part = LogisticPart.from_state({name.removeprefix(WEIGHTS): one for name, one in new.items()})
    entry = replace(
        part,
        columns=np.insert(part.columns, 0, 0),
        keys=np.insert(part.keys, 0, -(1 << 62)),
        entries=np.insert(part.entries, 0, 0.0, axis=0),
    )
    zeros = part.entries.copy()
    zeros[0] = -0.0
    for kind, changed in (
        ("a value without rows", entry),
        ("a weight of minus zero", replace(part, entries=zeros)),
    ):
        state = changed.to_state()
        yield kind, {f"{WEIGHTS}{name}": np.ascontiguousarray(one) for name, one in state.items()}
