"""`unweave mail`: the server by which letters are sent, and what waits sent by it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unweave.commands.requests.serve import DEFAULT, users_of
from unweave.options.once import Commands, Once
from unweave.options.shared import JSON, WAIT, WORKSPACE
from unweave.text.printed import say, say_json

if TYPE_CHECKING:
    from unweave.web.process.desk import Desk


@click.group(cls=Commands)
def mail() -> None:
    """Send letters by a server for mail (SMTP), once an officer says to whom."""


@mail.command(cls=Once, name="set")
@WORKSPACE
@click.argument("host")
@click.option(
    "--sender", required=True, metavar="ADDRESS", help="The address that letters come from."
)
@click.option("--port", type=int, default=587, show_default=True, help="The server's port.")
@click.option("--security", type=click.Choice(("starttls", "tls", "none")), default="starttls",
              show_default=True, help="How what is sent is encrypted.")  # fmt: skip
@click.option("--user", metavar="NAME", help="The user name there.")
@click.option("--password-file", type=click.File(encoding="utf-8"), metavar="FILE",
              help="The password, in the first line of a file (- for standard input).")  # fmt: skip
@click.option("--local", is_flag=True, help="It is within a network of its own.")
@WAIT
@JSON
def set_(
    workspace: Path,
    host: str,
    sender: str,
    port: int,
    security: Any,
    user: str | None,
    password_file: Any,
    local: bool,
    wait: int,
    as_json: bool,
) -> None:
    """Have letters sent by a server from now on."""
    from unweave.web.accounts.mail_server import MailServer

    password = None if password_file is None else password_file.readline().rstrip("\r\n")
    server = MailServer(
        host=host,
        port=port,
        security=security,
        sender=sender,
        user=user,
        password=password,
        local=local,
    )
    _told(users_of(workspace, wait).set_mail_server(server), as_json)


@mail.command(cls=Once)
@WORKSPACE
@JSON
def show(workspace: Path, as_json: bool) -> None:
    """Say by which server letters are sent, but for its password."""
    from unweave.web.mail.letters_mailed import mail_server_there

    _told(mail_server_there(_desk(workspace)), as_json)


@mail.command(cls=Once)
@WORKSPACE
@WAIT
@JSON
def end(workspace: Path, wait: int, as_json: bool) -> None:
    """Send nothing by mail any more; what waited stays written."""
    _told(users_of(workspace, wait).end_mail_server(), as_json)


@mail.command(cls=Once)
@WORKSPACE
@JSON
def deliver(workspace: Path, as_json: bool) -> None:
    """Send what waits: the desk does so by itself while it is served."""
    from unweave.web.mail.letters_mailed import send_mails

    answer = send_mails(_desk(workspace))
    if as_json:
        say_json(answer)
        return
    say(f"{answer['sent']} sent, {answer['failed']} not taken yet, {answer['refused']} refused.")


def _told(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(answer)
    elif answer["host"] is None:
        say("No letter goes by mail: `unweave mail set` sets a server.")
    else:
        by = "" if answer["user"] is None else f", as {answer['user']}"
        say(f"Letters go from {answer['sender']} by {answer['host']}:{answer['port']}{by}.")


def _desk(workspace: Path) -> "Desk":
    from unweave.web.process.bindings import bind
    from unweave.web.process.desk import Desk

    return Desk(root=workspace, binding=bind(DEFAULT))
