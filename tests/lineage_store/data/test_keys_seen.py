"""Keys that are counted by blocks and on disk are counted as one by one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.data import keys_seen
from lineage_store.data.keys_seen import KeysSeen


def keys_of(numbers):
    """Keys whose halves are often alike."""
    keys = np.zeros((len(numbers), 16), np.uint8)
    for row, (high, low) in enumerate(numbers):
        keys[row, [0, 7]], keys[row, [8, 15]] = high, low
    return keys


@settings(deadline=None, max_examples=examples(100))
@given(
    blocks=st.lists(
        st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=40), max_size=12
    ),
    in_memory=st.sampled_from([8, 30, 1 << 18]),
)
def test_each_key_is_counted_in_the_order_in_which_it_comes(new_folder, blocks, in_memory):
    folder, known = new_folder(), Counter()
    with pytest.MonkeyPatch.context() as patch, KeysSeen(folder) as seen:
        patch.setattr(keys_seen, "IN_MEMORY", in_memory)
        for block in blocks:
            wanted = []
            for key in block:
                known[key] += 1
                wanted.append(known[key])
            assert seen.count(keys_of(block)).tolist() == wanted
        assert in_memory > 40 or len(known) < 80 or list(folder.iterdir())
    assert list(folder.iterdir()) == []
