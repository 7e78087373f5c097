"""Groups of cells: each cell lies in one group of each level, and a group is the same if its cells
are."""

from hypothesis import given
from hypothesis import strategies as st

from lineage_store.cells import CellLayout
from lineage_store.placement import Partition
from unlearning.encoding.cell_groups import GROUPED, levels, same_groups

LAYOUT = CellLayout(Partition(shards=4, slices=5, epochs=1, batch_size=1, seed=0), 7)
NUMBERS = st.sets(st.integers(0, 4 * 5 * 7 * 2 - 1))


def cells_of(numbers):
    return [LAYOUT.cell(number) for number in sorted(numbers)]


def leaves(tower, level, group):
    """The cells that a group of some level has, at the bottom."""
    members = tower[level][group]
    return members if not level else [c for m in members for c in leaves(tower, level - 1, m)]


@given(NUMBERS)
def test_each_cell_lies_in_one_group_and_each_group_in_one_split(numbers):
    cells = cells_of(numbers)
    tower = [*levels(LAYOUT, cells)]
    for level, groups in enumerate(tower):
        found = [leaves(tower, level, group) for group in groups]
        assert [cell for some in found for cell in some] == cells
        assert all(len({cell.split for cell in some}) == 1 for some in found)
        assert all(len(members) <= GROUPED for members in groups.values())
    top = list(tower[-1]) if tower else cells
    assert all(sum(one.split == split for one in top) <= 1 for split in ("train", "eval"))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_group_is_the_same_if_and_only_if_all_its_cells_are(before, after, changed):
    old, new = cells_of(before), cells_of(after)
    same = {cell for cell in new if cell in old} - set(cells_of(changed))
    tower, was = [*levels(LAYOUT, new)], [*levels(LAYOUT, old)]
    for level, (groups, kept) in enumerate(same_groups(LAYOUT, new, before=old, same=same)):
        assert groups == tower[level]
        for group in groups:
            here = leaves(tower, level, group)
            there = level < len(was) and group in was[level] and leaves(was, level, group)
            assert (group in kept) == (here == there and same.issuperset(here))
