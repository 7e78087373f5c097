"""Compiled loops that grow trees and take rows out of them: the bits of `growth` and `changes`.

A tree is three tables of whole numbers, in the order in which it is walked, as on disk: of a node
its DEPTH, FEATURE, THRESHOLD, ROWS, how far right its right child stands (SKIP), how many
candidates its subtree has (BELOW), how many rows it holds (HOLDS), and its sums; the held rows; of
a candidate the row that proposed it (WHO), its feature and threshold (BY, AT), and the sums of its
left side. All is relative, so a change moves nothing but what stands behind it: a walk adds up
where the rows and candidates of a node begin.

All is in one file, since compiled code is kept by file. Hashes are those of `draws`, the winner
that of `split_choice`: floats say what is clear, whole numbers the rest.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from unlearning.forest.forest_shape import FEWEST
from unlearning.forest.split_choice import ENOUGH, EXACT, MARGIN, OF, exact
from unlearning.forest.trees import LEAF

F = TypeVar("F", bound=Callable[..., Any])
compiled = cast(Callable[[F], F], numba.njit(cache=True))

DEPTH, FEATURE, THRESHOLD, ROWS, SKIP, BELOW, HOLDS, SUMS = range(8)
WHO, BY, AT, LEFT = range(4)

SMALL = 255
"""Sums of a node up to which fractions are compared in 64 bits."""

A, B, C, D = (np.uint64(n) for n in (30, 27, 31, 33))
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@compiled
def mixed(x: Any) -> Any:
    """Return the hash of a whole number of 64 bits."""
    x = (x ^ (x >> A)) * FIRST
    x = (x ^ (x >> B)) * SECOND
    return x ^ (x >> C)


@compiled
def drawn(key: Any, upper: Any, lower: Any) -> Any:
    """Return what is drawn for a row at a node."""
    return mixed(mixed(key ^ upper) + lower)


@compiled
def child_key(key: Any, side: int) -> Any:
    """Return the key of the left (0) or right (1) child of a node."""
    return mixed(key * GOLDEN + np.uint64(side + 1))


@compiled
def many_at(rows: int, most: int) -> int:
    """Return among how many candidates a node of so many rows chooses."""
    return min(min(max(rows // 4, FEWEST), most), rows)


@compiled
def is_pure(totals: Any, classes: int) -> bool:
    """Say whether all rows of a node are of one class."""
    if classes == 0:
        return False
    held = 0
    for one in totals:
        if one != 0:
            held += 1
    return held <= 1


def in_python(one: Any, other: Any, totals: Any, whole: int, a: int, a2: int) -> bool:
    """Say the same as `enough`, of whole numbers of any size."""
    (top, under), (over, below) = (
        exact(left, totals, int(whole), int(of)) for left, of in ((one, a), (other, a2))
    )
    return OF * top * below >= ENOUGH * over * under


@compiled
def enough(one: Any, other: Any, totals: Any, whole: int, a: int, a2: int) -> bool:
    """Say whether the G of one left side is at least 7/8 of another's, exactly."""
    if whole > SMALL or abs(totals[0]) > SMALL or max(abs(one[0]), abs(other[0])) > SMALL:
        with numba.objmode(found="boolean"):
            found = in_python(one, other, totals, whole, a, a2)
        return bool(found)
    top, over = 0, 0
    for k in range(len(totals)):
        top += (whole * one[k] - a * totals[k]) ** 2
        over += (whole * other[k] - a2 * totals[k]) ** 2
    return bool(OF * top * a2 * (whole - a2) >= ENOUGH * over * a * (whole - a))


@compiled
def best_of(
    cands: Any, many: int, totals: Any, leaf: int, classes: int, near: Any, spare: Any
) -> int:
    """Return by which of its candidates a node splits, or LEAF; the last two are room."""
    most, start, width = 0.0, 0 if classes else 1, len(totals)
    whole = totals.sum() if classes else totals[0]
    middle = 0 if classes else totals[1] // max(whole, 1)
    sums = spare[many]
    for k in range(width):
        sums[k] = totals[k] - (k * whole * middle)
    for c in range(many):
        near[c], a = 0.0, 0
        for k in range(width):
            a += cands[c, LEFT + k] if classes or k == 0 else 0
        if a < leaf or whole - a < leaf:
            continue
        for k in range(width):
            own = cands[c, LEFT + k] - (k * a * middle)
            spare[c, k] = own
            if k >= start:
                apart = float(own * whole - sums[k] * a)
                if abs(own) >= EXACT:
                    apart = float(own) * float(whole) - float(sums[k] * a)
                near[c] += apart * apart
        near[c] /= float(a * (whole - a))
        most = max(most, near[c])
    if most <= 0:
        return LEAF
    bound = most * ENOUGH / OF
    for c in range(many):
        if near[c] >= bound * (1 + MARGIN):
            return c
        if near[c] >= bound * (1 - MARGIN) and near[c] > 0:
            a = spare[c].sum() if classes else spare[c, 0]
            passes = True
            for other in range(many):
                if near[other] >= most * (1 - MARGIN):
                    a2 = spare[other].sum() if classes else spare[other, 0]
                    passes = passes and enough(
                        spare[c, start:], spare[other, start:], sums[start:], whole, a, a2
                    )
            if passes:
                return c
    return LEAF


@compiled
def goes_left(value: Any, threshold: Any, by_value: Any) -> bool:
    """Say whether a row goes left at a split."""
    return bool((value == threshold) | ((value < threshold) & (not by_value)))


@compiled
def _propose(
    rows: Any, key: Any, many: int, keys: Any, features: Any, draws: Any, cands: Any
) -> None:
    """Find a node's candidates, as they are drawn, without their sums."""
    found = 0
    for row in rows:
        draw = drawn(key, keys[row, 0], keys[row, 1])
        if found == many and draw >= draws[many - 1]:
            continue
        place = found if found < many else many - 1
        while place > 0 and draws[place - 1] > draw:
            draws[place], cands[place, WHO] = draws[place - 1], cands[place - 1, WHO]
            place -= 1
        draws[place], cands[place, WHO] = draw, row
        found = min(found + 1, many)
    for c in range(many):
        _fill(cands, c, draws[c], features)


@compiled
def _fill(cands: Any, c: int, draw: Any, features: Any) -> None:
    """Write what a candidate proposes, and that nothing goes left there yet."""
    cands[c, BY] = np.int64((mixed(draw) >> D) % np.uint64(features.shape[1]))
    cands[c, AT] = features[cands[c, WHO], cands[c, BY]]
    cands[c, LEFT:] = 0


@compiled
def _add(cands: Any, start: int, end: int, row: int, table: Any, sign: int) -> None:
    """Add a row to the left sums of candidates that it goes left at, or take it off."""
    features, by_value, stats, of_class, classes = table
    first = of_class[row] if classes else 0
    for c in range(start, end):
        by = cands[c, BY]
        goes = sign * goes_left(features[row, by], cands[c, AT], by_value[by])
        cands[c, LEFT + first] += goes * stats[row, first]
        if not classes:
            cands[c, LEFT + 1] += goes * stats[row, 1]


@compiled
def grow(rows: Any, key: Any, depth: int, given: Any, room: Any, out: Any) -> Any:
    """Grow the subtree of rows, which ascend, into `out`; `rows` is used up.

    Returns how many nodes, held rows and candidates it has, or -1 where there is no room for these.
    """
    keys, table, (leaf, deepest, most, bush) = given
    features, by_value, stats, _, classes = table
    width = stats.shape[1]
    draws, near, sums, stack, stack_keys, spare = room
    nodes, held, cands = out
    made, kept, chosen = 0, 0, 0
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 0, len(rows), depth, 0
    stack_keys[0] = key
    waiting = 1
    while waiting:
        waiting -= 1
        start, end, level, in_bush = stack[waiting]
        here = stack_keys[waiting]
        count, node = end - start, nodes[made]
        node[:] = 0
        for place in range(start, end):
            for k in range(width):
                node[SUMS + k] += stats[rows[place], k]
        best, many = LEAF, 0
        node[DEPTH], node[FEATURE], node[ROWS] = level, LEAF, count
        if count > 1 and level < deepest and not is_pure(node[SUMS:], classes):
            many = many_at(count, most)
            if chosen + many > len(cands) or made + 2 > len(nodes):
                return -1, 0, 0
            own = cands[chosen : chosen + many]
            _propose(rows[start:end], here, many, keys, features, draws, own)
            for place in range(start, end):
                _add(own, 0, many, rows[place], table, 1)
            best = best_of(own, many, node[SUMS:], leaf, classes, near, sums)
            if best != LEAF:
                node[FEATURE], node[THRESHOLD] = own[best, BY], own[best, AT]
            if count > bush:
                node[BELOW] = many
                chosen += many
        if not in_bush and (count <= bush or best == LEAF):
            held[kept : kept + count] = rows[start:end]
            node[HOLDS] = count
            kept += count
        if best != LEAF:
            by, at = node[FEATURE], node[THRESHOLD]
            to, others = start, 0
            for place in range(start, end):
                row = rows[place]
                if goes_left(features[row, by], at, by_value[by]):
                    rows[to] = row
                    to += 1
                else:
                    spare[others] = row
                    others += 1
            rows[to:end] = spare[:others]
            for side in (1, 0):
                stack[waiting, 0], stack[waiting, 1] = (to, end) if side else (start, to)
                stack[waiting, 2] = level + 1
                stack[waiting, 3] = 1 if in_bush or count <= bush else 0
                stack_keys[waiting] = child_key(here, side)
                waiting += 1
        made += 1
    for place in range(made - 1, -1, -1):  # sizes first stand in SKIP
        nodes[place, SKIP] = 1
        if nodes[place, FEATURE] != LEAF:
            second = place + 1 + nodes[place + 1, SKIP]
            nodes[place, SKIP] += nodes[place + 1, SKIP] + nodes[second, SKIP]
            nodes[place, BELOW] += nodes[place + 1, BELOW] + nodes[second, BELOW]
    for place in range(made):
        splits = nodes[place, FEATURE] != LEAF
        nodes[place, SKIP] = 1 + nodes[place + 1, SKIP] if splits else 0
    return made, kept, chosen


@compiled
def _splice(array: Any, used: int, start: int, old: int, new: Any, count: int) -> int:
    """Put `count` new values in place of `old` from `start` on; return how many there are."""
    after = used - start - old
    for step in range(after if count != old else 0):
        place = step if count < old else after - 1 - step
        array[start + count + place] = array[start + old + place]
    for place in range(count):
        array[start + place] = new[place]
    return used + count - old


@compiled
def _next_drawn(rows: Any, gone: int, key: Any, keys: Any, last: int) -> Any:
    """Return the row that was drawn next after one, of some without another, and its draw."""
    found, least = LEAF, np.uint64(0)
    bound = drawn(key, keys[last, 0], keys[last, 1])
    for row in rows:
        draw = drawn(key, keys[row, 0], keys[row, 1])
        if row == gone or draw < bound or (draw == bound and row <= last):
            continue
        if found == LEAF or draw < least or (draw == least and row < found):
            found, least = row, draw
    return found, least


@compiled
def _mended(row: int, key: Any, rows: Any, many: int, left: int, given: Any, cands: Any) -> bool:
    """Take a row off the candidates of a node with these rows, of which `left` shall be left.

    Says whether there is one less: then it stands behind the others, of no more use.
    """
    keys, table, _ = given
    _add(cands, 0, many, row, table, -1)
    last, lost = cands[many - 1, WHO], many
    for c in range(many):
        if cands[c, WHO] == row:
            lost = c
    if lost == many and left == many:
        return False
    for c in range(lost, many - 1):
        cands[c] = cands[c + 1]
    if left < many:
        return True
    new, draw = _next_drawn(rows, row, key, keys, last)
    cands[many - 1, WHO] = new
    _fill(cands, many - 1, draw, table[0])
    for other in rows:
        if other != row:
            _add(cands, many - 1, many, other, table, 1)
    return False


@compiled
def take_out(row: int, key: Any, given: Any, room: Any, out: Any, tree: Any, used: Any) -> bool:
    """Take a row out of a tree that has it; False where there is no room, and it must be grown.

    `used` are the tree's nodes, held rows and candidates.
    """
    nodes, held, cands = tree
    _, (features, by_value, stats, _, classes), (leaf, deepest, most, bush) = given
    path = np.empty(deepest + 1, np.int64)
    at, first, own, level = 0, 0, 0, 0
    while True:
        node = nodes[at]
        was, sums = node[ROWS], node[SUMS:]
        opens = was > bush and level < deepest and not is_pure(sums, classes)
        rows = held[first : first + was]
        sums -= stats[row]
        node[ROWS] -= 1
        if not opens or node[FEATURE] == LEAF or was - 1 <= bush or is_pure(sums, classes):
            break
        many, left = many_at(was, most), many_at(was - 1, most)
        if _mended(row, key, rows, many, left, given, cands[own:]):
            used[2] = _splice(cands, used[2], own + left, 1, cands, 0)
            node[BELOW] -= 1
            for above in path[:level]:
                nodes[above, BELOW] -= 1
        mine = cands[own:]
        best = best_of(mine, left, sums, leaf, classes, room[1], room[2])
        if best == LEAF or mine[best, BY] != node[FEATURE] or mine[best, AT] != node[THRESHOLD]:
            break
        path[level] = at
        level += 1
        own += left
        if goes_left(features[row, node[FEATURE]], node[THRESHOLD], by_value[node[FEATURE]]):
            key, at = child_key(key, 0), at + 1
        else:
            first, own = first + nodes[at + 1, ROWS], own + nodes[at + 1, BELOW]
            key, at = child_key(key, 1), at + node[SKIP]
    rest, to = np.empty(was, held.dtype), 0
    for other in rows:
        if other != row:
            rest[to] = other
            to += 1
    if to != was - 1:
        return False
    rest = np.sort(rest[:to])
    made = grow(rest, key, level, given, room, out)
    end, old = at, nodes[at, BELOW]
    if made[0] < 0 or used[2] - old + made[2] > len(cands) or used[0] + made[0] > len(nodes):
        return False
    while nodes[end, FEATURE] != LEAF:
        end += nodes[end, SKIP]
    size = end - at + 1
    for above in path[:level]:
        nodes[above, BELOW] += made[2] - old
        if at < above + nodes[above, SKIP]:
            nodes[above, SKIP] += made[0] - size
    used[0] = _splice(nodes, used[0], at, size, out[0], made[0])
    used[1] = _splice(held, used[1], first, was, out[1], made[1])
    used[2] = _splice(cands, used[2], own, old, out[2], made[2])
    return True


@compiled
def take_out_of_all(
    row: int, wanted: Any, roots: Any, given: Any, room: Any, out: Any, trees: Any
) -> int:
    """Take a row out of the wanted trees, in turn; return which of them it failed at, or LEAF."""
    nodes, held, cands, used = trees
    for place in range(len(wanted)):
        t = wanted[place]
        tree = (nodes[t], held[t], cands[t])
        if not take_out(row, roots[t], given, room, out, tree, used[t]):
            return place
    return LEAF
