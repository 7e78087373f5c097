"""Pages of the lineage: a model, drawn and as lists with links; and one of its parts."""

from starlette.responses import Response

from lineage_store.errors import NothingFound
from lineage_store.index import models
from lineage_store.processing import names_of_lines
from lineage_store.questions import part_of
from unweave.graphs.in_words import STYLE
from unweave.web.lineage.levels import AT_ONCE, lineage_of
from unweave.web.lineage.words_picture import picture_of
from unweave.web.process.desk import Desk
from unweave.web.process.headers import policy
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.visits import Visit


def show(desk: Desk, visit: Visit) -> Response:
    """Show where a model comes from, and what came of it."""
    with desk.session.reading() as (workspace, connection):
        found = lineage_of(connection, workspace, visit.path["model"], first=_from(visit, "from"))
        record = models.find_model(connection, visit.path["model"])
        name, _ = names_of_lines(workspace).get(record.family, ("", False))
    last = found.parts[-1].number + 1 if found.parts else found.count
    values = {"lineage": found, "name": name, "more": last if last < found.count else None}
    return rendered(Page("lineage.html.j2", values, under="/models"), visit)


def picture(desk: Desk, visit: Visit) -> Response:
    """Draw a model's line, in words; its one style is named in its policy."""
    with desk.session.reading() as (workspace, connection):
        found = lineage_of(connection, workspace, visit.path["model"])
    headers = {"content-security-policy": policy(STYLE)}
    data = picture_of(found, found.parts)
    return Response(data, media_type="image/svg+xml", headers=headers)


def show_part(desk: Desk, visit: Visit) -> Response:
    """Show a part of a model: its units and the cells of its data, a page at a time."""
    number = visit.path["part"]
    if not (number.isascii() and number.isdecimal() and len(number) < 5):
        raise NothingFound("There is no such part.")
    with desk.session.reading() as (workspace, connection):
        record = models.find_model(connection, visit.path["model"])
        part = part_of(workspace, record, int(number))
    unit, cell = _from(visit, "unit"), _from(visit, "cell")
    cells = part.cells
    values = {
        "model": record.id,
        "part": part,
        "units": part.units[unit : unit + AT_ONCE],
        "more_units": unit + AT_ONCE if len(part.units) > unit + AT_ONCE else None,
        "cells": None if cells is None else cells[cell : cell + AT_ONCE],
        "more_cells": cell + AT_ONCE if cells and len(cells) > cell + AT_ONCE else None,
    }
    return rendered(Page("part.html.j2", values, under="/models"), visit)


def _from(visit: Visit, name: str) -> int:
    given = visit.query.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 9 else 0
