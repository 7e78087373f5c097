"""The server by which letters are sent: set and ended by an owner; its password is not shown."""

from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput
from unweave.web.accounts.mail_server import SECURITIES, MailServer, port_of
from unweave.web.mail.letters_mailed import end_mail_server, mail_server_there, set_mail_server
from unweave.web.process.desk import Desk
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.visits import FieldMissing, Form, Visit

NOTES = {
    "kept": "Letters can be sent by this server from now on.",
    "ended": "No letter goes by mail any more. What waited is still written, to be handed over.",
}
SPOKEN = {
    "starttls": "TLS is asked for first (STARTTLS)",
    "tls": "by TLS from the first byte",
    "none": "in clear, on this very machine",
}
CHOICES = [(one, SPOKEN[one]) for one in ("starttls", "tls")]
MISSING = {
    "host": "Say what the server is called.",
    "port": "Say its port.",
    "sender": "Say from which address letters come.",
    "security": "Say how it is spoken to.",
}
FIELDS = ("host", "port", "security", "sender", "user")
# Of an error the word, and the field that it is about.
ABOUT = {"port": "port", "sender": "sender", "password": "password"}


def show(desk: Desk, visit: Visit) -> Response:
    """Show the server."""
    return _page(desk, visit, {"result": NOTES.get(visit.query.get("done", ""))})


def keep(desk: Desk, visit: Visit) -> Response:
    """Send letters by a server from now on."""
    try:
        set_mail_server(desk, visit.who, _server(visit.form))
    except FieldMissing as error:
        return _page(desk, visit, {"errors": [(MISSING[error.name], error.name)]}, 422)
    except BadInput as error:
        words = str(error).lower()
        at = next((name for word, name in ABOUT.items() if word in words), "host")
        return _page(desk, visit, {"errors": [(str(error), at)]}, 422)
    return see("/settings/mail?done=kept#result")


def end(desk: Desk, visit: Visit) -> Response:
    """Send nothing by mail any more."""
    end_mail_server(desk, visit.who)
    return see("/settings/mail?done=ended#result")


def _server(form: Form) -> MailServer:
    security = next((one for one in SECURITIES if one == form.maybe("security")), None)
    if security is None:
        raise FieldMissing("security")
    return MailServer(
        host=form.text("host"),
        port=port_of(form.text("port")),
        security=security,
        sender=form.text("sender"),
        user=form.maybe("user"),
        password=form.maybe("password"),
    )


def _page(desk: Desk, visit: Visit, values: dict[str, Any], status: int = 200) -> Response:
    typed = {name: visit.form.values.get(name, ("",))[0] for name in FIELDS}
    ours = {
        "server": mail_server_there(desk),
        "typed": typed | {"port": typed["port"] or "587"},
        "spoken": SPOKEN,
        "choices": CHOICES,
    }
    return rendered(Page("mail.html.j2", ours | values, status, under="/settings"), visit)
