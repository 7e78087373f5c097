"""A folded lineage as an SVG file: no script, nothing from the network, the same bytes each time.

Artifacts are boxes with square corners, executions have round ones; the colour says what kind of
thing it is, and what is deleted is grey, dashed and says so. Every box has its whole text as
`<title>`, and the picture has a title and a description for those who do not see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lineage_store.counted import counted
from lineage_store.graph import Box, Route, lay_out
from lineage_store.graph.fold import Fold, Folded

NAME_SIZE, DETAIL_SIZE = 12, 10.5
NAME_CHARACTER, DETAIL_CHARACTER = 0.66 * NAME_SIZE, 0.6 * DETAIL_SIZE
PADDING, HEIGHT, MARGIN, HEAD = 10.0, 38.0, 24.0, 44.0
FONT = "font-family='DejaVu Sans, Verdana, Helvetica, Arial, sans-serif'"
INK, FAINT, LINE = "#1a1a1a", "#4a4a4a", "#8a8f98"


@dataclass(frozen=True)
class Look:
    """How nodes of some types look, and what the legend calls them."""

    legend: str
    fill: str
    stroke: str


DATA = Look("data", "#dcebfa", "#1f5f99")
LEARNT = Look("updates, checkpoints", "#dff2e1", "#23702f")
MODEL = Look("models", "#eadff5", "#653a94")
RECORD = Look("reports and proofs", "#f3efdc", "#75611a")
DELETION = Look("deletion", "#fbdcd3", "#a33415")
SUBJECT = Look("subject", "#fff3b0", "#7a5c00")
EXECUTION = Look("something done (round)", "#ffffff", "#555555")
PLAIN = Look("", "#ffffff", "#555555")
DELETED = Look("deleted: only the record is left", "#eeeeee", "#666666")

LEGEND = (SUBJECT, DATA, LEARNT, MODEL, RECORD, DELETION, EXECUTION, DELETED)

LOOKS = {
    **dict.fromkeys(
        ("Examples", "ExampleStatistics", "Schema", "ExampleAnomalies", "Rows", "Shard", "Batch"),
        DATA,
    ),
    **dict.fromkeys(("Update", "Checkpoint", "Sums", "Trees"), LEARNT),
    **dict.fromkeys(("Model", "PushedModel"), MODEL),
    **dict.fromkeys(("Request", "Deletion", "Plan", "DeletionPlanner"), DELETION),
    **dict.fromkeys(("Unlearner", "DeletionChecker", "Eraser", "Certifier"), DELETION),
    "UnlearningEvaluator": DELETION,
}


def look_of(fold: Fold) -> Look:
    """Return how a fold is drawn."""
    name = fold.first.kind.rpartition(".")[2]
    if fold.first.deleted:
        return DELETED
    if name.startswith("Subject "):
        return SUBJECT
    return LOOKS.get(name, EXECUTION if fold.first.execution else RECORD)


def detail(fold: Fold) -> str:
    """Return the second line of a label."""
    parts = [fold.detail, "deleted"] if fold.first.deleted else [fold.detail]
    return " · ".join(part for part in parts if part)


def size_of(fold: Fold) -> tuple[float, float]:
    """Return the width and height of a box that holds the fold's label."""
    widest = max(
        NAME_CHARACTER * len(fold.name), DETAIL_CHARACTER * len(detail(fold)), 60.0 - 2 * PADDING
    )
    return round(widest + 2 * PADDING, 1), HEIGHT


def svg(folded: Folded, *, title: str) -> bytes:
    """Draw a folded lineage, from left to right, with a legend."""
    layout = lay_out([size_of(fold) for fold in folded.folds], folded.edges)
    present = set(map(look_of, folded.folds))
    used = [look for look in LEGEND if look in present]
    many = any(len(fold.nodes) > 1 for fold in folded.folds)
    back = any(route.back for route in layout.routes)
    legend, legend_width = _legend(
        used, many=many, back=back, top=layout.height + HEAD + 2 * MARGIN
    )
    headline = f"Lineage of {title}"
    wanted = max(layout.width, legend_width, NAME_CHARACTER * len(headline) * 1.4)
    width = round(wanted + 2 * MARGIN)
    height = round(layout.height + HEAD + 3 * MARGIN + 24)
    count = sum(len(fold.nodes) for fold in folded.folds)
    described = (
        f"{counted(count, 'node')} drawn as {counted(len(folded.folds), 'box', 'boxes')} in "
        f"layers from what was there first "
        f"on the left to what came of it on the right, with {len(folded.edges):,} connections."
    )
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-labelledby='title description' {FONT}>",
        f"<title id='title'>{escape(headline)}</title>",
        f"<desc id='description'>{escape(described)}</desc>",
        "<defs><marker id='arrow' viewBox='0 0 8 8' refX='8' refY='4' markerWidth='7' "
        f"markerHeight='7' orient='auto-start-reverse'><path d='M0 0L8 4L0 8z' fill='{LINE}'/>"
        "</marker></defs>",
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>",
        f"<text x='{MARGIN}' y='32' font-size='16' font-weight='bold' fill='{INK}'>"
        f"{escape(headline)}</text>",
        f"<g transform='translate({MARGIN} {HEAD + MARGIN / 2})'>",
        *map(_edge, layout.routes),
        *(_box(fold, box) for fold, box in zip(folded.folds, layout.boxes, strict=True)),
        "</g>",
        *legend,
        "</svg>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _edge(route: Route) -> str:
    (x, y), *rest = route.points
    path = f"M{x:.1f} {y:.1f}"
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2:
            path += f"L{to_x:.1f} {to_y:.1f}"  # through a layer, in the edge's own lane
        else:
            middle = (x + to_x) / 2
            path += f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
    end = "marker-start" if route.back else "marker-end"
    dashes = " stroke-dasharray='5 3'" if route.back else ""
    return (
        f"<path class='edge' data-from='n{route.edge[0]}' data-to='n{route.edge[1]}' d='{path}' "
        f"fill='none' stroke='{LINE}' stroke-width='1.2' {end}='url(#arrow)'{dashes}/>"
    )


def _box(fold: Fold, box: Box) -> str:
    look, below = look_of(fold), detail(fold)
    whole = " · ".join(part for part in (fold.name, below) if part)
    middle = box.x + box.width / 2
    name_y = box.y + (16 if below else 23)
    text = (
        f"<text class='name' x='{middle:.1f}' y='{name_y:.1f}' font-size='{NAME_SIZE}' "
        f"font-weight='bold' text-anchor='middle' fill='{INK}'>{escape(fold.name)}</text>"
    )
    if below:
        text += (
            f"<text class='detail' x='{middle:.1f}' y='{box.y + 30:.1f}' "
            f"font-size='{DETAIL_SIZE}' text-anchor='middle' fill='{FAINT}'>{escape(below)}</text>"
        )
    return (
        f"<g class='node' role='listitem'><title>{escape(whole)}</title>"
        f"{_outline(look, box, round_=fold.first.execution, many=len(fold.nodes) > 1)}{text}</g>"
    )


def _outline(look: Look, box: Box, *, round_: bool, many: bool) -> str:
    corner = 14 if round_ else 2
    dashes = " stroke-dasharray='5 3'" if look is DELETED else ""
    return (
        f"<rect x='{box.x:.1f}' y='{box.y:.1f}' width='{box.width:.1f}' height='{box.height:.1f}' "
        f"rx='{corner}' fill='{look.fill}' stroke='{look.stroke}' "
        f"stroke-width='{2.6 if many else 1.3}'{dashes}/>"
    )


def _legend(used: Sequence[Look], *, many: bool, back: bool, top: float) -> tuple[list[str], float]:
    """Return the legend's lines, and its width."""
    lines, x = ["<g class='legend'>"], MARGIN
    entries = [(look, look.legend, look is EXECUTION, False) for look in used]
    if many:
        entries.append((PLAIN, "thick: several folded into one", False, True))
    for look, text, round_, thick in entries:
        box = Box(x, top, 28, 18)
        lines.append(_outline(look, box, round_=round_, many=thick).replace("'14'", "'8'"))
        lines.append(
            f"<text x='{x + 34:.1f}' y='{top + 13:.1f}' font-size='{DETAIL_SIZE}' "
            f"fill='{INK}'>{escape(text)}</text>"
        )
        x += 34 + DETAIL_CHARACTER * len(text) + 18
    if back:
        text = "dashed line: leads back, as folded boxes may"
        lines.append(
            f"<path d='M{x:.1f} {top + 9:.1f}h28' stroke='{LINE}' stroke-dasharray='5 3'/>"
            f"<text x='{x + 34:.1f}' y='{top + 13:.1f}' font-size='{DETAIL_SIZE}' "
            f"fill='{INK}'>{text}</text>"
        )
        x += 34 + DETAIL_CHARACTER * len(text)
    return [*lines, "</g>"], x
