"""The lineage of what a deletion changed, as a small SVG to stand in a page.

On the left the old model, its shards as columns of slices, or of one cell where no more is told
(`ModelChange.cells`), and the new model; on the right the request, the deletion and the
certificate. A cell is outlined if what learnt from it was taken over, filled if it was trained
again, struck through if its result was corrected, dotted if nothing is left. It is narrow enough
for a telephone as it is; the colours are those of the page.
"""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from lineage_store.counted import of_them
from unlearning.strategies import Decision
from unweave.report.values import ModelChange, Report

WIDTH = 320.0
LEFT_WIDTH, RIGHT = 184.0, 214.0
BOX, GAP, TITLE = 46.0, 30.0, 18.0
COLUMN, ROW = 26.0, 15.0
MOST_COLUMNS, MOST_ROWS = 36, 8
LABELLED = 9

LOOKS = {
    "kept": "taken over",
    "new": "trained again",
    "patched": "corrected",
    "gone": "nothing left",
}


def picture(report: Report, one: ModelChange) -> str:
    """Draw what a deletion changed of one model."""
    shown, rows = _columns(one), min(one.cells, MOST_ROWS)
    grid = TITLE + rows * ROW + 16
    top = BOX + GAP if one.base else 0.0
    middle, bottom = top + BOX + GAP, top + BOX + GAP + grid + GAP
    height = bottom + BOX + 2
    after = one.after or "no model"
    described = (
        f"{one.before} to {after}: {of_them(len(one.touched), len(one.shards), 'shard')} change by "
        f"deletion {report.request_id}."
    )
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' class='lineage' width='{WIDTH:.0f}' "
        f"height='{height:.0f}' viewBox='-1 -1 {WIDTH + 2:.0f} {height + 2:.0f}' role='img' "
        f"aria-label={quoteattr(described)}>"
    ]
    if one.base:
        began = one.base.after or "none: it starts afresh"
        lines += [
            *_box(0, 0, LEFT_WIDTH, f"base {began}", f"{one.base.before} before", look="plain"),
            _down(LEFT_WIDTH / 2, BOX, top),
        ]
    lines += [
        *_box(0, top, LEFT_WIDTH, one.before, f"erased · {one.weights_before[:12]}", look="old"),
        _down(LEFT_WIDTH / 2, top + BOX, middle),
        *_grid(one, shown, rows, middle),
        _down(LEFT_WIDTH / 2, middle + grid, bottom),
        *_box(
            0,
            bottom,
            LEFT_WIDTH,
            after,
            f"{one.outcome} · {one.weights_after[:12]}" if one.weights_after else "withdrawn",
            look="new" if one.after else "old",
        ),
        *_side(
            report,
            top=top,
            middle=middle,
            bottom=bottom,
            grid=grid,
            until=LEFT_WIDTH - _columns_at(shown)[1] + 6,
        ),
        "</svg>",
    ]
    return "\n".join(lines)


def looks(one: ModelChange) -> list[tuple[str, str]]:
    """Return the looks of slices that occur in a model's picture, with their meanings."""
    found = {_look(decision, row) for decision in _columns(one) for row in range(max(one.cells, 1))}
    return [(name, meaning) for name, meaning in LOOKS.items() if name in found]


def left_out(one: ModelChange) -> int:
    """Return how many shards a picture does not show, for want of room."""
    return len(one.shards) - len(_columns(one))


def _columns(one: ModelChange) -> Sequence[Decision]:
    if len(one.shards) <= MOST_COLUMNS:
        return one.shards
    return (one.touched or one.shards)[:MOST_COLUMNS]


def _columns_at(shown: Sequence[Decision]) -> tuple[float, float]:
    """Return how far apart the columns are, and where the first begins."""
    step = min(COLUMN, LEFT_WIDTH / max(len(shown), 1))
    return step, (LEFT_WIDTH - step * len(shown)) / 2


def _look(decision: Decision, slice_: int) -> str:
    if not decision.changes or slice_ < decision.stays.stages:
        return "kept"
    if decision.leaves:
        return "gone"
    return "new" if decision.anew else "patched"


def _grid(one: ModelChange, shown: Sequence[Decision], rows: int, top: float) -> Iterator[str]:
    noun = "shard" if len(one.shards) == 1 else "shards"
    slices = "slice" if one.slices == 1 else "slices"
    yield (
        f"<text class='faint' x='{LEFT_WIDTH / 2:.1f}' y='{top + 11:.1f}' text-anchor='middle'>"
        f"{len(one.shards):,} {noun} of {one.slices:,} {slices}</text>"
    )
    step, left = _columns_at(shown)
    wide = step - (3 if step > 8 else 1)
    for column, decision in enumerate(shown):
        x = left + column * step
        for row in range(rows):
            slice_ = row if one.cells <= MOST_ROWS else row * one.cells // rows
            look, y = _look(decision, slice_), top + TITLE + row * ROW
            yield (
                f"<rect class='cell {look}' x='{x:.1f}' y='{y:.1f}' width='{wide:.1f}' "
                f"height='{ROW - 3:.1f}'/>"
            )
            if look == "patched":
                yield (
                    f"<path class='strike' d='M{x:.1f} {y + ROW - 3:.1f}L{x + wide:.1f} {y:.1f}'/>"
                )
        if len(shown) <= LABELLED:
            yield (
                f"<text class='{'told' if decision.changes else 'faint'}' "
                f"x='{x + wide / 2:.1f}' y='{top + TITLE + rows * ROW + 11:.1f}' "
                f"text-anchor='middle'>{decision.shard}</text>"
            )


def _side(
    report: Report, *, top: float, middle: float, bottom: float, grid: float, until: float
) -> Iterator[str]:
    width = WIDTH - RIGHT
    event = middle + (grid - BOX) / 2
    rows = "row" if report.rows == 1 else "rows"
    named = f"{report.rows:,} {rows}"
    yield from _box(RIGHT, top, width, f"Request {report.request_id}", named, look="round")
    yield _down(RIGHT + width / 2, top + BOX, event)
    logged = report.proof.position
    place = "not logged" if logged is None else f"event {logged:,}"
    yield from _box(RIGHT, event, width, "Deletion", place, look="round")
    yield _arrow(RIGHT, event + BOX / 2, until, event + BOX / 2)
    yield _down(RIGHT + width / 2, event + BOX, bottom)
    yield from _box(
        RIGHT, bottom, width, "Certificate", report.proof.certificate[:12], look="plain"
    )


def _box(x: float, y: float, width: float, name: str, detail: str, *, look: str) -> Iterator[str]:
    corner = BOX / 2 if look == "round" else 2
    yield (
        f"<rect class='box {look}' x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{BOX:.1f}' "
        f"rx='{corner:.0f}'/>"
    )
    middle = x + width / 2
    yield (
        f"<text class='name' x='{middle:.1f}' y='{y + 19:.1f}' text-anchor='middle'>"
        f"{escape(name)}</text>"
    )
    yield (
        f"<text class='faint' x='{middle:.1f}' y='{y + 35:.1f}' text-anchor='middle'>"
        f"{escape(detail)}</text>"
    )


def _down(x: float, start: float, end: float) -> str:
    return _arrow(x, start, x, end - 1)


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    head = (
        f"M{to_x - 4:.1f} {to_y - 6:.1f}L{to_x:.1f} {to_y:.1f}L{to_x + 4:.1f} {to_y - 6:.1f}"
        if x == to_x
        else f"M{to_x + 6:.1f} {to_y - 4:.1f}L{to_x:.1f} {to_y:.1f}L{to_x + 6:.1f} {to_y + 4:.1f}"
    )
    return f"<path class='way' d='M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}{head}'/>"
