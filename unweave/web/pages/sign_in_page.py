"""Signing in and out, and the link of one use by which somebody comes in first.

Who tries too often as one user is turned away for some minutes, and an event says so. What was
wrong is never said: name, password or code.
"""

import segno
from markupsafe import Markup
from starlette.background import BackgroundTask
from starlette.responses import Response

from lineage_store.errors import BadInput, NothingFound
from lineage_store.log import SignedIn, SignInRefused
from unweave.web.accounts.one_time_codes import address, shown
from unweave.web.accounts.passwords import turn
from unweave.web.accounts.sign_ins import LONGEST
from unweave.web.accounts.users import SPENT, User
from unweave.web.process.desk import Accounts, Desk
from unweave.web.process.matrix import HOME
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import Visit

WRONG = "That did not let you in: mind the name, the password, and the code that the app shows now."
ELSEWHERE = "Nobody signs in here: the proxy before the desk does that."
UNNAMED = (
    "The proxy before the desk named nobody who may use it. An owner adds people by "
    "`unweave user add`, under the name that the proxy says."
)
TOO_OFTEN = "Too many tries for this name: wait five minutes."


def show(desk: Desk, visit: Visit) -> Response:
    """Show the form, or the first page of who is signed in."""
    if visit.user is not None:
        return see(HOME[visit.user.role])
    if desk.binding.sign_in is not None:
        return _named(desk, visit)
    set_up = visit.query.get("set") == "1"
    return _form(visit, note="You are set up: sign in now." if set_up else None)


def sign_in(desk: Desk, visit: Visit) -> Response:
    """Let somebody in."""
    if desk.binding.sign_in is not None:
        raise BadInput(ELSEWHERE)
    with turn():
        return _sign_in(desk, visit)


def _sign_in(desk: Desk, visit: Visit) -> Response:
    name, form = (visit.form.maybe("name") or "")[:200], visit.form
    folded = " ".join(name.casefold().split())
    if not desk.tries.allows(folded):
        response = _form(visit, error=TOO_OFTEN, status=429)
        # Behind the answer: how long it takes to log it would tell whether there is such a user.
        response.background = BackgroundTask(_log_refusal, desk, folded)
        return response
    with desk.accounts() as accounts:
        user = accounts.users.signed_in(
            name,
            password=form.values.get("password", ("",))[0],
            code=form.maybe("code") or "",
            now=desk.seconds,
        )
        if user is None:
            return _form(visit, error=WRONG, status=403)
        cookie = _begun(desk, accounts, user, visit)
    desk.tries.forget(folded)
    return _come_in(desk, user, cookie)


def _named(desk: Desk, visit: Visit) -> Response:
    """Let in whom the proxy names; who has just signed out here asks for it.

    Whoever comes from another site, as from where the proxy has people sign in, brings no cookie,
    and would be sent round and round: they are let in by a page of the desk, which asks again.
    """
    user = visit.named
    if user is None:
        return rendered(Page("refused.html.j2", {"why": UNNAMED, "status": 403}, 403), visit)
    if visit.query.get("out") == "1":
        return rendered(Page("signed_out.html.j2", {}), visit)
    if visit.led_here:
        return rendered(Page("led_here.html.j2", {}), visit)
    with desk.accounts() as accounts:
        cookie = _begun(desk, accounts, user, visit)
    return _come_in(desk, user, cookie)


def _begun(desk: Desk, accounts: Accounts, user: User, visit: Visit) -> str:
    if visit.cookie is not None:  # one browser is one person
        accounts.sign_ins.end(visit.cookie)
    return accounts.sign_ins.begin(user.digest, now=desk.seconds, random_bytes=desk.random_bytes)


def _come_in(desk: Desk, user: User, cookie: str) -> Response:
    desk.log(user, lambda number: SignedIn(number))
    response = see(HOME[user.role])
    response.set_cookie(
        desk.binding.cookie,
        cookie,
        max_age=LONGEST,
        httponly=True,
        secure=desk.binding.secure,
        samesite="strict",
        path="/",
    )
    return response


def sign_out(desk: Desk, visit: Visit) -> Response:
    """End a sign-in."""
    assert visit.cookie is not None
    with desk.accounts() as accounts:
        accounts.sign_ins.end(visit.cookie)
    response = see("/sign-in" if desk.binding.sign_in is None else "/sign-in?out=1")
    response.delete_cookie(
        desk.binding.cookie, secure=desk.binding.secure, httponly=True, samesite="strict"
    )
    return response


def welcome(desk: Desk, visit: Visit) -> Response:
    """Show what a link of one use sets: reading it spends nothing."""
    if desk.binding.sign_in is not None:
        raise BadInput(ELSEWHERE)
    with desk.accounts() as accounts:
        user = accounts.users.of_link(visit.path["link"], now=desk.seconds)
        if user is None:
            raise BadInput(SPENT)
        factor = accounts.users.pending_factor(user, random_bytes=desk.random_bytes)
    return _welcome(visit, user, factor)


def set_up(desk: Desk, visit: Visit) -> Response:
    """Set password and second factor, which spends the link."""
    if desk.binding.sign_in is not None:
        raise BadInput(ELSEWHERE)
    form = visit.form
    link = visit.path["link"]
    password = form.values.get("password", ("",))[0]
    with desk.accounts() as accounts:
        user = accounts.users.of_link(link, now=desk.seconds)
        if user is None:
            raise BadInput(SPENT)
        factor = accounts.users.pending_factor(user, random_bytes=desk.random_bytes)
        try:
            if not desk.tries.allows(("link", user.digest)):
                raise BadInput(TOO_OFTEN)
            if password != form.values.get("again", ("",))[0]:
                raise BadInput("The two passwords differ.")
            accounts.users.set_up(
                link, password=password, code=form.maybe("code") or "", now=desk.seconds
            )
        except BadInput as error:
            return _welcome(visit, user, factor, error=str(error))
    return see("/sign-in?set=1")


def _log_refusal(desk: Desk, name: str) -> None:
    """Log that somebody is turned away as one of the users; a name that is nobody's is nowhere."""
    if not desk.refusals.allows(name):
        return
    with desk.accounts() as accounts:
        try:
            user = accounts.users.find(name)
        except NothingFound:
            return
    desk.log(user, lambda number: SignInRefused(number))


def _form(
    visit: Visit, *, error: str | None = None, note: str | None = None, status: int = 200
) -> Response:
    values = {"errors": [(error, "name")] if error else [], "result": note}
    return rendered(Page("sign_in.html.j2", values, status), visit)


def _welcome(visit: Visit, user: User, factor: bytes, *, error: str | None = None) -> Response:
    picture = segno.make(address(factor, name=user.name), micro=False, error="m")
    values = {
        "name": user.name,
        "role": user.role,
        "factor": shown(factor),
        "picture": Markup(picture.svg_inline(scale=4, border=4, light="#fff", dark="#000")),
        "errors": [(error, "password")] if error else [],
    }
    return rendered(Page("welcome.html.j2", values, 422 if error else 200), visit)
