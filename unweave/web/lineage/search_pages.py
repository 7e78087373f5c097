"""Pages on which a lineage is searched by numbers: what stands around something, and ways.

What is typed comes by a form and stands in no address until it is known to be numbers.
"""

from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup
from starlette.responses import Response

from lineage_store.errors import BadInput, NothingFound
from unweave.web.lineage.links_picture import around_drawn, way_drawn
from unweave.web.lineage.nodes import HOW, Node, node_of, typed
from unweave.web.lineage.ways import Ancestry, Way, WayStep
from unweave.web.process.desk import Desk
from unweave.web.process.matrix import may
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import Visit

Errors = list[tuple[str, str]]


@dataclass(frozen=True)
class Stretch:
    """Steps of a way that stay in one line, None of what is in none."""

    line: str | None
    steps: tuple[WayStep, ...]


def show(desk: Desk, visit: Visit) -> Response:
    """Show the form."""
    return rendered(
        Page("lineage_search.html.j2", {"how": HOW, "found": (), "node": None}, under="/models"),
        visit,
    )


def search(desk: Desk, visit: Visit) -> Response:
    """Send a browser to what was meant; of several, or none, say so, and repeat nothing."""
    errors: Errors = []
    with desk.session.reading() as (workspace, connection):
        ancestry = Ancestry(connection, workspace)
        one = _meant(ancestry, visit, "what", errors)
        other = _meant(ancestry, visit, "to", errors) if visit.form.maybe("to") else ()
    if errors:
        values = {"how": HOW, "found": (), "node": None, "errors": errors}
        return rendered(Page("lineage_search.html.j2", values, 422, under="/models"), visit)
    addresses = [
        (f"{first.words} to {last.words}", f"/lineage/{first.id}/to/{last.id}")
        for first in one
        for last in other
    ] or [(first.words, f"/lineage/{first.id}") for first in one]
    if len(addresses) == 1:
        return see(addresses[0][1])
    values = {"how": HOW, "found": addresses, "node": None}
    return rendered(Page("lineage_search.html.j2", values, under="/models"), visit)


def _meant(ancestry: Ancestry, visit: Visit, name: str, errors: Errors) -> list[Node]:
    """Return what there is of what was typed in a field, or add why there is none."""
    found = []
    try:
        for one in typed(visit.form.maybe(name) or ""):
            try:
                ancestry.must_have(one)
            except NothingFound:
                continue
            found.append(one)
    except BadInput as error:
        errors.append((str(error), name))
        return []
    if not found:
        errors.append(("There is nothing of that number.", name))
    return found


def show_around(desk: Desk, visit: Visit) -> Response:
    """Show what something came of, and what came of it."""
    node = node_of(visit.path["node"])
    with desk.session.reading() as (workspace, connection):
        ancestry = Ancestry(connection, workspace)
        ancestry.must_have(node)
        around = ancestry.around(node)
        drawn = around_drawn(node, around, ancestry.is_gone)
        gone = {one for group in (*around.before, *around.after) for one in group.nodes
                if ancestry.is_gone(one)}  # fmt: skip
    values = {
        "node": node,
        "around": around,
        "gone": gone,
        "drawn": Markup(drawn),  # of numbers, and escaped where it was drawn
        "page": _page_of(node, visit),
        "how": HOW,
    }
    return rendered(Page("lineage_around.html.j2", values, under="/models"), visit)


def show_way(desk: Desk, visit: Visit) -> Response:
    """Show the way between two."""
    first, last = node_of(visit.path["node"]), node_of(visit.path["other"])
    with desk.session.reading() as (workspace, connection):
        ancestry = Ancestry(connection, workspace)
        for one in (first, last):
            ancestry.must_have(one)
        way = ancestry.way(first, last)
        drawn = "" if way is None else way_drawn(way, ancestry.is_gone)
        stretches = [] if way is None else _stretches(ancestry, way)
        gone = {one.node for one in (way.steps if way else ()) if ancestry.is_gone(one.node)}
    values = {
        "first": first,
        "last": last,
        "way": way,
        "stretches": stretches,
        "gone": gone,
        "drawn": Markup(drawn),
    }
    return rendered(Page("lineage_way.html.j2", values, under="/models"), visit)


def _stretches(ancestry: Ancestry, way: Way) -> list[Stretch]:
    """Return the steps of a way by their lines; a deletion belongs to the line it is walked in."""
    lines = [ancestry.line_of(one.node) for one in way.steps]
    for n, step in enumerate(way.steps):
        if step.node.kind == "deletion" and lines[n] is None and n:
            lines[n] = lines[n - 1]
    found = []
    for line, some in groupby(zip(lines, way.steps, strict=True), key=lambda one: one[0]):
        found.append(Stretch(line, tuple(step for _, step in some)))
    return found


def _page_of(node: Node, visit: Visit) -> tuple[str, str] | None:
    """Return the page of something, if there is one and whoever asks may see it."""
    if node.kind == "request":
        allowed = may(visit.who.role, "GET", "/requests/{request}")
        return ("The request", f"/requests/{node.id}") if allowed else None
    if node.kind == "deletion":
        return "The deletion", f"/deletions/{node.id}"
    if node.part is None:
        return "Its line and its parts", f"/models/{node.id}/lineage"
    return "The part, its units and its cells", f"/models/{node.whole.id}/parts/{node.part}"
