"""What is done to the parts of a request in other workspaces: who is meant there, an approval."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput
from unweave.web.operations.acting import act_in, try_again
from unweave.web.pages.request_page import shown_again
from unweave.web.process.clerk import ClerkFailed
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import see
from unweave.web.process.visits import Visit


def again(desk: Desk, visit: Visit) -> Response:
    """File in other workspaces what is not filed there, and carry over what is behind."""
    request = visit.path["request"]
    try:
        try_again(desk, visit.who, request)
    except ClerkFailed:
        raise
    except BadInput as error:
        return shown_again(desk, visit, str(error), at="elsewhere")
    return see(f"/requests/{request}?done=in-step#result")


def who_there(desk: Desk, visit: Visit) -> Response:
    """Say which spellings are meant in another workspace, or that none is."""
    workspace = visit.form.text("workspace")
    also = [one for one in visit.form.every("also") if one.isascii() and one.isdecimal()]
    if bool(also) == visit.form.ticked("only"):
        why = "Tick those that are meant, or that none is."
        return shown_again(desk, visit, why, at=f"also-{workspace}")
    answer = {"also": also} if also else {"only": True}
    return _do(desk, visit, "answer", answer, done="meant-there", at=f"also-{workspace}")


def approve_there(desk: Desk, visit: Visit) -> Response:
    """Approve the part of a request in another workspace, as a second person."""
    at = f"approve-{visit.form.text('workspace')}"
    return _do(desk, visit, "approve", {}, done="approved-there", at=at)


def _do(
    desk: Desk, visit: Visit, operation: str, said: Mapping[str, Any], *, done: str, at: str
) -> Response:
    request, workspace = visit.path["request"], visit.form.text("workspace")
    try:
        act_in(desk, visit.who, request, workspace, operation, said)
    except ClerkFailed:
        raise
    except BadInput as error:
        return shown_again(desk, visit, str(error), at=at)
    return see(f"/requests/{request}?done={done}#result")
