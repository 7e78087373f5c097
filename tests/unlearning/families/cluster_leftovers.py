"""States of clusters that answer as they should, and hold a key that went; and who starts them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lineage_store.tensors import WEIGHTS, State
from unlearning.clusters.cluster_part import ClusterPart


def clusters_at_zero(old: State, new: State) -> Iterator[tuple[str, State]]:
    """Yield the part with a value that no row has any more, and with the key of another start."""
    part = _part_of(new)
    at = part.sums.shape[2] - len(part.entries)
    value = replace(
        part,
        columns=np.insert(part.columns, 0, 0),
        entries=np.insert(part.entries, 0, -(1 << 62)),
        centres=np.insert(part.centres, at, 0, axis=2),
        sums=np.insert(part.sums, at, 0, axis=2),
    )
    keys = part.candidates.copy()
    keys[-1] ^= 1
    for kind, changed in (
        ("a value without rows", value),
        ("the key of a row that starts nothing", replace(part, candidates=keys)),
    ):
        yield kind, {f"{WEIGHTS}{name}": one for name, one in changed.to_state().items()}


def starting(state: State, rows: Mapping[str, Sequence[bytes]]) -> list[str]:
    """Return people of whose rows clusters of a part start."""
    part = _part_of(state)
    wanted = {part.candidates[place].tobytes() for place in part.first.tolist()}
    return [one for one, keys in rows.items() if not wanted.isdisjoint(keys)]


def _part_of(state: State) -> ClusterPart:
    return ClusterPart.from_state({name.removeprefix(WEIGHTS): one for name, one in state.items()})
