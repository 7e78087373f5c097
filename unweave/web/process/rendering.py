"""Pages from templates; every value goes through Jinja's autoescape.

What a template shows of a text that somebody typed has its control characters shown as what they
are, so that no letter of a requester forges a line.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from lineage_store.counted import counted
from unweave.report.numbers import day, moment, size
from unweave.web.process.matrix import may
from unweave.web.process.visits import Visit

TEMPLATES = Path(__file__).parents[1] / "templates"
NAVIGATION = (
    ("/", "Requests"),
    ("/people", "People"),
    ("/models", "Models"),
    ("/audit", "Audit"),
    ("/records", "Records"),
    ("/settings", "Settings"),
    ("/verify", "Verify"),
)


@dataclass(frozen=True)
class Page:
    """A template, what it is filled with, its status, and under which entry it stands."""

    template: str
    values: Mapping[str, Any]
    status: int = 200
    under: str = ""


@cache
def environment() -> Environment:
    """Return the environment of all templates."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "counted": counted,
        "day": day,
        "moment": moment,
        "size": size,
        "number": lambda value: f"{value:,}",
        "plain": plain,
        "first_up": lambda text: text[:1].upper() + text[1:],
    }
    found.globals["style"], found.globals["script"] = map(_of_today, ("style.css", "live.js"))
    return found


def _of_today(name: str) -> str:
    """Return the address of a file; it changes with it, so that no browser has yesterday's."""
    return f"/{name}?{hashlib.sha256((TEMPLATES / name).read_bytes()).hexdigest()[:12]}"


def plain(text: Any) -> str:
    """Return a text with what cannot be seen written out, but for line breaks in it."""
    told = "".join(
        one if one.isprintable() or one == "\n" else f"\\x{ord(one):02x}" for one in str(text)
    )
    return told


def rendered(page: Page, visit: Visit, *, result: str | None = None) -> Response:
    """Return a page as it is sent; `result` is what came of a form, told at its top."""
    user = visit.user
    entries = [
        (address, name)
        for address, name in NAVIGATION
        if user is not None and (address == "/verify" or may(user.role, "GET", address))
    ]
    text = (
        environment()
        .get_template(page.template)
        .render(
            {"result": result, "errors": (), **page.values},
            user=user,
            token=visit.token,
            entries=entries,
            under=page.under,
            can=lambda method, path: user is not None and may(user.role, method, path),
        )
    )
    return Response(text, status_code=page.status, media_type="text/html; charset=utf-8")


def see(address: str) -> Response:
    """Send a browser to a page to be read, once a form has done its work."""
    return RedirectResponse(address, status_code=303)


def days_until(text: str, today: str) -> int:
    """Return how many days there are from today to a day."""
    return (date.fromisoformat(text) - date.fromisoformat(today)).days
