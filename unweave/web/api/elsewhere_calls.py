"""The parts of a request in other workspaces, by the API: by the functions that the forms call."""

from unweave.web.api.calls import Answer, Call
from unweave.web.api.changing_calls import meant_by
from unweave.web.api.reading_calls import names_told, show_request
from unweave.web.operations.acting import act_in, try_again
from unweave.web.operations.request_reading import names_read_in
from unweave.web.process.desk import Desk


def carry_over(desk: Desk, call: Call) -> Answer:
    """File what is not filed in other workspaces, and carry over what is behind."""
    try_again(desk, call.who, call.request)
    return show_request(desk, call)


def names_there(desk: Desk, call: Call) -> Answer:
    """Read whom a part is about, once that is logged there."""
    workspace, why = str(call.said["workspace"]), call.said["because"]
    asked, details = names_read_in(desk, call.who, call.request, workspace, why=why)
    return names_told(str(asked.told["request"]), details)


def who_there(desk: Desk, call: Call) -> Answer:
    """Say which spellings are meant in another workspace, or that none is."""
    workspace = str(call.said["workspace"])
    act_in(desk, call.who, call.request, workspace, "answer", meant_by(call))
    return show_request(desk, call)


def approve_there(desk: Desk, call: Call) -> Answer:
    """Approve a part, as a second person."""
    act_in(desk, call.who, call.request, str(call.said["workspace"]), "approve", {})
    return show_request(desk, call)
