"""What runs now, in each workspace: told to whoever looks at the requests, whenever it is news."""

from dataclasses import dataclass
from time import monotonic
from typing import Any

from starlette.responses import Response

from unweave.web.live.watched import EVERY, Told, told_live
from unweave.web.operations.runs_started import others_now, running_now
from unweave.web.process.clerk import is_started
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import environment
from unweave.web.process.visits import Visit

KEPT = "at work now"


@dataclass(frozen=True)
class WorkNow:
    """What runs here, whether a run was started, and the other workspaces in which one is on."""

    running: dict[str, Any] | None
    started: bool
    elsewhere: tuple[str, ...]

    @property
    def is_on(self) -> bool:
        """Whether anything runs anywhere."""
        return self.running is not None or self.started or bool(self.elsewhere)

    @property
    def said(self) -> str:
        """It in a few words, as they are read aloud."""
        if self.running is not None:
            named = self.running["deletions"]
            words = f"{' and '.join(named)} {'is' if len(named) == 1 else 'are'} running"
            words = words if named else "A command is at work"
            return f"{words}: {self.running['what']}" if self.running["what"] else words
        if self.started:
            return "A run begins"
        return "A command is at work elsewhere" if self.elsewhere else "Nothing runs any more"


def work_now(desk: Desk) -> WorkNow:
    """Return what runs now, in each workspace."""
    with desk.session.reading() as (_, connection):
        running = running_now(desk, connection)
    return WorkNow(
        running=running,
        started=running is None and is_started(desk),
        elsewhere=tuple(one.name for one in others_now(desk) if one.runs),
    )


def watch_work(desk: Desk, visit: Visit) -> Response:
    """Tell a browser what runs, until nothing does."""
    return told_live(desk, visit, lambda: _told(desk))


def _told(desk: Desk) -> Told:
    """Return what is told, read now or within the last second for somebody else."""
    read, found = desk.counted.get(KEPT, (-EVERY, None))
    if found is None or monotonic() - read >= EVERY * 0.9:
        found = work_now(desk)
        desk.counted[KEPT] = (monotonic(), found)
    part = environment().get_template("at_work.html.j2").render(work=found)
    return Told(part, is_over=not found.is_on)
