"""Places for the nodes of a graph, in layers from left to right.

A node's layer is the longest path to it, so that edges go to the right; an edge that closes a cycle
is left out of that and goes back. An edge over several layers passes through a slot of its own in
each of them, so that it runs between the boxes and not over them. Within a layer, slots stand in
the order of the mean place of their neighbours, swept to and fro a fixed number of times. Nothing
is random: the same graph gives the same places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lineage_store.graph.closure import Edge

SWEEPS = 12
GAP_X, GAP_Y = 38.0, 14.0
LANE = 8.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """The place of a node: its left upper corner and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Route:
    """An edge, the points that it passes from left to right, and whether it runs back."""

    edge: Edge
    points: tuple[Point, ...]
    back: bool


@dataclass(frozen=True)
class Layout:
    """The boxes of all nodes, the routes of all edges, and the size of the whole."""

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    width: float
    height: float


def lay_out(sizes: Sequence[tuple[float, float]], edges: Sequence[Edge]) -> Layout:
    """Place nodes of the given sizes (width, height); edges are pairs of their places, unequal."""
    ahead, back = _without_cycles(len(sizes), edges)
    layer_of = _layers(len(sizes), ahead)
    heights = [height for _, height in sizes]
    chains: list[tuple[Edge, list[int], bool]] = []
    links: list[Edge] = []
    for edge in sorted(edges):
        first, last = edge if edge not in back else edge[::-1]
        chain = [first]
        for layer in range(layer_of[first] + 1, layer_of[last]):
            chain.append(len(layer_of))
            layer_of.append(layer)
            heights.append(LANE)
        chain.append(last)
        links += pairwise(chain)
        chains.append((edge, chain, edge in back))
    layers = _ordered(layer_of, links)
    widths = [max((sizes[n][0] for n in layer if n < len(sizes)), default=0.0) for layer in layers]
    lefts = [sum(widths[:n]) + GAP_X * n for n in range(len(widths))]
    tops = _tops(layers, heights, links)
    boxes = tuple(
        Box(lefts[layer_of[n]] + (widths[layer_of[n]] - width) / 2, tops[n], width, height)
        for n, (width, height) in enumerate(sizes)
    )
    routes = tuple(
        Route(edge, _points(chain, boxes, layer_of, lefts, widths, tops), is_back)
        for edge, chain, is_back in chains
    )
    height = max((top + heights[n] for n, top in enumerate(tops)), default=0.0)
    return Layout(boxes, routes, sum(widths) + GAP_X * max(len(widths) - 1, 0), height)


def _points(
    chain: Sequence[int],
    boxes: Sequence[Box],
    layer_of: Sequence[int],
    lefts: Sequence[float],
    widths: Sequence[float],
    tops: Sequence[float],
) -> tuple[Point, ...]:
    first, last = boxes[chain[0]], boxes[chain[-1]]
    points = [(first.x + first.width, first.y + first.height / 2)]
    for slot in chain[1:-1]:
        left, middle = lefts[layer_of[slot]], tops[slot] + LANE / 2
        points += [(left, middle), (left + widths[layer_of[slot]], middle)]
    return (*points, (last.x, last.y + last.height / 2))


def _without_cycles(size: int, edges: Sequence[Edge]) -> tuple[list[Edge], frozenset[Edge]]:
    """Part edges into those that form no cycle and those that close one, depth first."""
    after: list[list[int]] = [[] for _ in range(size)]
    for a, b in sorted(edges):
        after[a].append(b)
    entered = {b for _, b in edges}
    state = [0] * size  # 0 not seen, 1 on the way, 2 left behind
    back = set()
    for root in sorted(range(size), key=lambda node: (node in entered, node)):
        if state[root]:
            continue
        state[root] = 1
        way = [(root, iter(after[root]))]
        while way:
            node, rest = way[-1]
            for target in rest:
                if state[target] == 1:
                    back.add((node, target))
                elif state[target] == 0:
                    state[target] = 1
                    way.append((target, iter(after[target])))
                    break
            else:
                state[node] = 2
                way.pop()
    return [edge for edge in edges if edge not in back], frozenset(back)


def _layers(size: int, edges: Sequence[Edge]) -> list[int]:
    """Return each node's layer; a source stands just before what it leads to."""
    after: list[list[int]] = [[] for _ in range(size)]
    missing = [0] * size
    for a, b in edges:
        after[a].append(b)
        missing[b] += 1
    sources = [node for node in range(size) if not missing[node]]
    ready, layer = list(sources), [0] * size
    while ready:
        node = ready.pop()
        for target in after[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    for node in sources:
        if after[node]:
            layer[node] = min(layer[target] for target in after[node]) - 1
    return layer


def _ordered(layer_of: Sequence[int], links: Sequence[Edge]) -> list[list[int]]:
    """Order the slots of each layer so that few links cross."""
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for slot, number in enumerate(layer_of):
        layers[number].append(slot)
    before: list[list[int]] = [[] for _ in layer_of]
    after: list[list[int]] = [[] for _ in layer_of]
    for a, b in links:
        after[a].append(b)
        before[b].append(a)
    place = {slot: float(n) for layer in layers for n, slot in enumerate(layer)}
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for layer in layers if forward else layers[::-1]:
            near = before if forward else after
            mean = {
                slot: sum(place[n] for n in near[slot]) / len(near[slot]) if near[slot]
                else place[slot]
                for slot in layer
            }  # fmt: skip
            layer.sort(key=lambda slot: (mean[slot], slot))
            place |= {slot: float(n) for n, slot in enumerate(layer)}
    return layers


def _tops(layers: list[list[int]], heights: Sequence[float], links: Sequence[Edge]) -> list[float]:
    """Return each slot's upper edge: in order, without overlap, near its neighbours."""
    near: list[list[int]] = [[] for _ in heights]
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    tops = [0.0] * len(heights)
    for layer in layers:
        top = 0.0
        for slot in layer:
            tops[slot] = top
            top += heights[slot] + GAP_Y
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = [
                sum(tops[n] + heights[n] / 2 for n in near[slot]) / len(near[slot])
                - heights[slot] / 2
                if near[slot]
                else tops[slot]
                for slot in layer
            ]
            _settle(layer, wanted, heights, tops)
    least = min(tops, default=0.0)
    return [round(top - least, 1) for top in tops]


def _settle(
    layer: Sequence[int], wanted: Sequence[float], heights: Sequence[float], tops: list[float]
) -> None:
    """Place a layer's slots as near to where they want to be as their order allows.

    Neighbours that would overlap form a block at their mean wish (pool adjacent violators).
    """
    blocks: list[tuple[float, int, float]] = []  # sum of wishes, slots, height of the block
    for slot, wish in zip(layer, wanted, strict=True):
        total, count, size = wish, 1, heights[slot] + GAP_Y
        while blocks and blocks[-1][0] / blocks[-1][1] + blocks[-1][2] > total / count:
            before_total, before_count, before_size = blocks.pop()
            total = before_total + total - count * before_size
            count, size = before_count + count, before_size + size
        blocks.append((total, count, size))
    slots = iter(layer)
    for total, count, _ in blocks:
        top = total / count
        for _ in range(count):
            slot = next(slots)
            tops[slot] = top
            top += heights[slot] + GAP_Y
