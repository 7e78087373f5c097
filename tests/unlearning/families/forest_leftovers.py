"""States of a forest that answer as they should, and hold what went; and who proposes splits."""

from collections.abc import Iterator, Mapping, Sequence

from lineage_store.tensors import State
from unlearning.forest.forest_state import TRAIL

KEYS, CANDIDATE = f"{TRAIL}keys", f"{TRAIL}candidate"


def row_keys_put_back(old: State, new: State) -> Iterator[tuple[str, State]]:
    """Yield the trees with the key of a row that went in a leaf, and with another candidate."""
    there = {key.tobytes() for key in new[KEYS]}
    gone = next(key for key in old[KEYS] if key.tobytes() not in there)
    keys = new[KEYS].copy()
    keys[0] = gone
    yield "a key in a leaf", {**new, KEYS: keys}
    candidate = new[CANDIDATE].copy()
    candidate[:2] = candidate[1::-1]
    yield "candidates in another order", {**new, CANDIDATE: candidate}


def proposing(state: State, rows: Mapping[str, Sequence[bytes]], *, most: int) -> list[str]:
    """Return people with rows among the candidates at the root of a part's first tree."""
    first = state[CANDIDATE][:8]  # a root of few rows has no fewer candidates
    wanted = {state[KEYS][place].tobytes() for place in first.tolist()}
    return [one for one, keys in rows.items() if not wanted.isdisjoint(keys)][:most]
