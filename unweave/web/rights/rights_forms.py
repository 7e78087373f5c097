"""Forms of rights: a correction, rows put back, a fee, and somebody who has agreed anew."""

from starlette.responses import Response

from lineage_store.errors import BadInput, NothingFound, OnHold, WorkspaceBusy
from unweave.web.operations.acting import act
from unweave.web.pages import people_page
from unweave.web.pages.request_page import shown_again
from unweave.web.process.clerk import ClerkFailed
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import see
from unweave.web.process.visits import FieldMissing, Visit
from unweave.web.rights import rows_put_back
from unweave.web.rights.agreed_anew import readmit
from unweave.web.rights.corrections_started import start_rectification


def rectify(desk: Desk, visit: Visit) -> Response:
    """Start the correction of what a request names."""
    request, form = visit.path["request"], visit.form
    try:
        table = form.files.get("table", b"")
        start_rectification(desk, visit.who, request, model=form.text("model"), table=table)
    except (BadInput, NothingFound) as error:
        at = "rectify-model" if "model" in str(error) else "table"
        return shown_again(desk, visit, str(error), at=at)
    except WorkspaceBusy as error:
        return shown_again(desk, visit, str(error), at="table")
    return see(f"/requests/{request}?done=correcting#result")


def lift(desk: Desk, visit: Visit) -> Response:
    """Lift a restriction, on the day of which the person was told, or later."""
    request = visit.path["request"]
    given = visit.form.maybe("columns")
    columns = [] if given is None else [one.strip() for one in given.split(",")]
    try:
        rows_put_back.lift(desk, visit.who, request, columns=columns)
    except ClerkFailed:
        raise
    except BadInput as error:
        return shown_again(desk, visit, str(error), at="lift")
    return see(f"/requests/{request}?done=lifted#result")


def take_rows(desk: Desk, visit: Visit) -> Response:
    """Hand rows over that are put back."""
    request = visit.path["request"]
    data = rows_put_back.take_rows(desk, visit.who, request)
    name = {"content-disposition": f'attachment; filename="{request}-rows.zip"'}
    return Response(data, media_type="application/zip", headers=name)


def erase_rows(desk: Desk, visit: Visit) -> Response:
    """Erase the rows here, once somebody has them."""
    request = visit.path["request"]
    rows_put_back.erase_rows(desk, request)
    return see(f"/requests/{request}?done=rows-erased#result")


def ask_fee(desk: Desk, visit: Visit) -> Response:
    """Ask for a fee before anything is done."""
    request, form = visit.path["request"], visit.form
    try:
        said = {"amount": form.text("amount"), "reason": form.text("why")}
        act(desk, visit.who, request, "ask_fee", said)
    except ClerkFailed:
        raise
    except FieldMissing:
        why = "A fee has an amount, and a reason: the person is told both (Article 12(5))."
        return shown_again(desk, visit, why, at="amount")
    except BadInput as error:
        return shown_again(desk, visit, str(error), at="amount")
    return see(f"/requests/{request}?done=fee#result")


def fee_agreed(desk: Desk, visit: Visit) -> Response:
    """Say that the person agreed to the fee."""
    request = visit.path["request"]
    try:
        act(desk, visit.who, request, "fee_agreed", {})
    except ClerkFailed:
        raise
    except BadInput as error:
        return shown_again(desk, visit, str(error), at="fee-agreed")
    return see(f"/requests/{request}?done=fee-agreed#result")


def agreed_anew(desk: Desk, visit: Visit) -> Response:
    """Let somebody be trained on again who was forgotten, and has agreed anew."""
    try:
        if not visit.form.ticked("sure"):
            return people_page.shown_again(visit, "Tick that they have agreed anew.", at="sure")
        readmit(desk, visit.who, visit.form.text("who"))
    except ClerkFailed:
        raise
    except FieldMissing:
        return people_page.shown_again(visit, "Say who, by one id.", at="who")
    except (BadInput, NothingFound, OnHold) as error:
        return people_page.shown_again(visit, str(error), at="who")
    return see("/people?done=anew#result")
