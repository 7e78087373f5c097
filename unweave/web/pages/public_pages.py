"""What anybody may see: whether a certificate holds, what is known of accessibility, a style.

A certificate is checked with this workspace's public key. With its receipt and an id it is checked
whether it speaks of that person; neither is kept, and both stand in no address.
"""

from functools import cache
from typing import Any

from starlette.responses import PlainTextResponse, Response

from lineage_store.errors import BadInput, UnweaveError
from unweave.web.operations.certificates_checked import checked
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import TEMPLATES, Page, rendered
from unweave.web.process.visits import Visit

HOUR = 3600


def show_verify(desk: Desk, visit: Visit) -> Response:
    """Show the form for a certificate."""
    return _verify(desk, visit, None, [])


def verified(desk: Desk, visit: Visit) -> Response:
    """Check a certificate, and say what came of it."""
    certificate, receipt = (visit.form.files.get(name) for name in ("certificate", "receipt"))
    subject = visit.form.maybe("subject")
    if not certificate:
        return _verify(desk, visit, None, [("Choose a certificate.", "certificate")])
    if bool(receipt) != bool(subject):
        why = "A receipt and an id go together: give both, or neither."
        return _verify(desk, visit, None, [(why, "subject" if receipt else "receipt")])
    try:
        found = checked(desk, certificate, receipt=receipt or None, subject=subject)
    except BadInput as error:
        return _verify(desk, visit, None, [(str(error), "certificate")])
    return _verify(desk, visit, found, [])


def accessibility(desk: Desk, visit: Visit) -> Response:
    """Say what was tried for accessibility, and what was not."""
    return rendered(Page("accessibility.html.j2", {}), visit)


def style(desk: Desk, visit: Visit) -> Response:
    """Hand the one style out."""
    return _handed_out("style.css", "text/css")


def script(desk: Desk, visit: Visit) -> Response:
    """Hand the one script out."""
    return _handed_out("live.js", "text/javascript")


def _handed_out(name: str, kind: str) -> Response:
    headers = {"cache-control": f"private, max-age={HOUR}"}
    return Response(_file(name), media_type=f"{kind}; charset=utf-8", headers=headers)


def health(desk: Desk, visit: Visit) -> Response:
    """Say whether the workspace can be read."""
    try:
        with desk.session.reading() as (workspace, connection):
            workspace.keys()
            connection.execute("SELECT 1 FROM events LIMIT 1").fetchone()
    except UnweaveError:
        return PlainTextResponse("not well\n", status_code=503)
    return PlainTextResponse("well\n")


@cache
def _file(name: str) -> bytes:
    return (TEMPLATES / name).read_bytes()


def _verify(
    desk: Desk, visit: Visit, found: dict[str, Any] | None, errors: list[tuple[str, str]]
) -> Response:
    values = {"found": found, "errors": errors}
    page = Page("verify_certificate.html.j2", values, 422 if errors else 200, under="/verify")
    return rendered(page, visit)
