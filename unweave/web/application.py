"""The application: every route of the matrix with its handler, behind the gate."""

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unweave.web.api.api_guard import answering
from unweave.web.api.operations_done import DONE
from unweave.web.api.operations_table import METRICS, OPERATIONS, ROOT, Operation
from unweave.web.guard import Handler, guarded
from unweave.web.lineage import lineage_pages, search_pages
from unweave.web.live import at_work_now, watched
from unweave.web.pages import (
    audit_page,
    deletion_page,
    elsewhere_forms,
    models_page,
    people_page,
    public_pages,
    queue_page,
    records_page,
    request_forms,
    request_page,
    requester_page,
    sending,
    sign_in_page,
)
from unweave.web.process.desk import Desk
from unweave.web.process.headers import Application, Gate
from unweave.web.process.matrix import MATRIX, Rule
from unweave.web.process.problems import API, problem
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.visits import Visit
from unweave.web.rights import records_forms, rights_forms
from unweave.web.settings import (
    controller_page,
    letters_page,
    mail_page,
    policy_page,
    tokens_page,
    users_page,
)

HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/"): queue_page.show,
    ("GET", "/live"): at_work_now.watch_work,
    ("GET", "/style.css"): public_pages.style,
    ("GET", "/live.js"): public_pages.script,
    ("GET", "/healthz"): public_pages.health,
    ("GET", "/sign-in"): sign_in_page.show,
    ("POST", "/sign-in"): sign_in_page.sign_in,
    ("POST", "/sign-out"): sign_in_page.sign_out,
    ("GET", "/welcome/{link}"): sign_in_page.welcome,
    ("POST", "/welcome/{link}"): sign_in_page.set_up,
    ("GET", "/own/{link}"): requester_page.show_link,
    ("POST", "/own/{link}"): requester_page.open_link,
    ("GET", "/own"): requester_page.show,
    ("GET", "/own-file"): requester_page.fetch,
    ("GET", "/verify"): public_pages.show_verify,
    ("POST", "/verify"): public_pages.verified,
    ("GET", "/accessibility"): public_pages.accessibility,
    ("GET", "/requests/new"): request_forms.show_new,
    ("POST", "/requests/new"): request_forms.add,
    ("GET", "/requests/{request}"): request_page.show,
    ("POST", "/requests/{request}/names"): request_page.names,
    ("POST", "/requests/{request}/who"): request_forms.who,
    ("POST", "/requests/{request}/approve"): request_forms.approve,
    ("POST", "/requests/{request}/ask-more"): request_forms.ask_more,
    ("POST", "/requests/{request}/more-came"): request_forms.more_came,
    ("POST", "/requests/{request}/unidentified"): request_forms.unidentified,
    ("POST", "/requests/{request}/extend"): request_forms.extend,
    ("POST", "/requests/{request}/hold"): request_forms.hold,
    ("POST", "/requests/{request}/release"): request_forms.release,
    ("POST", "/requests/{request}/refuse"): sending.refuse,
    ("POST", "/requests/{request}/cancel"): request_forms.cancel,
    ("POST", "/requests/{request}/keep-rows"): request_forms.keep_rows,
    ("POST", "/requests/{request}/uphold"): request_forms.uphold,
    ("POST", "/requests/{request}/announce-lift"): sending.announce_lift,
    ("POST", "/requests/{request}/lift"): rights_forms.lift,
    ("POST", "/requests/{request}/rectify"): rights_forms.rectify,
    ("POST", "/requests/{request}/rows"): rights_forms.take_rows,
    ("POST", "/requests/{request}/rows/erase"): rights_forms.erase_rows,
    ("POST", "/requests/{request}/fee"): rights_forms.ask_fee,
    ("POST", "/requests/{request}/fee/agreed"): rights_forms.fee_agreed,
    ("POST", "/people/anew"): rights_forms.agreed_anew,
    ("POST", "/requests/{request}/pack"): sending.write,
    ("POST", "/requests/{request}/file"): sending.hand_over,
    ("POST", "/requests/{request}/sent"): sending.sent,
    ("POST", "/requests/{request}/mail"): sending.mail,
    ("POST", "/requests/{request}/mail/end"): sending.no_mail,
    ("POST", "/requests/{request}/link"): sending.make_link,
    ("POST", "/requests/{request}/elsewhere"): elsewhere_forms.again,
    ("POST", "/requests/{request}/elsewhere/names"): request_page.names_there,
    ("POST", "/requests/{request}/elsewhere/who"): elsewhere_forms.who_there,
    ("POST", "/requests/{request}/elsewhere/approve"): elsewhere_forms.approve_there,
    ("GET", "/people"): people_page.show,
    ("POST", "/people"): people_page.look_up,
    ("POST", "/run"): queue_page.run,
    ("GET", "/models"): models_page.show_all,
    ("GET", "/models/{model}"): models_page.show_one,
    ("GET", "/models/{model}/lineage"): lineage_pages.show,
    ("GET", "/models/{model}/lineage.svg"): lineage_pages.picture,
    ("GET", "/models/{model}/parts/{part}"): lineage_pages.show_part,
    ("GET", "/lineage"): search_pages.show,
    ("POST", "/lineage"): search_pages.search,
    ("GET", "/lineage/{node}"): search_pages.show_around,
    ("GET", "/lineage/{node}/to/{other}"): search_pages.show_way,
    ("GET", "/deletions/{deletion}"): deletion_page.show,
    ("GET", "/deletions/{deletion}/live"): watched.watch,
    ("GET", "/audit"): audit_page.show,
    ("GET", "/audit/head"): audit_page.head,
    ("GET", "/audit/key"): audit_page.key,
    ("POST", "/audit/evidence"): audit_page.evidence,
    ("GET", "/records"): records_page.show,
    ("GET", "/records/requests.csv"): records_page.as_csv,
    ("POST", "/records/recipients"): records_forms.add,
    ("POST", "/records/recipients/told"): records_forms.told,
    ("POST", "/records/recipients/end"): records_forms.end,
    ("POST", "/models/{model}/name"): records_forms.name,
    ("POST", "/models/{model}/rollback"): records_forms.roll_back,
    ("GET", "/settings"): tokens_page.show,
    ("POST", "/settings/tokens"): tokens_page.make,
    ("POST", "/settings/tokens/{token}/end"): tokens_page.end,
    ("POST", "/settings/webhooks"): tokens_page.make_hook,
    ("POST", "/settings/webhooks/{webhook}/end"): tokens_page.end_hook,
    ("GET", "/settings/users"): users_page.show,
    ("POST", "/settings/users"): users_page.add,
    ("POST", "/settings/users/invite"): users_page.invite,
    ("POST", "/settings/users/end"): users_page.end,
    ("GET", "/settings/policy"): policy_page.show,
    ("POST", "/settings/policy"): policy_page.keep,
    ("GET", "/settings/controller"): controller_page.show,
    ("POST", "/settings/controller"): controller_page.keep,
    ("GET", "/settings/letters"): letters_page.show_all,
    ("GET", "/settings/letters/{letter}"): letters_page.show_one,
    ("POST", "/settings/letters/{letter}"): letters_page.keep,
    ("POST", "/settings/letters/{letter}/end"): letters_page.end,
    ("GET", "/settings/mail"): mail_page.show,
    ("POST", "/settings/mail"): mail_page.keep,
    ("POST", "/settings/mail/end"): mail_page.end,
}
CALLS: Mapping[tuple[str, str], Operation] = {
    ("GET", METRICS.path): METRICS,
    **{(one.method, ROOT + one.path): one for one in OPERATIONS},
}


def application(desk: Desk) -> Application:
    """Return the desk as an application (ASGI); no route is in it that the matrix has not."""
    routes = [Route(rule.path, _answers(desk, rule), methods=[rule.method]) for rule in MATRIX]
    inner = Starlette(routes=routes, exception_handlers={HTTPException: _not_there})
    inner.router.redirect_slashes = False  # to an address that says http, behind a proxy, too
    return Gate(inner, desk.binding, desk.pages)


def _answers(desk: Desk, rule: Rule) -> Callable[[Request], object]:
    """Return what answers a route: a page or, to a program, an operation."""
    operation = CALLS.get((rule.method, rule.path))
    if operation is not None:
        return answering(desk, rule, operation, DONE[operation.name])
    return guarded(desk, rule, HANDLERS[rule.method, rule.path])


async def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if request.url.path.startswith(API):
        headers = error.headers if isinstance(error, HTTPException) else None
        why = (
            "There is no such operation." if status == 404 else "The operation does not take that."
        )
        return problem(status, why, headers=headers)
    why = "There is no such page." if status == 404 else "The page does not take that."
    return rendered(Page("refused.html.j2", {"why": why, "status": status}, status), Visit(None))
