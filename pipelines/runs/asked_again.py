"""A deletion that was interrupted, and is asked for again: in the same words, or in others.

The interrupted run ends first, as it was asked for then: it has begun to change things. Then it is
held to what is asked now. Where exact was asked and the run was approximate, an exact run replaces
its results at once, as the exact phase of a queued request does. What else is less than was asked
is an error, once all has ended: whoever trusts the exit status is never told more than is so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lineage_store.errors import CheckFailed
from lineage_store.index import Request, models, reading_index
from lineage_store.workspace import Workspace
from pipelines.jobs import Command
from pipelines.runs.find_rows import ForgetRequest, earlier_request
from pipelines.runs.forget import FinishedDeletion, forget
from unlearning.planning import Limits, load_open, load_plan, still_approximate
from unlearning.verification import load_reports


def forget_as_asked(
    workspace: Workspace,
    request: ForgetRequest,
    *,
    command: Command,
    random_bytes: Callable[[int], bytes],
    finished: Sequence[str] = (),
) -> FinishedDeletion:
    """Forget, or finish an interrupted run of the same ids and then do what it did not.

    `finished` are the requests that this command has just finished (`killed_runs.sweep`). Raises
    CheckFailed if what came of an interrupted run is less than what is asked.
    """
    earlier = earlier_request(workspace, request)
    recorded = _recorded_reason(workspace, earlier)
    done = forget(workspace, request, command=command, random_bytes=random_bytes, finished=finished)
    if earlier is None or done.request != earlier.id:
        return done
    if _exact_is_asked(request):
        with reading_index(workspace) as connection:
            left = still_approximate(models.models(connection), earlier.id)
        if left:
            more = replace(request, ids=(), rows=False, upgrades=left)
            return forget(workspace, more, command=command, random_bytes=random_bytes)
    missing = list(_missing(workspace, request, earlier))
    if missing:
        raise CheckFailed(
            f"The deletion {earlier.id} was interrupted, and has ended as it was asked for then, "
            f"which is less than is asked now: {'; '.join(missing)}. Its certificate is written; "
            f"to get more, queue a request for it."
        )
    if request.reason is not None and request.reason != recorded:
        note = f"The reason given now is not kept: {earlier.id} was recorded with its own, before."
        return replace(done, notes=(*done.notes, note))
    return done


def _recorded_reason(workspace: Workspace, earlier: Request | None) -> str | None:
    """Return the reason that an interrupted run was recorded with, as long as it is there."""
    folder = None if earlier is None else workspace.request(earlier.id)
    if folder is None or not folder.open_file.exists() or not folder.open_key.exists():
        return None
    return load_open(folder).reason


def _exact_is_asked(request: ForgetRequest) -> bool:
    """Say whether a result must be exact: by word, by strategy, or because nothing else is said."""
    asked = request.asked
    limits_decide = asked.guarantee is None and asked.strategy is None and asked.limits != Limits()
    return asked.chosen().claim.settles and not limits_decide


def _missing(workspace: Workspace, request: ForgetRequest, earlier: Request) -> Iterator[str]:
    """Say what a finished run lacks of what is asked now, a half sentence each."""
    plans = load_plan(workspace.request(earlier.id))
    reports = load_reports(workspace, earlier.id)
    exact = [plan for plan in plans if plan.claim.settles]
    bridged = any(plan.claim.bridged is not None for plan in exact)
    if bridged and _exact_is_asked(request) and not request.asked.accept_bridged:
        yield "its result is exact over a bridge alone"
    checked = [reports[plan.model_before] for plan in exact if plan.model_before in reports]
    if request.replay and any(report.basis != "by replay" for report in checked):
        yield "it was not compared with a retrained model"
    if len(exact) == len(plans):
        return
    options, asked = earlier.options, request.asked
    if asked.strategy not in (None, options.get("strategy"), *(plan.strategy for plan in plans)):
        yield "it was another strategy's"
    if asked.repair > int(options.get("repair", 0)):
        yield "it was repaired for fewer epochs"
    if request.exact_by not in (None, options.get("exact_by")):
        yield "nothing exact takes its place by that day"
