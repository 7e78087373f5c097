"""Whom data or models were given to, and the places that serve them: named, told, ended.

That a place that serves was told of a deletion means that it serves the new models. Names of
models, and which one is served under each, are set here, too.
"""

from collections.abc import Mapping
from typing import Any

from lineage_store.processing import load_recipients
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk

Answer = dict[str, Any]
OF_A_NAME = ("purpose", "owner", "legal_basis", "retention")


def add_recipient(
    desk: Desk, name: str, *, serves: bool, model: str | None = None, since: str | None = None
) -> Answer:
    """Name somebody who has data or models, of a model's line or of all, since a day (today)."""
    operation = "add_place" if serves else "add_recipient"
    return have_done(desk, operation, {"name": name, "model": model, "since": since})


def recipient_told(desk: Desk, number: int, deletion: str, *, on: str | None = None) -> Answer:
    """Write down on which day one was told of a deletion, or has confirmed the new models."""
    operation = "place_confirmed" if _is_place(desk, number) else "recipient_told"
    return have_done(desk, operation, {"number": number, "deletion": deletion, "on": on})


def end_recipient(desk: Desk, number: int, *, on: str | None = None) -> Answer:
    """Say that one gets nothing more from a day on."""
    operation = "end_place" if _is_place(desk, number) else "end_recipient"
    return have_done(desk, operation, {"number": number, "on": on})


def name_model(desk: Desk, by: str, name: str, said: Mapping[str, str | None]) -> Answer:
    """Say what a name is for; with a `model`, serve that one's line under it from now on."""
    given = {key: value for key, value in said.items() if value is not None}
    return have_done(desk, "name_model", {"name": name, **given, "by": by})


def roll_back(desk: Desk, by: str, name: str, *, to: str | None = None) -> Answer:
    """Serve an earlier version of a name again, by default the one before."""
    return have_done(desk, "roll_back", {"name": name, "to": to, "by": by})


def _is_place(desk: Desk, number: int) -> bool:
    """Say whether a number is of a place that serves, and of no recipient."""
    there = load_recipients(desk.session.workspace())
    return any(one.number == number and one.serves for one in there)
