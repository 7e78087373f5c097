"""What changes something by the API: by the functions that the forms call.

What was done to a request is answered by the request as it is then, without a name.
"""

from lineage_store.errors import BadInput
from unweave.web.accounts.users import Role
from unweave.web.api.calls import Answer, Call, Handler
from unweave.web.api.reading_calls import show_request
from unweave.web.operations import written_answers
from unweave.web.operations.acting import SAID, Filing, act, file_request
from unweave.web.operations.own_page import make_own_link
from unweave.web.operations.runs_started import start_due
from unweave.web.operations.tokens_made import end_token, make_token
from unweave.web.operations.webhooks_told import end_webhook, make_webhook
from unweave.web.operations.written_answers import To
from unweave.web.process.desk import Desk


def file(desk: Desk, call: Call) -> Answer:
    """File a request."""
    said = call.said
    filing = Filing(
        ids=[one.strip() for one in said["ids"]],
        right=said.get("right", "erasure"),
        rows=said.get("rows", False),
        long_ago=said.get("long_ago", False),
        said={name: said[name] for name in SAID if name in said},
    )
    told = file_request(desk, call.who, filing)
    return {name: told[name] for name in ("request", "duplicate", "state", "deadline")}


def acting(operation: str) -> Handler:
    """Return what has an operation done to a request, with the fields of the body."""

    def do(desk: Desk, call: Call) -> Answer:
        act(desk, call.who, call.request, operation, call.said)
        return show_request(desk, call)

    return do


def say_who(desk: Desk, call: Call) -> Answer:
    """Say which spellings are meant, or that none is."""
    act(desk, call.who, call.request, "answer", meant_by(call))
    return show_request(desk, call)


def meant_by(call: Call) -> Answer:
    """Return which spellings a body says to be meant; raises BadInput for what says nothing."""
    also, only = call.said.get("also"), call.said.get("only", False)
    if bool(also) == only:
        raise BadInput("Name the numbers that are meant with `also`, or say `only`.")
    # By their numbers alone: what is no number would be taken for an id.
    if also and not all(one.isascii() and one.isdecimal() and len(one) < 6 for one in also):
        raise BadInput("`also` takes the numbers of spellings, as a request lists them.")
    return {"also": also} if also else {"only": True}


def refuse(desk: Desk, call: Call) -> Answer:
    """Refuse a request."""
    said = {name: call.said[name] for name in ("ground", "reason")}
    written_answers.refuse(desk, call.who, call.request, said, _to(call))
    return show_request(desk, call)


def announce_lift(desk: Desk, call: Call) -> Answer:
    """Announce the end of a restriction."""
    said = {name: call.said[name] for name in ("because", "on", "reason") if name in call.said}
    written_answers.announce_lift(desk, call.who, call.request, said, _to(call))
    return show_request(desk, call)


def write(desk: Desk, call: Call) -> Answer:
    """Write the letter that a request is due, or the pack that answers it."""
    is_answer = call.said.get("answer", False)
    written_answers.write(desk, call.who, call.request, _to(call), answer=is_answer)
    return show_request(desk, call)


def sent(desk: Desk, call: Call) -> Answer:
    """Say that the answer was sent."""
    done = written_answers.say_sent(desk, call.who.name, call.request)
    return {"request": call.request, "done": done}


def own_link(desk: Desk, call: Call) -> Answer:
    """Make a link by which the person sees how their request stands."""
    return make_own_link(desk, call.who, call.request)


def run(desk: Desk, call: Call) -> Answer:
    """Start what is due."""
    start_due(desk, call.who)
    return {"started": True}


def new_token(desk: Desk, call: Call) -> Answer:
    """Make a token of a program."""
    role: Role = call.said["role"]
    return make_token(desk, call.who, call.said["name"], role, until=call.said["until"])


def old_token(desk: Desk, call: Call) -> Answer:
    """End a token."""
    return end_token(desk, call.who, call.path["token"])


def new_webhook(desk: Desk, call: Call) -> Answer:
    """Add a webhook."""
    return make_webhook(desk, call.who, call.said["url"])


def old_webhook(desk: Desk, call: Call) -> Answer:
    """End a webhook."""
    return end_webhook(desk, call.who, call.path["webhook"])


def _to(call: Call) -> To:
    return To(call.said.get("language", "en"), call.said.get("to"))
