"""The guard: who asks, may they, and was the form their own? Then the page, or why not.

Handlers are plain functions of the desk and a visit; they run in threads, so that one that waits
for the disk keeps nobody waiting.
"""

import logging
from collections.abc import Callable, Iterable
from time import monotonic
from urllib.parse import parse_qsl

from anyio import fail_after
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from lineage_store.errors import UnweaveError
from unweave.session.unforeseen import sentence, write_details
from unweave.web.accounts.sign_ins import form_token, is_form_token
from unweave.web.accounts.users import User
from unweave.web.process.desk import Desk
from unweave.web.process.headers import TooLarge
from unweave.web.process.matrix import PUBLIC, Rule
from unweave.web.process.problems import status_of
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import Form, Visit

Handler = Callable[[Desk, Visit], Response]
LOG = logging.getLogger("unweave.desk")
FIELDS = 5_000  # of one form
SLOWEST = 60.0  # seconds within which a form comes in
LARGEST_FORM = 1 << 20  # bytes of a form without a file


def guarded(desk: Desk, rule: Rule, handler: Handler) -> Callable[[Request], object]:
    """Return what answers a route: by a page, a way to sign in, or a refusal."""

    async def answer(request: Request) -> Response:
        began = monotonic()
        try:
            with fail_after(SLOWEST):
                form = await _form(request, rule) if rule.method == "POST" else Form()
        except (ClientDisconnect, TimeoutError):  # nobody is there to read an answer
            response = _refused(Visit(None), 408, "The form did not come in time.")
        except TooLarge:
            most = 16 if rule.files else 1
            response = _refused(Visit(None), 413, f"What was sent is larger than {most} MiB.")
        else:
            response = await run_in_threadpool(_answer, desk, rule, handler, request, form)
        if request.method == "HEAD" and isinstance(response, StreamingResponse):
            response = Response(media_type=response.media_type)  # not held open for nobody to read
        # The route as it stands in the matrix: never the address, in which a link may stand.
        LOG.info("%s %s %s %.0f ms", rule.method, rule.path, response.status_code,
                 1000 * (monotonic() - began))  # fmt: skip
        return response

    return answer


def _answer(desk: Desk, rule: Rule, handler: Handler, request: Request, form: Form) -> Response:
    visit = Visit(None)
    try:
        visit = _visit(desk, request, form)
        refusal = _refusal(desk, rule, visit, request)
        return handler(desk, visit) if refusal is None else refusal
    except UnweaveError as error:
        return _refused(visit, status_of(error), str(error))
    except Exception as error:  # the one place for whatever nobody foresaw
        details = write_details(error, workspace=desk.root, command=f"desk {rule.path}")
        return _refused(visit, 500, sentence(error, details))


def _visit(desk: Desk, request: Request, form: Form) -> Visit:
    cookie, sign_in = request.cookies.get(desk.binding.cookie), desk.binding.sign_in
    name = None if sign_in is None else sign_in.named(request.headers)
    user: User | None = None
    named: User | None = None
    if cookie or name:
        with desk.accounts() as accounts:
            digest = accounts.sign_ins.user_of(cookie, now=desk.seconds) if cookie else None
            user = None if digest is None else accounts.users.of_digest(digest)
            named = accounts.users.named(name) if name else None
    if sign_in is not None and user != named:  # the proxy let another in, or nobody
        user = None
    return Visit(
        user=user,
        named=named,
        led_here=request.headers.get("sec-fetch-site") == "cross-site",
        token=form_token(cookie) if cookie and user else "",
        cookie=cookie if user else None,
        own=request.cookies.get(desk.binding.own_cookie),
        path={name: str(value) for name, value in request.path_params.items()},
        query=dict(request.query_params),
        form=form,
    )


def _refusal(desk: Desk, rule: Rule, visit: Visit, request: Request) -> Response | None:
    """Return the answer to who may not, or whose form is not this desk's own; None for all else."""
    if rule.method == "POST" and not _is_own(desk, request):
        return _refused(visit, 403, "This form was not sent by the desk itself.")
    if rule.roles == PUBLIC:
        return None
    if visit.user is None:
        return see("/sign-in")
    if visit.user.role not in rule.roles:
        return _refused(visit, 403, "Your role does not let you do or see this.")
    if rule.method == "POST":
        assert visit.cookie is not None
        if not is_form_token(visit.form.maybe("token") or "", visit.cookie):
            return _refused(visit, 403, "The form is of another sign-in: open the page again.")
    return None


def _is_own(desk: Desk, request: Request) -> bool:
    """Say whether a browser sent a form from a page of this desk; a program says neither."""
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    scheme = "https" if desk.binding.secure else "http"
    return origin is None or origin.lower() in {f"{scheme}://{host}" for host in desk.binding.hosts}


async def _form(request: Request, rule: Rule) -> Form:
    """Read a form as browsers send it; raises HTTPException for one that none would send."""
    kind, _, options = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() == "multipart/form-data":
        # A form is in UTF-8: said to be in another code it costs or breaks whatever decodes it.
        if not rule.files or "charset" in options:
            raise HTTPException(415)
        async with request.form(max_files=4, max_fields=FIELDS) as given:
            files = {
                name: await value.read()
                for name, value in given.multi_items()
                if isinstance(value, UploadFile)
            }
            texts = ((name, one) for name, one in given.multi_items() if isinstance(one, str))
            return Form(_by_name(texts), files)
    if kind.strip() != "application/x-www-form-urlencoded":
        return Form()
    sent = bytearray()
    async for piece in request.stream():
        sent += piece
        if len(sent) > LARGEST_FORM:
            raise TooLarge
    try:
        fields = parse_qsl(sent.decode("latin-1"), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise HTTPException(400) from error
    return Form(_by_name(fields))


def _by_name(fields: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def _refused(visit: Visit, status: int, why: str) -> Response:
    return rendered(Page("refused.html.j2", {"why": why, "status": status}, status), visit)
