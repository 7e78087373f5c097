"""Groups of cells: so many by their numbers, as many groups again, and so on.

What is summed over all cells of a table is summed group by group and kept, so that after a deletion
one path is summed anew, from a cell to the top: its cost grows with the logarithm of the table. In
which group a cell lies is a function of its number, and a group is named by the first cell that it
may have; none has cells of two splits. However it is grouped, a sum in canonical form has the same
bytes (law 2).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from lineage_store.cells import CellId, CellLayout

GROUPED = 16
Groups: TypeAlias = Mapping[CellId, Sequence[CellId]]


def levels(layout: CellLayout, cells: Sequence[CellId]) -> Iterator[Groups]:
    """Yield groups and what is in them: cells, then groups of these, until a split has one."""
    size = 1
    while max(Counter(cell.split for cell in cells).values(), default=0) > 1:
        size *= GROUPED
        groups: dict[CellId, list[CellId]] = {}
        for cell in cells:
            groups.setdefault(layout.first_of(cell, size), []).append(cell)
        yield groups
        cells = list(groups)


def same_groups(
    layout: CellLayout,
    cells: Sequence[CellId],
    *,
    before: Sequence[CellId],
    same: Collection[CellId],
) -> Iterator[tuple[Groups, frozenset[CellId]]]:
    """Yield the groups of each level, and which of them have what they had.

    `before` are the cells that there were, and `same` those that are as they were.
    """
    there = [*levels(layout, before)]
    for level, groups in enumerate(levels(layout, cells)):
        were = there[level] if level < len(there) else {}
        same = frozenset(
            name
            for name, members in groups.items()
            if were.get(name) == members and all(one in same for one in members)
        )
        yield groups, same
