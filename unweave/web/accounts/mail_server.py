"""The server by which letters are sent: where it is, how it is spoken to, and as whom; sealed.

Letters name people, so they go by TLS alone; in clear they go to this very machine, where a relay
may wait for them, and nowhere else.
"""

import ipaddress
import re
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from lineage_store.errors import BadInput
from lineage_store.keys import Keys, seal, unseal

Security = Literal["tls", "starttls", "none"]
SECURITIES: tuple[Security, ...] = get_args(Security)
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45}")
# As people have them: no quotes, no route, no comment. What stands here stands in a header.
MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9][A-Za-z0-9-]{0,62}\.)*"
    r"[A-Za-z0-9][A-Za-z0-9-]{0,62}"
)
LONGEST = 254  # characters of an address (RFC 5321)
LONGEST_SECRET = 1_000
BELONGS_TO = "desk mail server"


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """A server for mail (SMTP): letters come from `sender`; `local` lets it be within a network.

    `security` is `tls` from the first byte, `starttls`, or `none` on this very machine. With a
    `user` it is told a password, by TLS alone.
    """

    host: str
    port: int
    security: Security
    sender: str
    user: str | None = None
    password: str | None = None
    local: bool = False

    def __post_init__(self) -> None:
        """Raise BadInput for one that will not do; what was given is not said."""
        if not HOST.fullmatch(self.host):
            raise BadInput("A mail server has a name of letters, digits, dots and hyphens.")
        if not 0 < self.port < 65536:
            raise BadInput("A port is a number of 1 to 65535: 465 with `tls`, 587 with `starttls`.")
        if self.security not in SECURITIES:
            raise BadInput(f"The security is one of {', '.join(SECURITIES)}.")
        if not is_mail_address(self.sender):
            raise BadInput("The sender is no address for mail: write desk@example.com.")
        if (self.user is None) != (self.password is None):
            raise BadInput("A user of a mail server goes with a password.")
        for text in (self.user, self.password):
            if text is not None and not (text.isprintable() and len(text) <= LONGEST_SECRET):
                raise BadInput("User and password have letters that can be seen, 1,000 at most.")
        if self.security == "none" and not (self.local and _is_this_machine(self.host)):
            raise BadInput(
                "In clear letters go to this machine alone, and that is said by the command line: "
                "speak to the server by `tls` or `starttls`."
            )
        if self.security == "none" and self.user is not None:
            raise BadInput("No password is told in clear: take `tls` or `starttls`.")


def is_mail_address(text: str) -> bool:
    """Say whether a text is one address for mail, in ASCII."""
    local, _, _ = text.partition("@")
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    return len(text) <= LONGEST and not dots and MAIL_ADDRESS.fullmatch(text) is not None


def port_of(text: str) -> int:
    """Return a port that was typed; raises BadInput for what is none."""
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise BadInput("A port is a number of 1 to 65535: 465 with `tls`, 587 with `starttls`.")
    return int(text)


@dataclass(frozen=True)
class MailServerKept:
    """The mail server in an open file of the desk."""

    connection: sqlite3.Connection
    keys: Keys

    def keep(self, server: MailServer, *, random_bytes: Callable[[int], bytes]) -> None:
        """Keep a server, in place of one that was there."""
        sealed = seal(
            asdict(server),
            key=self.keys.requests,
            belongs_to=BELONGS_TO,
            random_bytes=random_bytes,
        )
        self.connection.execute("INSERT OR REPLACE INTO mail_server VALUES (1, ?)", (sealed,))

    def get(self) -> MailServer | None:
        """Return the server, None if there is none."""
        row = self.connection.execute("SELECT sealed FROM mail_server").fetchone()
        if row is None:
            return None
        kept = unseal(row["sealed"], key=self.keys.requests, belongs_to=BELONGS_TO)
        return MailServer(**kept)

    def end(self) -> bool:
        """Forget the server; say whether there was one."""
        return self.connection.execute("DELETE FROM mail_server").rowcount > 0


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
