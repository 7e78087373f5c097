"""The law that a workspace counts by: its rules of time, and the holidays of its state.

`policy.json` names the regime; `regimes.json` (further rules) and `holidays.txt` lie beside it
where somebody gave them. A request keeps the name of the regime under which it came in.
"""

from collections.abc import Collection
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
)
from lineage_store.errors import BadInput
from lineage_store.index import Queued
from lineage_store.requests.policy import Policy, load_policy, save_policy
from lineage_store.workspace.folder import Workspace

REGIMES_FILE = "regimes.json"
HOLIDAYS_FILE = "holidays.txt"


@dataclass(frozen=True)
class Law:
    """The regimes by name, the holidays of the controller's state, and the policy's own rules."""

    regimes: dict[str, Regime]
    holidays: Holidays
    policy: Policy

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

    def deadline(self, term: Term, *, given: str | None, today: str) -> str:
        """Return by when a request is to be done: that day, or a sooner one of policy or asker."""
        if given is not None:
            return given
        ends = [self.due(term, today=today)]
        if self.policy.deadline_days is not None:
            days = self.policy.deadline_days + term.stood(today)
            ends.append((date.fromisoformat(term.received) + timedelta(days=days)).isoformat())
        return min(ends)

    def term_of(self, request: Queued) -> Term:
        """Return a request's term; one of an earlier unweave came in when it was typed in."""
        return request.term or Term(request.created[:10], self.policy.regime)


def law_in_force(workspace: Workspace) -> Law:
    """Read the rules and holidays of a workspace."""
    regimes, holidays = workspace.root / REGIMES_FILE, workspace.root / HOLIDAYS_FILE
    return Law(
        known_regimes(regimes if regimes.exists() else None),
        read_holidays(holidays) if holidays.exists() else NO_HOLIDAYS,
        load_policy(workspace),
    )


def take_over(
    workspace: Workspace,
    policy: Policy,
    *,
    regimes: Path | None = None,
    holidays: Path | None = None,
    in_use: Collection[str] = (),
) -> None:
    """Write a policy, and copy files of rules and of holidays into a workspace: all or nothing.

    Raises BadInput for a file that is none, a regime that there are no rules of, and for rules that
    leave one out that is `in_use`, by a request that came in under it.
    """
    there = workspace.root / REGIMES_FILE
    known = known_regimes(regimes or (there if there.exists() else None))
    for name in (policy.regime, *in_use):
        Law(known, NO_HOLIDAYS, policy).regime(name)
    if holidays is not None:
        read_holidays(holidays)
    for file, name in ((regimes, REGIMES_FILE), (holidays, HOLIDAYS_FILE)):
        if file is not None:
            write_atomic(workspace.root / name, file.read_bytes())
    save_policy(workspace, policy)
