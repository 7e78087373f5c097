"""The law that a workspace counts by: its rules of time, and the holidays of its state.

`policy.json` names the regime; `regimes.json` (further rules) and `holidays.txt` lie beside it
where somebody gave them. A request keeps the name of the regime under which it came in.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from lineage_store.canonical import write_atomic
from lineage_store.deadlines import (
    NO_HOLIDAYS,
    Holidays,
    Regime,
    Term,
    known_regimes,
    read_holidays,
    read_regimes,
)
from lineage_store.errors import BadInput
from lineage_store.requests.policy import Policy
from lineage_store.workspace.folder import Workspace

REGIMES_FILE = "regimes.json"
HOLIDAYS_FILE = "holidays.txt"


@dataclass(frozen=True)
class Law:
    """The regimes by name, and the holidays of the controller's state."""

    regimes: dict[str, Regime]
    holidays: Holidays

    def regime(self, name: str) -> Regime:
        """Return the rules of a regime; raises BadInput if there are none of that name."""
        if name not in self.regimes:
            raise BadInput(
                f"There are no rules of time called {name}; there are "
                f"{', '.join(sorted(self.regimes))}. Further ones come from a file: `regimes`."
            )
        return self.regimes[name]

    def due(self, term: Term, *, today: str) -> str:
        """Return the last day for an answer by the law."""
        return term.due(self.regime(term.regime), today=today, holidays=self.holidays)

    def deadline(self, term: Term, policy: Policy, *, given: str | None, today: str) -> str:
        """Return by when a request is to be done: that day, or a sooner one of policy or asker."""
        ends = [self.due(term, today=today)]
        if policy.deadline_days is not None:
            stood = sum(stop.days(today) for stop in term.stops)
            first = date.fromisoformat(term.received)
            ends.append((first + timedelta(days=policy.deadline_days + stood)).isoformat())
        return min(ends) if given is None else given

    def knows_holidays(self, term: Term, *, today: str) -> bool:
        """Say whether the holidays of the year in which a request is due are known."""
        if not self.regime(term.regime).to_working_day:
            return True
        return self.holidays.covers(int(self.due(term, today=today)[:4]))


def law_in_force(workspace: Workspace) -> Law:
    """Read the rules and holidays of a workspace."""
    regimes, holidays = workspace.root / REGIMES_FILE, workspace.root / HOLIDAYS_FILE
    return Law(
        known_regimes(regimes if regimes.exists() else None),
        read_holidays(holidays) if holidays.exists() else NO_HOLIDAYS,
    )


def take_over(
    workspace: Workspace, *, regimes: Path | None = None, holidays: Path | None = None
) -> None:
    """Copy files of rules and of holidays into a workspace; raises BadInput for what is none."""
    if regimes is not None:
        read_regimes(regimes)
        write_atomic(workspace.root / REGIMES_FILE, regimes.read_bytes())
    if holidays is not None:
        read_holidays(holidays)
        write_atomic(workspace.root / HOLIDAYS_FILE, holidays.read_bytes())
