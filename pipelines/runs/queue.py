"""Running the request queue: which requests are due, which run together, and how it goes on.

The rule, in full. Every request that waits takes part once it is due: its deadline is not after the
given day, or no day was given. Since a run costs hardly more for many people than for one, all
waiting requests of the same strategy and kind (subjects or rows) share a run, and if one of them is
due, all go along. Those whose rows are restricted, and to be kept, share a run of their own.
Approximate runs come first, so that what is served at the end is exact. An exact
phase goes along with any exact run of subjects, and has one of its own in the last week before its
deadline. Whoever is under a hold, waits for an approval or an answer, or shares an id with a
request on hold is left out; so is who would take rows with them that are restricted by another.

Nothing found is a result: such a request ends with it, and the others go on. But where other
spellings have rows that came in since it was asked, it waits for an answer instead. A run that
fails gives its requests back to the queue, unless it must be finished first; of one that meets a
hold that came meanwhile, the others go on at once. Killed anywhere, the
next call finishes the run that was begun before it starts another.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from lineage_store.claim import claim_of
from lineage_store.errors import OnHold, UnweaveError
from lineage_store.index import (
    Queued,
    deletions,
    keep_answered,
    logging_events,
    models,
    queue,
    queue_changes,
    reading_index,
    writing_index,
)
from lineage_store.questions import alike
from lineage_store.requests import Details, law_in_force, open_details
from lineage_store.workspace import Workspace
from pipelines.jobs import Backend, Command
from pipelines.runs.find_rows import ForgetRequest, find, others_in, whereabouts
from pipelines.runs.forget import FinishedDeletion, carry_out, forget, plan_all, take_back_unplanned
from pipelines.runs.planned_changes import Planned
from pipelines.runs.restricting import restricted_rows
from unlearning.planning import ModelPlan, WantedResult, exact_run_after, still_approximate
from unlearning.strategies import choose

PHASE_LEAD_DAYS = 7
EXACT_PHASE = "exact phase"

Key = tuple[str, str, str, bool]  # guarantee, strategy, kind, rows kept: in the order of the runs


@dataclass(frozen=True)
class Settled:
    """A request that ends without a run of its own, and by which earlier one, if by any."""

    request: str
    outcome: queue.Outcome
    run: str | None


@dataclass(frozen=True)
class Group:
    """Requests that share a run, how many ids of each have rows, and those that need none.

    Of those in `unclear` nothing was found as they are spelled, and other spellings have rows.
    Those in `barred` wait for requests that restrict some of their rows.
    `before` are the runs that had forgotten some ids of a request, and `alike` says what became of
    other spellings.
    """

    forget: ForgetRequest
    found: dict[str, int]
    settled: tuple[Settled, ...]
    unclear: dict[str, Details] = field(default_factory=dict)
    before: dict[str, tuple[str, ...]] = field(default_factory=dict)
    alike: dict[str, queue.Alike] = field(default_factory=dict)
    barred: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to run."""
        return not self.forget.queued


@dataclass(frozen=True)
class Served:
    """A finished run: the requests that it served, what it did, and how long it took."""

    requests: tuple[str, ...]
    done: FinishedDeletion
    seconds: float


@dataclass
class Ran:
    """What came of a call: finished runs, settled requests, failed runs, and who waits for whom."""

    runs: list[Served] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    failed: list[tuple[tuple[str, ...], UnweaveError]] = field(default_factory=list)
    barred: dict[str, list[str]] = field(default_factory=dict)


def due_groups(
    connection: sqlite3.Connection, *, due: str | None, today: str
) -> dict[Key, list[Queued]]:
    """Return the requests that are to run now, by what they share; `due` is a day, or None."""
    held = queue.held_commitments(connection, today=today)
    groups: dict[Key, list[Queued]] = {}
    for request in queue.all_queued(connection, open_only=True):
        if not request.runs(today):
            continue
        named = queue.commitments_of(connection, request.id)
        if held and not held.isdisjoint(named):
            continue
        if queue.barring(connection, request):
            continue
        groups.setdefault(_key(request), []).append(request)
    soon = (date.fromisoformat(today) + timedelta(days=PHASE_LEAD_DAYS)).isoformat()
    return {
        key: groups[key]
        for key in sorted(groups)
        if any(
            request.deadline <= (due or (soon if request.kind == EXACT_PHASE else "9999-12-31"))
            for request in groups[key]
        )
    }


def _key(request: Queued) -> Key:
    strategy = choose(guarantee=request.options["guarantee"], name=request.options["strategy"])
    kind = "subject" if request.kind == EXACT_PHASE else request.kind
    return strategy.claim.word, strategy.name, kind, request.invoked.wants_out


def resolve(
    connection: sqlite3.Connection,
    workspace: Workspace,
    key: Key,
    members: Sequence[Queued],
    *,
    derived_until: str,
) -> Group:
    """Look up what a group's requests name; those that name nothing here are settled."""
    guarantee, name, kind, kept = key
    rows = kind == "row"
    keys = workspace.keys()
    records = models.models(connection)
    ids: dict[str, None] = {}
    upgrades: dict[str, None] = {}
    found: dict[str, int] = {}
    settled = []
    unclear: dict[str, Details] = {}
    earlier: dict[str, tuple[str, ...]] = {}
    spelled: dict[str, queue.Alike] = {}
    restricted, barred = restricted_rows(connection, workspace), {}
    for request in members:
        there: list[str] = []
        before = [] if request.follows is None else [request.follows]
        asking = None
        if request.sealed is not None:
            details = open_details(request.sealed, request.id, key=keys.requests)
            named = details.ids
            if not rows and not details.answered:
                asking, _ = alike.asking_for(connection, workspace, details)
            each = whereabouts(connection, workspace, ForgetRequest(named, rows), keys)
            there = [one for one, where in zip(named, each, strict=True) if where.rows]
            along = queue.runs_along(connection, request)
            by = [one for where in each for one in restricted.bars(where.rows, but=along)]
            if by:
                barred[request.id] = list(dict.fromkeys(by))
            if kept and not there:
                continue  # of whom no model has a row it goes on as it is
            if request.id in barred:
                continue
            before = [where.forgotten.request for where in each if where.forgotten is not None]
            earlier[request.id] = tuple(dict.fromkeys(before))
            spelled[request.id] = _other_spellings(details, rows=rows)
        left: list[str] = []
        if claim_of(guarantee).settles:  # whom an approximate run forgot is not yet forgotten so
            left = [one for run in before for one in still_approximate(records, run)]
        if there or left:
            ids |= dict.fromkeys(there)
            upgrades |= dict.fromkeys(left)
            found[request.id] = len(there)
        elif before:
            run = exact_run_after(records, before[-1]) if request.follows else before[-1]
            settled.append(Settled(request.id, "done", run))
        elif asking is not None and asking.near:
            unclear[request.id] = asking
        else:
            settled.append(Settled(request.id, "nothing found", None))
    dates = [r.options["exact_by"] for r in members if r.id in found and r.options["exact_by"]]
    by_name = choose(guarantee=guarantee, name=None).name != name  # type: ignore[arg-type]
    asked = WantedResult(guarantee, name if by_name else None)  # type: ignore[arg-type]
    return Group(
        ForgetRequest(
            ids=tuple(ids),
            rows=rows,
            asked=asked,
            derived_until=min(dates, default=derived_until),
            exact_by=min(dates, default=None),
            queued=tuple(found),
            upgrades=tuple(upgrades),
            keep_rows=kept,
        ),
        found,
        tuple(settled),
        unclear,
        earlier,
        spelled,
        barred,
    )


def _other_spellings(details: Details, *, rows: bool) -> queue.Alike:
    """Say whether other spellings of a request's ids had rows, which are of others then."""
    if rows:
        return "not looked for"
    dismissed = {one.id for one in details.offered} - set(details.ids)
    return "others" if dismissed else "none"


def plan_requests(
    workspace: Workspace, *, due: str | None, today: str, derived_until: str, backend: Backend
) -> list[tuple[Group, Planned]]:
    """Say what `run_requests` would do, and change nothing: its ids to be left out are not told.

    Every group is planned on the models as they are now, not as the group before leaves them.
    """
    with reading_index(workspace) as connection:
        planned = []
        for key, members in due_groups(connection, due=due, today=today).items():
            group = resolve(connection, workspace, key, members, derived_until=derived_until)
            plans, others = list[ModelPlan](), 0
            if not group.is_empty:
                found = find(connection, workspace, group.forget, workspace.keys())
                plans = plan_all(connection, workspace, group.forget, found, backend=backend)
                others = others_in(connection, found)
            planned.append((group, Planned(plans, (), others)))
        return planned


def run_requests(
    workspace: Workspace,
    *,
    due: str | None,
    derived_until: str,
    command: Command,
    random_bytes: Callable[[int], bytes],
    clock: Callable[[], float],
    accept_left_out: bool = False,
) -> Ran:
    """Finish what was begun, then run what is due; raises what finishing an earlier run raises.

    `clock` tells seconds, for the length of each run.
    """
    ran = Ran()
    for begun, served in _begun(workspace):
        start = clock()
        done = carry_out(
            workspace,
            begun.id,
            replay=bool(begun.options.get("replay")),
            derived_until=begun.options.get("exact_by") or derived_until,
            command=command,
        )
        ran.runs.append(Served(served, done, clock() - start))
    with writing_index(workspace) as connection:
        keys = list(due_groups(connection, due=due, today=command.today))
    tried: set[tuple[str, ...]] = set()
    while keys:
        with reading_index(workspace) as connection:
            members = due_groups(connection, due=due, today=command.today).get(keys[0], [])
            group = resolve(connection, workspace, keys[0], members, derived_until=derived_until)
        _settle(workspace, group, time=command.time, random_bytes=random_bytes)
        ran.settled.extend(group.settled)
        ran.barred |= group.barred
        if group.is_empty:
            del keys[0]
            continue
        start = clock()
        try:
            done = forget(
                workspace,
                replace(group.forget, accept_left_out=accept_left_out),
                command=command,
                random_bytes=random_bytes,
            )
        except OnHold as error:
            if group.forget.queued not in tried:  # a hold came meanwhile: the others go on
                tried.add(group.forget.queued)
                continue
            ran.failed.append((group.forget.queued, error))
        except UnweaveError as error:
            ran.failed.append((group.forget.queued, error))
            if _running(workspace):
                break  # it has begun to change things, and nothing may run before it has ended
        else:
            ran.runs.append(Served(group.forget.queued, done, clock() - start))
        del keys[0]
    return ran


def _settle(
    workspace: Workspace, group: Group, *, time: str, random_bytes: Callable[[int], bytes]
) -> None:
    key, law = workspace.keys().requests, law_in_force(workspace)
    with logging_events(workspace) as connection:
        for name, details in group.unclear.items():
            sealed = details.sealed(name, key=key, random_bytes=random_bytes)
            queue_changes.ask(connection, queue.find(connection, name), sealed=sealed)
        found = {**group.found, **{one.request: 0 for one in group.settled}}
        for request, number in found.items():
            queued = queue.find(connection, request)
            asked = queued.follows is None
            queue.keep_found(
                connection,
                request,
                found=number,
                alike=group.alike.get(request),
                due=law.due(law.term_of(queued), today=time[:10]) if asked else None,
            )
            keep_answered(connection, request, group.before.get(request, ()))
        for one in group.settled:
            request_ = queue.find(connection, one.request)
            queue.end(connection, request_, outcome=one.outcome, time=time, run=one.run)


def _running(workspace: Workspace) -> list[deletions.Request]:
    with writing_index(workspace) as connection:
        return [one for one in deletions.all_requests(connection) if one.state == "running"]


def _begun(workspace: Workspace) -> list[tuple[deletions.Request, tuple[str, ...]]]:
    """Return the runs that were killed, with what they serve.

    One that has no plan yet is taken back: its requests wait again, and start anew.
    """
    begun = []
    for run in _running(workspace):
        with writing_index(workspace) as connection:
            served = tuple(request.id for request in queue.of_run(connection, run.id))
        if workspace.request(run.id).plan.exists():
            begun.append((run, served))
        elif served:
            take_back_unplanned(workspace, run.id)
    return begun
