"""States of item-knn that answer as they should, and hold an item, or a pair, that went."""

from collections.abc import Iterator

import numpy as np

from lineage_store.tensors import WEIGHTS, State


def items_at_zero(old: State, new: State) -> Iterator[tuple[str, State]]:
    """Yield the sums with an item, and with a pair of items, that nobody has any more."""
    left = {name.removeprefix(WEIGHTS): one for name, one in new.items()}
    gone = b"!"  # which sorts before all others
    item = {
        "names": np.concatenate([np.frombuffer(gone, np.uint8), left["names"]]),
        "name_ends": np.concatenate([[len(gone)], left["name_ends"] + len(gone)]),
        "squares": np.insert(left["squares"], 0, 0),
        "pair_ends": np.insert(left["pair_ends"], 0, 0),
        "others": left["others"] + np.int32(1),
    }
    last = len(left["squares"]) - 1
    pair = {
        "pair_ends": left["pair_ends"] + np.append(np.zeros(last, np.int64), 1),
        "others": np.append(left["others"], np.int32(last)),
        "shared": np.append(left["shared"], np.int32(0)),
    }
    for kind, changed in (("an item that nobody has", item), ("a pair that nobody has", pair)):
        arrays = {**left, **changed}
        yield kind, {f"{WEIGHTS}{name}": np.ascontiguousarray(arrays[name]) for name in arrays}
