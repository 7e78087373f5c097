"""A way, or what stands around something, drawn as SVG whose boxes are links.

Boxes stand below each other, so that a telephone shows them whole. The picture stands in the page
and has no style of its own: the desk's style has its colours, light and dark.
"""

from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from lineage_store.counted import counted
from unweave.web.lineage.nodes import Node
from unweave.web.lineage.ways import Around, Group, Way

WIDTH, BOX, HEIGHT, GAP, LEFT = 340, 236, 38, 30, 96
IsGone = Callable[[Node], bool]


@dataclass(frozen=True)
class LinkedBox:
    """A box: what it says, where it leads if anywhere, and how it looks."""

    words: str
    address: str | None
    look: str


def way_drawn(way: Way, is_gone: IsGone) -> str:
    """Draw a way from its beginning down; a tip shows what came of what."""
    boxes, arrows = [], []
    for n, step in enumerate(way.steps):
        if way.left_out and n == way.whole:
            arrows.append(("", True))
            boxes.append(LinkedBox(f"{counted(way.left_out, 'step')} between", None, "counted"))
        if n:
            arrows.append((step.told, step.down))
        boxes.append(_box(step.node, is_gone))
    parts = [_drawn(n, box, left=14) for n, box in enumerate(boxes)]
    for n, (told, down) in enumerate(arrows):
        y, end = _top(n) + HEIGHT, _top(n + 1)
        tip = f"M40 {end - 8}h8l-4 8z" if down else f"M40 {y + 8}h8l-4 -8z"
        parts.append(f'<path class="line" d="M44 {y}V{end}"/><path class="tip" d="{tip}"/>')
        parts.append(f'<text class="told" x="58" y="{y + 19}">{escape(told)}</text>')
    return _picture(parts, len(boxes), "The way, from top to bottom")


def around_drawn(node: Node, around: Around, is_gone: IsGone) -> str:
    """Draw what something came of above it, and what came of it below."""
    before = [one for group in around.before for one in _of(group, is_gone)]
    after = [one for group in around.after for one in _of(group, is_gone)]
    own = _box(node, is_gone)
    boxes = [*before, LinkedBox(own.words, None, f"{own.look} here"), *after]
    here = len(before)
    middle = _top(here) + HEIGHT // 2
    parts = []
    for n in range(len(boxes)):
        if n != here:
            y = _top(n) + HEIGHT // 2
            side = 40 if n < here else 64
            parts.append(f'<path class="line" d="M{LEFT} {y}H{side}V{middle}H{LEFT}"/>')
            end = (LEFT, middle) if n < here else (LEFT, y)
            parts.append(f'<path class="tip" d="M{end[0] - 8} {end[1] - 4}v8l8 -4z"/>')
    parts += [_drawn(n, box, left=LEFT) for n, box in enumerate(boxes)]
    return _picture(parts, len(boxes), f"{node.words}, what it came of and what came of it")


def _of(group: Group, is_gone: IsGone) -> list[LinkedBox]:
    boxes = [_box(one, is_gone) for one in group.nodes]
    if group.left_out:
        boxes.append(LinkedBox(f"and {group.left_out:,} more", None, "counted"))
    return boxes


def _box(node: Node, is_gone: IsGone) -> LinkedBox:
    look = node.kind if node.part is None else "part"
    gone = " gone" if is_gone(node) else ""
    name = node.words if node.part is not None else f"{node.kind} {node.id}"
    return LinkedBox(name + (", ended" if gone else ""), f"/lineage/{node.id}", look + gone)


def _top(place: int) -> int:
    return 8 + place * (HEIGHT + GAP)


def _drawn(place: int, box: LinkedBox, *, left: int) -> str:
    top = _top(place)
    corner = 18 if "deletion" in box.look else 4
    drawn = (
        f'<rect class="box {box.look}" x="{left}" y="{top}" width="{BOX}" height="{HEIGHT}" '
        f'rx="{corner}"/><text class="name" x="{left + 14}" y="{top + 24}">'
        f"{escape(box.words)}</text>"
    )
    return drawn if box.address is None else f"<a href={quoteattr(box.address)}>{drawn}</a>"


def _picture(parts: list[str], boxes: int, title: str) -> str:
    height = _top(boxes) - GAP + 8
    return (
        f'<svg class="ways" xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="group" aria-label={quoteattr(title)}>'
        + "".join(parts)
        + "</svg>"
    )
