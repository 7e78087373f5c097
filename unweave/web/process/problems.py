"""Errors as a program reads them: problem details of RFC 9457.

A problem has the status, its name and one sentence. Where fields of a body are wrong, `errors` says
which, and why: never what was in them, since it may be somebody's id.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from lineage_store.errors import CheckFailed, NothingFound, UnweaveError, WorkspaceBusy
from unweave.web.process.clerk import ClerkFailed

API = "/api/"  # under which answers are for programs
MEDIA = "application/problem+json"
STATUS: Mapping[type[UnweaveError], int] = {
    NothingFound: 404,
    WorkspaceBusy: 503,
    ClerkFailed: 500,
    CheckFailed: 409,
}


def status_of(error: UnweaveError) -> int:
    """Return the status by which an error is answered."""
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 422)


def problem_bytes(status: int, why: str, more: Mapping[str, Any] | None = None) -> bytes:
    """Return a problem as it is sent."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return json.dumps({**told, "detail": why, **(more or {})}).encode("utf-8")


def problem(
    status: int,
    why: str,
    *,
    errors: Sequence[tuple[str, str]] = (),
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem; `errors` are fields and what is wrong with each."""
    fields = {"errors": [{"field": name, "why": wrong} for name, wrong in errors]} if errors else {}
    content = problem_bytes(status, why, {**fields, **(more or {})})
    return Response(content, status_code=status, media_type=MEDIA, headers=dict(headers or {}))
