"""The rules of a law on how long an answer may take, read from a file of rules.

Those that ship are in `regimes.json` beside this file; a workspace may have more in a file of the
same form. A period counts from the day of receipt, which does not count itself (Regulation (EEC,
Euratom) No 1182/71, Article 3(1)). One of months ends on the day of the same date, or on the last
of a month that has none; where that is no working day, on the next one (Article 3(2)(c) and (4)).
So the EDPB counts as well (Guidelines 01/2022, section 5.3).
"""

import calendar
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput

FIELDS = frozenset({"name", "law", "answer", "extended", "to_working_day", "stops", "because"})
LONGEST = 120  # months


@dataclass(frozen=True)
class Period:
    """A period of calendar months and days."""

    months: int = 0
    days: int = 0

    def after(self, day: date) -> date:
        """Return the last day of the period that an event of a day begins."""
        months = day.year * 12 + day.month - 1 + self.months
        year, month = divmod(months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, min(day.day, last)) + timedelta(days=self.days)

    def __str__(self) -> str:
        counts = ((self.months, "month"), (self.days, "day"))
        return " and ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in counts if n)


@dataclass(frozen=True)
class Regime:
    """How long an answer may take by a law.

    `answer` and `extended` both count from the receipt. The end moves `to_working_day` where it is
    none. The clock `stops` while more was asked for of the person, to tell who they are. `because`
    are the reasons for which the law lets the period be extended.
    """

    name: str
    law: str
    answer: Period
    extended: Period
    to_working_day: bool
    stops: bool
    because: tuple[str, ...]


def known_regimes(more: Path | None = None) -> dict[str, Regime]:
    """Return the regimes that ship, and those of a file, by name; the file's own go first."""
    shipped = resources.files(__package__).joinpath("regimes.json").read_text(encoding="utf-8")
    return _parsed(json.loads(shipped)) | (read_regimes(more) if more is not None else {})


def read_regimes(file: Path) -> dict[str, Regime]:
    """Read a file of regimes; raises BadInput if it is none."""
    try:
        return _parsed(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(
            f"The file {file} holds no rules of time limits: a list of objects with "
            f"{', '.join(sorted(FIELDS))}; docs/requests.md shows them."
        ) from error


def _parsed(entries: Any) -> dict[str, Regime]:
    found = [_regime(one) for one in entries]
    return {one.name: one for one in found}


def _regime(entry: Mapping[str, Any]) -> Regime:
    if set(entry) != FIELDS:
        raise ValueError("fields")
    because = tuple(entry["because"])
    texts = (entry["name"], entry["law"], *because)
    flags = (entry["to_working_day"], entry["stops"])
    if not all(type(one) is str and one for one in texts):
        raise ValueError("a text")
    if not all(type(one) is bool for one in flags):
        raise ValueError("true or false")
    answer, extended = _period(entry["answer"]), _period(entry["extended"])
    return Regime(entry["name"], entry["law"], answer, extended, *flags, because)


def _period(value: Mapping[str, Any]) -> Period:
    found = Period(**value)
    numbers = (found.months, found.days)
    if not all(type(one) is int and one >= 0 for one in numbers) or not any(numbers):
        raise ValueError("a period")
    if found.months > LONGEST or found.days > LONGEST * 31:
        raise ValueError("a period")
    return found
