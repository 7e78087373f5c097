"""Rights besides erasure by the API: a correction, rows put back, who has agreed anew."""

from starlette.responses import Response

from unweave.web.api.calls import Answer, Call
from unweave.web.api.reading_calls import show_model, show_request
from unweave.web.operations import who_has_data
from unweave.web.process.desk import Desk
from unweave.web.rights import rows_put_back
from unweave.web.rights.agreed_anew import readmit
from unweave.web.rights.corrections_started import start_rectification


def correct(desk: Desk, call: Call) -> Answer:
    """Start a correction."""
    table = call.said["table"].encode("utf-8")
    return start_rectification(desk, call.who, call.request, model=call.said["model"], table=table)


def lift(desk: Desk, call: Call) -> Answer:
    """Lift a restriction."""
    columns = call.said.get("columns") or ()
    rows_put_back.lift(desk, call.who, call.request, columns=columns)
    return show_request(desk, call)


def take_rows(desk: Desk, call: Call) -> Response:
    """Hand rows over that are put back."""
    data = rows_put_back.take_rows(desk, call.who, call.request)
    return Response(data, media_type="application/zip")


def erase_rows(desk: Desk, call: Call) -> Answer:
    """Erase them here."""
    rows_put_back.erase_rows(desk, call.request)
    return show_request(desk, call)


def readmit_person(desk: Desk, call: Call) -> Answer:
    """Let somebody be trained on again."""
    return readmit(desk, call.who, call.said["id"].strip())


def add_recipient(desk: Desk, call: Call) -> Answer:
    """Name somebody who has data or models."""
    said = call.said
    return who_has_data.add_recipient(
        desk,
        said["name"],
        serves=said.get("serves", False),
        model=said.get("model"),
        since=said.get("since"),
    )


def recipient_told(desk: Desk, call: Call) -> Answer:
    """Say that one was told."""
    said = call.said
    return who_has_data.recipient_told(desk, said["number"], said["deletion"], on=said.get("on"))


def end_recipient(desk: Desk, call: Call) -> Answer:
    """Say that one gets nothing more."""
    return who_has_data.end_recipient(desk, call.said["number"])


def name_model(desk: Desk, call: Call) -> Answer:
    """Serve a model's line under a name."""
    said = {one: call.said.get(one) for one in who_has_data.OF_A_NAME}
    who_has_data.name_model(
        desk, call.who.name, call.said["name"], said | {"model": call.path["model"]}
    )
    return show_model(desk, call)


def roll_back(desk: Desk, call: Call) -> Answer:
    """Serve the version before again."""
    who_has_data.roll_back(desk, call.who.name, call.said["name"])
    return show_model(desk, call)
