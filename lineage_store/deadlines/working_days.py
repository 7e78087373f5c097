"""Working days: all but Saturdays, Sundays and the public holidays of the controller's state.

Which days are holidays a file says, since each state lists its own (Regulation (EEC, Euratom) No
1182/71, Article 2): one a line, `2026-12-25 Christmas Day`. What follows the date is for people,
and so is what follows a #. A file tells for which years it speaks: a day of another year is taken
for a working day unless it is a week-end, and `covers` says that this was not known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from lineage_store.errors import BadInput

SATURDAY = 5
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Holidays:
    """The public holidays of a state."""

    days: frozenset[date] = frozenset()

    def covers(self, year: int) -> bool:
        """Say whether the holidays of a year are known."""
        return any(day.year == year for day in self.days)

    def first_working_day(self, day: date) -> date:
        """Return the day itself, or the first one after it that people work on."""
        while day.weekday() >= SATURDAY or day in self.days:
            day += DAY
        return day


NO_HOLIDAYS = Holidays()


def read_holidays(file: Path) -> Holidays:
    """Read a file of holidays; raises BadInput for a line that begins with no date, by number."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The file of holidays {file} cannot be read as text.") from error
    return parse_holidays(lines)


def parse_holidays(lines: Iterable[str]) -> Holidays:
    """Return the holidays that lines name; raises BadInput for a line that begins with no date."""
    days = set()
    for number, line in enumerate(lines, start=1):
        parts = line.partition("#")[0].split(maxsplit=1)
        if not parts:
            continue
        try:
            days.add(date.fromisoformat(parts[0]))
        except ValueError as error:
            raise BadInput(
                f"Line {number} of the holidays begins with no date: write 2026-12-25 and its name."
            ) from error
    return Holidays(frozenset(days))
