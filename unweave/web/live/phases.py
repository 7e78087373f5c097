"""How far a deletion is: its phases by what is written, and what is at work just now.

Plan, reports, new models, the scan and the certificate are on disk once their phase is over, so the
same is told of a deletion that runs and of one whose process was killed. What is counted meanwhile
the process says itself, in a file that has no id of anybody (`lineage_store.workspace.at_work`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lineage_store.counted import counted
from lineage_store.errors import NothingFound
from lineage_store.index import deletions, models
from lineage_store.workspace import AtWork, RequestFolder, who_works
from unweave.web.process.clerk import is_started
from unweave.web.process.desk import Desk

State = Literal["running", "starting", "stopped", "over", "gone"]
SHOWN = 20  # models that are named
NOW = {
    "planning": "planning what becomes of each model",
    "looking": "looking for what would be in the way at the end",
    "gate": "writing the data again, without the rows",
    "unlearning": "learning without the rows",
    "checking": "checking what came of it",
    "scanning": "searching every file of the workspace",
    "erasing": "erasing the old models and the rows",
    "certifying": "writing the certificate",
}


@dataclass(frozen=True)
class Phase:
    """A phase in words, and whether it is done, at work, stopped, or still to come."""

    words: str
    state: Literal["done", "now", "stopped", "next"]


@dataclass(frozen=True)
class Change:
    """A model that takes another's place, None where it is withdrawn, and how far that is."""

    before: str
    after: str | None
    state: str


@dataclass(frozen=True)
class HowFar:
    """How far a deletion is; of more models than are shown, `left_out` counts the rest."""

    deletion: str
    state: State
    since: str = ""
    phases: tuple[Phase, ...] = ()
    changes: tuple[Change, ...] = ()
    left_out: int = 0
    worker: AtWork | None = None

    @property
    def now(self) -> str:
        """What is at work just now, in words; empty if nobody says."""
        return "" if self.worker is None else NOW.get(self.worker.what, self.worker.what)

    @property
    def counted(self) -> str:
        """How much of that is done."""
        if self.worker is None or not self.worker.total:
            return ""
        if self.worker.what == "unlearning":
            return f"{self.worker.done:,} of {counted(self.worker.total, 'step')}"
        return f"{100 * self.worker.done // self.worker.total} percent"

    @property
    def said(self) -> str:
        """The one sentence that is said aloud when it changes: of phases, and of no counts."""
        if self.state in ("over", "gone"):
            return f"{self.deletion} {'is done' if self.state == 'over' else 'was taken back'}."
        if self.state == "stopped":
            return f"{self.deletion} was interrupted."
        return f"{self.deletion} is running{f': {self.now}' if self.now else ''}."


def how_far(desk: Desk, deletion: str) -> HowFar:
    """Tell how far a deletion is; one that is taken back is gone.

    The index is read and closed at once: a run waits for those who read it.
    """
    with desk.session.reading() as (workspace, connection):
        try:
            found = deletions.find_request(connection, deletion)
        except NothingFound:
            return HowFar(deletion, "gone")
        if found.state == "done":
            return HowFar(deletion, "over", since=found.created)
        folder = workspace.request(found.id)
        pairs = _pairs(folder)
        asked = [name for pair in pairs for name in pair if name is not None]
        known = {one.id: one.state for one in models.some_models(connection, asked)}
    changes = [
        Change(before, after, _state(folder, before, after, known)) for before, after in pairs
    ]
    worker = who_works(desk.root)
    state: State = "running" if worker else "starting" if is_started(desk) else "stopped"
    return HowFar(
        deletion,
        state,
        since=found.created if worker is None else worker.since,
        phases=_phases(folder, changes, at="stopped" if state == "stopped" else "now"),
        changes=tuple(changes[:SHOWN]),
        left_out=max(0, len(changes) - SHOWN),
        worker=worker,
    )


def _pairs(folder: RequestFolder) -> Sequence[tuple[str, str | None]]:
    """Return the models of the plan, before and after; none as long as it is not written."""
    try:
        return _pairs_of(folder, folder.plan.stat().st_mtime_ns)
    except FileNotFoundError:
        return ()


@lru_cache(maxsize=16)
def _pairs_of(folder: RequestFolder, written: int) -> Sequence[tuple[str, str | None]]:
    """Read the plan, which may be large, once for each time that it was `written`."""
    from unlearning.planning import load_plan

    return [(one.model_before, one.model_after) for one in load_plan(folder)]


def _state(folder: RequestFolder, before: str, after: str | None, known: Mapping[str, str]) -> str:
    ended = known.get(before) != "live"
    if after is None:
        return "withdrawn" if ended else "to be withdrawn"
    if after in known:
        return "in its place, the old one erased" if ended else "in its place"
    return "learnt and checked" if folder.checks(before).exists() else "to be learnt"


def _phases(
    folder: RequestFolder, changes: Sequence[Change], *, at: Literal["now", "stopped"]
) -> tuple[Phase, ...]:
    new = [one for one in changes if one.after is not None]
    learnt = [one for one in new if one.state != "to be learnt"]
    placed = [one for one in new if one.state.startswith("in its place")]
    many = f": {len(learnt):,} of {len(new):,}" if len(new) > 1 else ""
    planned = folder.plan.exists()
    found = [
        ("Plan what becomes of each model", planned),
        (f"Learn new models without the rows, and check them{many}",
         planned and len(learnt) == len(new)),
        ("Put them in the place of the old ones", planned and len(placed) == len(new)),
        ("Erase the old models and the rows, and search every file for them",
         folder.erasure.exists()),
        ("Sign the certificate", folder.certificate.exists()),
        ("Destroy the keys of what was sealed", False),
    ]  # fmt: skip
    first = next(n for n, (_, done) in enumerate(found) if not done)
    return tuple(
        Phase(words, "done" if n < first else at if n == first else "next")
        for n, (words, _) in enumerate(found)
    )
