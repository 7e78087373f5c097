"""A mail is handed to the server (SMTP, RFC 5321), by TLS, at an address that was looked at before.

What the server says is not repeated anywhere: it has the person's address in it. What counts is
whether it took the mail, will not take it ever (5yz of the mail itself), or may take it later.
"""

import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from threading import Timer

from unweave.web.accounts.mail_server import MailServer
from unweave.web.process.outgoing import NotReached, connected, resolved

SECONDS = 20.0  # for each step
ALL_SECONDS = 60.0  # for the whole of it
NEVER = range(500, 600)


class MailRefused(Exception):
    """The server says that it will not take this mail, now or later."""


def post_mail(server: MailServer, mail: bytes, *, to: str) -> None:
    """Hand a mail over; raises MailRefused, and NotReached for what may go well later."""
    try:
        at = resolved(server.host, server.port, local=server.local)
        if server.security == "none":
            _must_be_this_machine(at)
        with _Pinned(server, at) as connection:
            ends = Timer(ALL_SECONDS, connection.give_up)
            ends.start()
            try:
                _hand_over(connection, server, mail, to)
            finally:
                ends.cancel()
    except smtplib.SMTPRecipientsRefused as error:
        (code, _), *_ = error.recipients.values()
        raise (MailRefused if code in NEVER else NotReached)(f"status {code}") from None
    except smtplib.SMTPDataError as error:
        raise (MailRefused if error.smtp_code in NEVER else NotReached)(
            f"status {error.smtp_code}"
        ) from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise NotReached(type(error).__name__) from None


def _hand_over(connection: "_Pinned", server: MailServer, mail: bytes, to: str) -> None:
    if server.security == "starttls":
        connection.starttls(context=ssl.create_default_context())  # or it raises: never in clear
    if server.user is not None and server.password is not None:
        connection.login(server.user, server.password)
    connection.sendmail(server.sender, [to], mail)


def _must_be_this_machine(at: Sequence[str]) -> None:
    if not all(one.startswith("127.") or one == "::1" for one in at):
        raise NotReached("in clear it goes to this machine alone")


class _Pinned(smtplib.SMTP):
    """A connection to addresses of IP; its certificate is held against the server's name."""

    def __init__(self, server: MailServer, at: Sequence[str]) -> None:
        self._at, self._by_tls = at, server.security == "tls"
        # What it says of itself is the sender's domain: the machine's own name is nobody's concern.
        super().__init__(
            server.host,
            server.port,
            local_hostname=server.sender.partition("@")[2],
            timeout=SECONDS,
        )

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = connected(self._at, port, timeout)
        if not self._by_tls:
            return sock
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)

    def give_up(self) -> None:
        """End it, wherever it stands: a server that answers a letter a second would never end."""
        sock = self.sock
        if sock is not None:
            with suppress(OSError):  # it has ended by itself
                sock.shutdown(socket.SHUT_RDWR)
