"""A run watched: a browser is told over one connection, whenever there is news.

What is told is the part of the page that says how far it is, written by the same template, so that
the page's script has nothing to know. All who watch one thing are told what was read once within
a second. A sign-in is looked at each time and not lengthened by it: who may no longer read the page
is told no more. Of too many who watch, each is told to come again later.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from time import monotonic

from anyio import sleep
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from lineage_store.errors import NothingFound, UnweaveError
from unweave.session.unforeseen import write_details
from unweave.web.live.phases import HowFar, how_far
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import environment
from unweave.web.process.visits import Visit

EVERY = 1.0  # seconds
SILENT = 15  # looks after which a proxy is shown that the connection lives
COME_AGAIN = 30_000  # milliseconds
HEADERS = {"x-accel-buffering": "no"}  # a proxy is to pass on what comes at once


@dataclass(frozen=True)
class Told:
    """The part of a page that is told, and whether nothing further will come."""

    part: str
    is_over: bool


def watch(desk: Desk, visit: Visit) -> Response:
    """Tell a browser of a deletion until it is over; raises NothingFound if there is none."""
    first = glance(desk, visit.path["deletion"])
    if first.state == "gone":
        raise NothingFound(f"There is no deletion {first.deletion} in the workspace.")

    def look() -> Told:
        found = glance(desk, first.deletion)
        return Told(part_of_page(found), is_over=found.state in ("over", "gone"))

    return told_live(desk, visit, look)


def told_live(desk: Desk, visit: Visit, look: Callable[[], Told]) -> Response:
    """Tell a browser what a look shows, whenever that is news and until it is over."""
    told = _told(desk, visit, look)
    return StreamingResponse(told, media_type="text/event-stream", headers=HEADERS)


def glance(desk: Desk, deletion: str) -> HowFar:
    """Return how far a deletion is, read now or within the last second for somebody else."""
    name = f"how far {deletion}"
    read, found = desk.counted.get(name, (-EVERY, None))
    if found is None or monotonic() - read >= EVERY * 0.9:
        found = how_far(desk, deletion)
        if found.state in ("over", "gone"):
            desk.counted.pop(name, None)
        else:
            desk.counted[name] = (monotonic(), found)
    return found


def part_of_page(found: HowFar) -> str:
    """Return the part of a page that says how far a deletion is."""
    return environment().get_template("how_far.html.j2").render(far=found)


async def _told(desk: Desk, visit: Visit, look: Callable[[], Told]) -> AsyncIterator[str]:
    if not desk.watchers.acquire(blocking=False):
        yield f"retry: {COME_AGAIN}\n\n"
        return
    try:
        before, silent = "", 0
        while await run_in_threadpool(_may_still, desk, visit):
            found = await run_in_threadpool(look)
            part = found.part
            silent = 0 if part != before else silent + 1
            if part != before:
                yield _event("told", part)
            elif silent % SILENT == 0:
                yield ": nothing new\n\n"
            before = part
            if found.is_over:
                yield _event("over", "")
                return
            await sleep(EVERY)
        yield _event("out", "")
    except UnweaveError:  # the workspace cannot be read just now: the browser comes again
        return
    except Exception as error:  # the one place for whatever nobody foresaw
        write_details(error, workspace=desk.root, command="desk: a run is watched")
        yield _event("lost", "")
    finally:
        desk.watchers.release()


def _may_still(desk: Desk, visit: Visit) -> bool:
    """Say whether whoever watches is still signed in, as the one who came."""
    if visit.cookie is None:
        return False
    with desk.accounts() as accounts:
        digest = accounts.sign_ins.user_of(visit.cookie, now=desk.seconds, seen=False)
        return digest is not None and accounts.users.of_digest(digest) == visit.user


def _event(kind: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {kind}\n{lines}\n"
