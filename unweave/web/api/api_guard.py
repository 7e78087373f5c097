"""The guard of the API: whose token, may they, is what was sent as the table says? Then the answer.

A cookie is worth nothing here, so no page of anybody can ask by it. Whatever is wrong is a problem
(RFC 9457); what is logged of a call is its route as it stands in the table, and its status.
"""

import json
import logging
import re
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

from anyio import fail_after
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from lineage_store.errors import UnweaveError
from unweave.session.unforeseen import sentence, write_details
from unweave.web.accounts.users import User
from unweave.web.api.asked_again import as_json, once
from unweave.web.api.body_fields import wrong_in_body, wrong_in_query
from unweave.web.api.calls import Call, Handler
from unweave.web.api.openapi import UUID
from unweave.web.api.operations_table import PLACES, Operation
from unweave.web.process.desk import Desk
from unweave.web.process.headers import TooLarge
from unweave.web.process.matrix import PUBLIC, Rule
from unweave.web.process.problems import problem, status_of

LOG = logging.getLogger("unweave.desk")
SLOWEST = 60.0  # seconds within which a body comes in
LARGEST_BODY = 1 << 20  # bytes of a body without files
LONGEST_TOKEN = 200  # characters
CHALLENGE = {"www-authenticate": 'Bearer realm="unweave"'}


def answering(
    desk: Desk, rule: Rule, operation: Operation, handler: Handler
) -> Callable[[Request], object]:
    """Return what answers an operation."""

    async def answer(request: Request) -> Response:
        began = monotonic()
        try:
            with fail_after(SLOWEST):
                body = await _body(request, operation)
        except (ClientDisconnect, TimeoutError):  # nobody is there to read an answer
            response = problem(408, "The body did not come in time.")
        except TooLarge:
            most = 16 if operation.large else 1
            response = problem(413, f"What was sent is larger than {most} MiB.")
        else:
            response = await run_in_threadpool(
                _answer, desk, rule, operation, handler, request, body
            )
        LOG.info("%s %s %s %.0f ms", rule.method, rule.path, response.status_code,
                 1000 * (monotonic() - began))  # fmt: skip
        return response

    return answer


async def _body(request: Request, operation: Operation) -> bytes:
    sent = bytearray()
    async for piece in request.stream():
        sent += piece
        if len(sent) > LARGEST_BODY and not operation.large:
            raise TooLarge
    return bytes(sent)


def _answer(
    desk: Desk, rule: Rule, operation: Operation, handler: Handler, request: Request, body: bytes
) -> Response:
    try:
        user = _user(desk, request)
        if rule.roles != PUBLIC and user is None:
            return problem(401, "Say who asks by a token that has not ended.", headers=CHALLENGE)
        if rule.roles != PUBLIC and user is not None and user.role not in rule.roles:
            return problem(403, "The role of this token does not let it do or see this.")
        said = _said(operation, request, body)
        if isinstance(said, Response):
            return said
        usual = {one.name: one.usual for one in operation.query}
        call = Call(
            user=user,
            path={name: str(value) for name, value in request.path_params.items()},
            query=usual | dict(request.query_params),
            said=said,
        )
        if operation.changes and user is not None:
            return _once(desk, user, operation, handler, call, request, body)
        answer = handler(desk, call)
        return answer if isinstance(answer, Response) else as_json(answer, operation.status)
    except UnweaveError as error:
        return problem(status_of(error), str(error))
    except Exception as error:  # the one place for whatever nobody foresaw
        details = write_details(error, workspace=desk.root, command=f"desk {rule.path}")
        return problem(500, sentence(error, details))


def _once(
    desk: Desk,
    user: User,
    operation: Operation,
    handler: Handler,
    call: Call,
    request: Request,
    body: bytes,
) -> Response:
    def do() -> dict[str, Any]:
        answer = handler(desk, call)
        assert isinstance(answer, dict), "what changes something answers JSON"
        return answer

    key = request.headers.get("idempotency-key", "")
    if not re.fullmatch(UUID, key):
        return problem(400, "What changes something has an `Idempotency-Key`, a UUID.")
    places = (one for _, one in sorted(call.path.items()))
    route = " ".join((operation.name, *places))
    doing = partial(once, route=route, status=operation.status, body=body, do=do)
    return doing(desk, user, key)


def _user(desk: Desk, request: Request) -> User | None:
    """Return whose token was sent; a cookie, or two tokens, are none."""
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST_TOKEN:
        return None
    with desk.accounts() as accounts:
        return accounts.tokens.user_of(token, today=desk.today)


def _said(operation: Operation, request: Request, body: bytes) -> dict[str, Any] | Response:
    """Return the fields of a body that are as the table has them; or the problem that they are."""
    for name, value in request.path_params.items():
        if not re.fullmatch(PLACES[name], value):
            return problem(404, f"There is no such {name}.")
    if wrong := wrong_in_query(operation.query, request.query_params.multi_items()):
        return problem(400, "The query is not as the description has it.", errors=wrong)
    said: Any = {}
    if body:
        kind = request.headers.get("content-type", "").lower().replace(" ", "")
        if kind not in ("application/json", "application/json;charset=utf-8"):
            return problem(415, "A body is JSON (application/json).")
        try:
            said = json.loads(body, object_pairs_hook=_object, parse_constant=_constant)
        except (ValueError, RecursionError):
            return problem(400, "The body is no JSON.")
    if not isinstance(said, dict):
        return problem(400, "The body is no JSON object.")
    if wrong := wrong_in_body(operation.body, said):
        return problem(422, "The body is not as the description has it.", errors=wrong)
    return {name: value for name, value in said.items() if value is not None}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose names are all different: of two that are the same, which is meant?"""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _constant(name: str) -> None:
    raise ValueError(name)
