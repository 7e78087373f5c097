"""A line chart as an SVG file: no script, nothing from the network, the same bytes each time.

Series differ in colour, dashes and marker, so that they can be told apart without colours. The
colours follow the reader's light or dark scheme. An axis shows the ticks that it is given, and
reaches from the first to the last of them; what lies outside is an error, not cut off.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 470
LEFT, RIGHT, TOP, BOTTOM = 84.0, 24.0, 52.0, 122.0
FONT = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
LIGHT = ("#1f5f99", "#a33415", "#23702f", "#653a94")
DARK = ("#7db8f0", "#f0957d", "#84cf92", "#c5a3ec")
LEGEND_COLUMNS = 2

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """An axis: its label with the unit, its ticks in rising order with their texts, its scale."""

    label: str
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies between the first tick (0) and the last (1)."""
        first, last = self.ticks[0][0], self.ticks[-1][0]
        if not first <= value <= last:
            raise ValueError(f"{value} is not on the axis {self.label!r}, {first} to {last}")
        if self.log:
            first, last, value = math.log(first), math.log(last), math.log(value)
        return (value - first) / (last - first)


@dataclass(frozen=True)
class Series:
    """One line through points, in the order given; `line` and `marks` say what of it is drawn."""

    name: str
    points: tuple[Point, ...]
    line: bool = True
    marks: bool = True
    dashed: bool = False


def line_chart(title: str, *, x: Axis, y: Axis, series: Sequence[Series]) -> bytes:
    """Draw up to four series; raises ValueError for a point outside the axes."""
    if len(series) > len(LIGHT):
        raise ValueError(f"a chart has at most {len(LIGHT)} series")
    description = f"{y.label} against {x.label}: {', '.join(one.name for one in series)}."
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{HEIGHT}' "
        f"viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-labelledby='title description' "
        f"font-family='{FONT}' font-size='12.5'>",
        f"<title id='title'>{escape(title)}</title>",
        f"<desc id='description'>{escape(description)}</desc>",
        f"<style>{_style()}</style>",
        f"<rect class='paper' width='{WIDTH}' height='{HEIGHT}'/>",
        f"<text class='ink' x='{LEFT}' y='30' font-size='15' font-weight='bold'>"
        f"{escape(title)}</text>",
        *_axes(x, y),
    ]
    for number, one in enumerate(series):
        places = [_place(x, y, point) for point in one.points]
        lines += [f"<g class='s{number}'>", *_drawn(one, places, number), "</g>"]
        lines += _legend(one, number)
    return ("\n".join([*lines, "</svg>"]) + "\n").encode("utf-8")


def _style() -> str:
    def scheme(paper: str, ink: str, grid: str, colours: Sequence[str]) -> str:
        rules = [f".paper{{fill:{paper}}}", f".ink{{fill:{ink}}}", f".grid{{stroke:{grid}}}"]
        rules += [f".s{n}{{stroke:{c};fill:{c}}}" for n, c in enumerate(colours)]
        return "".join(rules)

    light = scheme("#ffffff", "#1a1a1a", "#d5d8dd", LIGHT)
    dark = scheme("#16191d", "#e8e8e8", "#3a4048", DARK)
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"


def _place(x: Axis, y: Axis, point: Point) -> Point:
    across, up = x.share(point[0]), y.share(point[1])
    return (
        LEFT + across * (WIDTH - LEFT - RIGHT),
        HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
    )


def _axes(x: Axis, y: Axis) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    lines = []
    for value, text in x.ticks:
        across, _ = _place(x, y, (value, y.ticks[0][0]))
        lines.append(f"<path class='grid' d='M{across:.1f} {TOP}V{bottom}'/>")
        lines.append(
            f"<text class='ink' x='{across:.1f}' y='{bottom + 19}' text-anchor='middle'>"
            f"{escape(text)}</text>"
        )
    for value, text in y.ticks:
        _, height = _place(x, y, (x.ticks[0][0], value))
        lines.append(f"<path class='grid' d='M{LEFT} {height:.1f}H{right}'/>")
        lines.append(
            f"<text class='ink' x='{LEFT - 8}' y='{height + 4:.1f}' text-anchor='end'>"
            f"{escape(text)}</text>"
        )
    middle = (TOP + bottom) / 2
    lines.append(
        f"<text class='ink' x='{(LEFT + right) / 2}' y='{bottom + 43}' text-anchor='middle'>"
        f"{escape(x.label)}</text>"
    )
    lines.append(
        f"<text class='ink' transform='translate(20 {middle}) rotate(-90)' text-anchor='middle'>"
        f"{escape(y.label)}</text>"
    )
    return lines


def _drawn(one: Series, places: Sequence[Point], number: int) -> list[str]:
    lines = []
    if one.line:
        path = "L".join(f"{across:.1f} {height:.1f}" for across, height in places)
        dashes = " stroke-dasharray='6 4'" if one.dashed else ""
        lines.append(f"<path d='M{path}' fill='none' stroke-width='1.8'{dashes}/>")
    if one.marks:
        lines += [_mark(place, number) for place in places]
    return lines


def _mark(place: Point, number: int) -> str:
    across, height = place
    if number == 0:
        return f"<circle cx='{across:.1f}' cy='{height:.1f}' r='4.2' stroke='none'/>"
    shape = ("M-4 -4H4V4H-4z", "M0 -5.5L5 4H-5z", "M0 -5.5L5.5 0L0 5.5L-5.5 0z")[number - 1]
    return f"<path transform='translate({across:.1f} {height:.1f})' d='{shape}' stroke='none'/>"


def _legend(one: Series, number: int) -> list[str]:
    column, row = number % LEGEND_COLUMNS, number // LEGEND_COLUMNS
    left = LEFT + column * (WIDTH - LEFT - RIGHT) / LEGEND_COLUMNS
    height = HEIGHT - 48 + 24 * row
    sample = [(left, height), (left + 34, height)]
    drawn = _drawn(Series("", (), one.line, False, one.dashed), sample, number)
    if one.marks:
        drawn.append(_mark((left + 17, height), number))
    return [
        f"<g class='s{number}'>",
        *drawn,
        "</g>",
        f"<text class='ink' x='{left + 42}' y='{height + 4}'>{escape(one.name)}</text>",
    ]
