"""The charts of an evaluation, as SVG to stand in a page: ROC curves and loss histograms.

Lines bear their names themselves, each with a leader to its curve, so no colour has to be matched;
they differ in dashes too. Colours are those of the page (classes `s0` to `s2`, `ink`, `grid`), so a
chart is light or dark as the page is. The same values give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

WIDTH = 320.0
PLOT_LEFT, PLOT_TOP, PLOT = 44.0, 10.0, 262.0
ROC_HEIGHT = PLOT_TOP + PLOT + 42.0
BAR_HEIGHT, BAR_GAP, BAR_TOP = 56.0, 26.0, 18.0
ANCHORS = (0.48, 0.28, 0.10)
MOST = 3

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A ROC curve: (false positive rate, true positive rate) from (0, 0) to (1, 1), rising."""

    name: str
    points: tuple[Point, ...]

    @property
    def area(self) -> float:
        """The area under the curve, by trapezoids."""
        pairs = zip(self.points, self.points[1:], strict=False)
        return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairs)

    def height(self, x: float) -> float:
        """Return the curve's height at a false positive rate, between its points."""
        for (x0, y0), (x1, y1) in zip(self.points, self.points[1:], strict=False):
            if x0 <= x <= x1 and x1 > x0:
                return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        return self.points[-1][1]


@dataclass(frozen=True)
class Histogram:
    """Counts of values between edges: one edge more than counts, rising, in the values' unit."""

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation of up to three models brings: untouched, unlearned, retrained.

    Raises ValueError for more of a kind, and for histograms with other edges than the first has.
    """

    curves: tuple[Curve, ...] = ()
    histograms: tuple[Histogram, ...] = ()

    def __post_init__(self) -> None:
        if max(len(self.curves), len(self.histograms)) > MOST:
            raise ValueError(f"an evaluation shows at most {MOST} models")
        for one in self.histograms:
            if one.edges != self.histograms[0].edges or len(one.edges) != len(one.counts) + 1:
                raise ValueError(f"the edges of {one.name} do not fit")


def roc_chart(curves: Sequence[Curve]) -> str:
    """Draw ROC curves in one square, each with its name and its area."""
    areas = ", ".join(f"{one.name} {one.area:.3f}" for one in curves)
    lines = [
        _open("ROC curves", f"Areas under the curves: {areas}.", ROC_HEIGHT),
        *_square(),
    ]
    # The highest curve is met on the right and named on top, so that no leader crosses another.
    order = sorted(range(len(curves)), key=lambda n: (-curves[n].area, n))
    for rank, number in enumerate(order):
        one, anchor = curves[number], ANCHORS[rank]
        path = "L".join("{:.1f} {:.1f}".format(*_place(point)) for point in one.points)
        x, y = _place((anchor, one.height(anchor)))
        label_x, label_y = (
            PLOT_LEFT + PLOT - 8,
            PLOT_TOP + PLOT - 12 - 18 * (len(curves) - 1 - rank),
        )
        text = f"{one.name}  {one.area:.3f}"
        start = label_x - 6.6 * len(text) - 6
        lines += [
            f"<g class='s{number}'><path class='curve' d='M{path}'/>",
            f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.6'/>",
            f"<path class='leader' d='M{x:.1f} {y:.1f}L{start:.1f} {label_y - 4:.1f}'/></g>",
            f"<text x='{label_x:.1f}' y='{label_y:.1f}' text-anchor='end'>{escape(text)}</text>",
        ]
    return "\n".join([*lines, "</svg>"])


def histogram_chart(histograms: Sequence[Histogram], *, unit: str) -> str:
    """Draw histograms one above the other on one axis; `unit` says what stands on it."""
    edges = histograms[0].edges
    first, last = edges[0], edges[-1]
    most = max(max(one.counts, default=0) for one in histograms) or 1
    height = len(histograms) * (BAR_HEIGHT + BAR_GAP) + 44
    totals = ", ".join(f"{one.name} {sum(one.counts):,}" for one in histograms)
    lines = [_open(f"Histograms of the {unit}", f"Values counted: {totals}.", height)]
    across = (WIDTH - 28) / (last - first)
    for number, one in enumerate(histograms):
        bottom = BAR_TOP + number * (BAR_HEIGHT + BAR_GAP) + BAR_HEIGHT
        lines.append(f"<text x='14' y='{bottom - BAR_HEIGHT - 5:.1f}'>{escape(one.name)}</text>")
        lines.append(f"<g class='s{number}'>")
        for left, right, count in zip(edges, edges[1:], one.counts, strict=False):
            tall = count / most * BAR_HEIGHT
            lines.append(
                f"<rect x='{14 + (left - first) * across:.1f}' y='{bottom - tall:.1f}' "
                f"width='{max((right - left) * across - 1, 0.5):.1f}' height='{tall:.1f}'/>"
            )
        lines.append(f"</g><path class='grid' d='M14 {bottom:.1f}H{WIDTH - 14:.1f}'/>")
    base = BAR_TOP + len(histograms) * (BAR_HEIGHT + BAR_GAP) - BAR_GAP + 16
    for value, where, anchor in ((first, 14.0, "start"), (last, WIDTH - 14, "end")):
        lines.append(
            f"<text class='faint' x='{where:.1f}' y='{base:.1f}' text-anchor='{anchor}'>"
            f"{value:.3g}</text>"
        )
    lines.append(
        f"<text class='faint' x='{WIDTH / 2}' y='{base:.1f}' text-anchor='middle'>"
        f"{escape(unit)}</text>"
    )
    return "\n".join([*lines, "</svg>"])


def _open(title: str, described: str, height: float) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' class='chart' width='{WIDTH:.0f}' "
        f"height='{height:.0f}' viewBox='0 0 {WIDTH:.0f} {height:.0f}' role='img' "
        f"aria-label={quoteattr(f'{title}. {described}')}>"
    )


def _place(point: Point) -> Point:
    return PLOT_LEFT + point[0] * PLOT, PLOT_TOP + (1 - point[1]) * PLOT


def _square() -> list[str]:
    right, bottom = PLOT_LEFT + PLOT, PLOT_TOP + PLOT
    lines = []
    for share in (0.0, 0.5, 1.0):
        x, y = _place((share, share))
        lines += [
            f"<path class='grid' d='M{x:.1f} {PLOT_TOP}V{bottom}M{PLOT_LEFT} {y:.1f}H{right}'/>",
            f"<text class='faint' x='{x:.1f}' y='{bottom + 16}' text-anchor='middle'>"
            f"{share:g}</text>",
            f"<text class='faint' x='{PLOT_LEFT - 7}' y='{y + 4:.1f}' text-anchor='end'>"
            f"{share:g}</text>",
        ]
    middle = PLOT_TOP + PLOT / 2
    return [
        *lines,
        f"<path class='chance' d='M{PLOT_LEFT} {bottom}L{right} {PLOT_TOP}'/>",
        f"<text class='faint' x='{PLOT_LEFT + PLOT / 2}' y='{bottom + 34}' text-anchor='middle'>"
        f"false positives, a share</text>",
        f"<text class='faint' transform='translate(12 {middle}) rotate(-90)' "
        f"text-anchor='middle'>true positives, a share</text>",
    ]
