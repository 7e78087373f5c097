"""Stacked bars as an SVG file: no script, nothing from the network, the same bytes each time.

The parts of a bar stand on one another in the order of the legend, and differ in lightness, so that
they can be told apart without colours, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.chart import BOTTOM, FONT, HEIGHT, LEFT, RIGHT, TOP, WIDTH

LIGHT = ("#12324f", "#1f5f99", "#5b97cc", "#9cc4e4", "#d9a441")
DARK = ("#dcecfa", "#a9cdee", "#72a5d6", "#44729e", "#d9a441")
TICKS = 5


@dataclass(frozen=True)
class Bar:
    """One bar: what stands below it, in two lines, and how high each of its parts is."""

    name: str
    group: str
    parts: tuple[float, ...]


def stacked_bars(title: str, *, label: str, parts: Sequence[str], bars: Sequence[Bar]) -> bytes:
    """Draw bars of up to five parts; `label` is that of the upright axis, with its unit."""
    if len(parts) > len(LIGHT) or any(len(bar.parts) != len(parts) for bar in bars):
        raise ValueError(f"a bar has at most {len(LIGHT)} parts, and each of them a name")
    top = _round(max(sum(bar.parts) for bar in bars))
    description = f"{label}: {', '.join(parts)}, for " + ", ".join(
        f"{b.name} {b.group}" for b in bars
    )
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{HEIGHT}' "
        f"viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-labelledby='title description' "
        f"font-family='{FONT}' font-size='12.5'>",
        f"<title id='title'>{escape(title)}</title>",
        f"<desc id='description'>{escape(description)}.</desc>",
        f"<style>{_style()}</style>",
        f"<rect class='paper' width='{WIDTH}' height='{HEIGHT}'/>",
        f"<text class='ink' x='{LEFT}' y='30' font-size='15' font-weight='bold'>"
        f"{escape(title)}</text>",
        *_axis(label, top),
    ]
    width = (WIDTH - LEFT - RIGHT) / len(bars)
    for number, bar in enumerate(bars):
        lines += _drawn(bar, left=LEFT + number * width, width=width, top=top)
    for number, name in enumerate(parts):
        across = LEFT + number * (WIDTH - LEFT - RIGHT) / len(parts)
        lines += [
            f"<rect class='p{number}' x='{across:.1f}' y='{HEIGHT - 44}' width='14' height='14'/>",
            f"<text class='ink' x='{across + 20:.1f}' y='{HEIGHT - 32}'>{escape(name)}</text>",
        ]
    return ("\n".join([*lines, "</svg>"]) + "\n").encode("utf-8")


def _drawn(bar: Bar, *, left: float, width: float, top: float) -> list[str]:
    bottom, high = HEIGHT - BOTTOM, HEIGHT - TOP - BOTTOM
    lines, below = [], 0.0
    for number, part in enumerate(bar.parts):
        height = part / top * high
        lines.append(
            f"<rect class='p{number}' x='{left + width * 0.15:.1f}' "
            f"y='{bottom - below - height:.1f}' width='{width * 0.7:.1f}' height='{height:.1f}'/>"
        )
        below += height
    middle = left + width / 2
    return [
        *lines,
        f"<text class='ink' x='{middle:.1f}' y='{bottom - below - 5:.1f}' text-anchor='middle'>"
        f"{sum(bar.parts):.0f}</text>",
        *(
            f"<text class='ink' x='{middle:.1f}' y='{bottom + down}' text-anchor='middle'>"
            f"{escape(text)}</text>"
            for text, down in ((bar.name, 18), (bar.group, 35))
        ),
    ]


def _axis(label: str, top: float) -> list[str]:
    bottom, high = HEIGHT - BOTTOM, HEIGHT - TOP - BOTTOM
    lines = []
    for number in range(TICKS + 1):
        up = bottom - number / TICKS * high
        lines += [
            f"<path class='grid' d='M{LEFT} {up:.1f}H{WIDTH - RIGHT}'/>",
            f"<text class='ink' x='{LEFT - 8}' y='{up + 4:.1f}' text-anchor='end'>"
            f"{top * number / TICKS:g}</text>",
        ]
    middle = (TOP + bottom) / 2
    return [
        *lines,
        f"<text class='ink' transform='translate(20 {middle}) rotate(-90)' text-anchor='middle'>"
        f"{escape(label)}</text>",
    ]


def _round(value: float) -> float:
    """Return the least of 5, 10, 25, 50, 100, ... that is not below a value."""
    step = 1.0
    while True:
        for times in (0.5, 1.0, 2.5):
            if value <= 10 * step * times:
                return 10 * step * times
        step *= 10


def _style() -> str:
    def scheme(paper: str, ink: str, grid: str, fills: Sequence[str]) -> str:
        rules = [f".paper{{fill:{paper}}}", f".ink{{fill:{ink}}}", f".grid{{stroke:{grid}}}"]
        rules += [f".p{number}{{fill:{fill}}}" for number, fill in enumerate(fills)]
        return "".join(rules)

    light = scheme("#ffffff", "#1a1a1a", "#d5d8dd", LIGHT)
    dark = scheme("#16191d", "#e8e8e8", "#3a4048", DARK)
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"
