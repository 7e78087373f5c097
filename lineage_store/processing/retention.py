"""How long a version of a named model is kept: a clock, where a length of time is said of it.

`retention` is free text. "two years", "24 months" or "90 days" is a clock, which runs from the day
on which a version was trained; whatever else is said ends nothing by itself. A version that is
superseded is ended when its time is over, by the next command that runs something, with the event
*model retired* (Article 5(1)(e) GDPR: data are kept "for no longer than is necessary"). One that is
served is not taken away from whoever uses it: `status` says that its time is over.
"""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lineage_store.deadlines import Period
from lineage_store.index import models
from lineage_store.processing.named_models import NamedModel, live_by_line

LENGTH = re.compile(r"([0-9]{1,4}|[a-z]+) (day|week|month|year)s?")
NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)  # fmt: skip


@dataclass(frozen=True)
class KeptUntil:
    """A live version of a name: its model, its line, the last day of its time, if it is served."""

    name: str
    line: str
    model: str
    until: str
    served: bool

    def is_over(self, today: str) -> bool:
        """Whether its last day has passed."""
        return self.until < today


def length_of(retention: str | None) -> Period | None:
    """Return the length of time that a text is; None for one that is none."""
    found = LENGTH.fullmatch(" ".join((retention or "").casefold().split()))
    if found is None:
        return None
    count, unit = found.groups()
    if not (count.isdigit() or count in NUMBERS):
        return None
    number = int(count) if count.isdigit() else NUMBERS.index(count) + 1
    months = {"month": number, "year": 12 * number}.get(unit, 0)
    return Period(months, {"day": number, "week": 7 * number}.get(unit, 0)) if number else None


def kept_until(
    connection: sqlite3.Connection, named: Mapping[str, NamedModel]
) -> dict[str, KeptUntil]:
    """Return the live versions whose time ends, by their lines.

    What two names have is kept for the longer of their times, and as long as one of them says none.
    """
    records = {one.id: one for one in models.models(connection)}
    live = live_by_line(list(records.values()))
    served = {one.served for one in named.values()}
    found: dict[str, KeptUntil] = {}
    endless = set[str]()
    for one in named.values():
        length = length_of(one.retention)
        for line in one.lines:
            if line not in live:
                continue
            if length is None:
                endless.add(line)
                continue
            until = length.after(date.fromisoformat(records[line].created[:10])).isoformat()
            if line not in found or found[line].until < until:
                found[line] = KeptUntil(one.name, line, live[line], until, line in served)
    return {line: one for line, one in found.items() if line not in endless}
