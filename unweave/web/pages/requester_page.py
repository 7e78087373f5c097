"""The page of whoever made a request: by a link of one use, and from then on by a cookie.

Reading a link spends nothing, so that what looks at links in letters does not use it up.
"""

from starlette.responses import Response

from lineage_store.errors import BadInput
from unweave.web.operations.own_page import OwnState, own_pack, own_state
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.request_words import RIGHTS
from unweave.web.process.visits import Visit

SPENT = (
    "This link was used, perhaps in another browser, or its time is over: ask for a new one those "
    "who gave it to you."
)
LONGEST_COOKIE = 400 * 24 * 3600  # seconds: what it opens ends sooner


def show_link(desk: Desk, visit: Visit) -> Response:
    """Show what a link opens, and a button that opens it."""
    with desk.accounts() as accounts:
        request = accounts.own_links.of_link(visit.path["link"], today=desk.today)
    if request is None:
        raise BadInput(SPENT)
    return rendered(Page("own_link.html.j2", {}), visit)


def open_link(desk: Desk, visit: Visit) -> Response:
    """Exchange a link for a cookie."""
    with desk.accounts() as accounts:
        cookie = accounts.own_links.exchange(
            visit.path["link"], today=desk.today, random_bytes=desk.random_bytes
        )
    if cookie is None:
        raise BadInput(SPENT)
    response = see("/own")
    response.set_cookie(
        desk.binding.own_cookie,
        cookie,
        max_age=LONGEST_COOKIE,
        httponly=True,
        secure=desk.binding.secure,
        samesite="strict",
        path="/",
    )
    return response


def show(desk: Desk, visit: Visit) -> Response:
    """Show how one's own request stands."""
    state = _state(desk, visit)
    values = {"state": state, "right": RIGHTS[state.right]}
    return rendered(Page("own.html.j2", values), visit)


def fetch(desk: Desk, visit: Visit) -> Response:
    """Hand over what was sent."""
    state = _state(desk, visit)
    pack = own_pack(desk, state.request, visit.own or "")
    name = {"content-disposition": f'attachment; filename="{state.request}.zip"'}
    return Response(pack, media_type="application/zip", headers=name)


def _state(desk: Desk, visit: Visit) -> OwnState:
    with desk.accounts() as accounts:
        request = accounts.own_links.of_cookie(visit.own or "", today=desk.today)
    state = None if request is None else own_state(desk, request)
    if state is None:
        raise BadInput(SPENT)
    return state
