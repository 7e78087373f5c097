"""What the desk sends to other machines: one POST, to an address that was looked at before.

Whoever names an address could have the desk ask what only it can reach: itself, its network, the
cloud's metadata (SSRF). So a name is resolved once, every address that it has must be a public one,
and that very address is connected to: no second look-up, no redirect, no proxy of the environment.
With `local`, whoever added it said that it is within.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from urllib.parse import urlsplit

from lineage_store.errors import BadInput

LONGEST = 2_000  # characters of an address
SECONDS = 10.0  # for each step of a POST
ALL_SECONDS = 30.0  # for the whole of it
TRIED = 4  # addresses of a name
# Within these an address of IPv4 is hidden, which may be any.
HIDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96")))


class NotReached(Exception):
    """It was not taken: the machine cannot be reached, must not be asked, or said so."""


@dataclass(frozen=True)
class Address:
    """An address to which something is posted; `local` lets it be within one's own network."""

    url: str
    local: bool = False

    def __post_init__(self) -> None:
        """Raise BadInput for one that will not do; what it is, is not said."""
        if len(self.url) > LONGEST or not self.url.isascii() or not self.url.isprintable():
            raise BadInput("An address has printable letters of ASCII, 2,000 at most.")
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise BadInput("That is no address.") from error
        if parts.scheme not in (("https", "http") if self.local else ("https",)):
            raise BadInput("An address begins with https://, or is said to be `local`.")
        if not parts.hostname or " " in self.url or port == 0 or "@" in parts.netloc:
            raise BadInput("An address names a host, and no user.")
        if parts.fragment:
            raise BadInput("An address ends before its #.")

    @property
    def secure(self) -> bool:
        """Whether it is spoken to by TLS."""
        return self.url.startswith("https:")

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port that is asked."""
        return urlsplit(self.url).port or (443 if self.secure else 80)

    @property
    def target(self) -> str:
        """What is asked of the host."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def post(address: Address, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a body; raises NotReached unless it was taken (2xx). What is answered is not read."""
    try:
        to = resolved(address.host, address.port, local=address.local)
        connection = _Pinned(address, to)
        ends = Timer(ALL_SECONDS, connection.give_up)
        ends.start()
        try:
            connection.request("POST", address.target, body, dict(headers))
            status = connection.getresponse().status
        finally:
            ends.cancel()
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotReached(type(error).__name__) from error
    if not 200 <= status < 300:
        raise NotReached(f"status {status}")


def is_public(text: str) -> bool:
    """Say whether an address of IP is one that everybody can ask."""
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in network for network in HIDING):
            return False
    return found.is_global and not found.is_multicast


def resolved(host: str, port: int, *, local: bool) -> tuple[str, ...]:
    """Look a host up, once, and return the addresses of IP to connect to, the best first.

    Raises NotReached if any of its addresses is not public, unless it may be local.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    known = tuple(str(one[4][0]) for one in found)
    if not local and not all(map(is_public, known)):
        raise NotReached("the address is within a network of its own")
    return known


def connected(to: Sequence[str], port: int, seconds: float) -> socket.socket:
    """Connect to the first of these addresses that answers; raises OSError if none does.

    A name may stand for one of each version of IP, of which not every machine reaches both. Of
    many, some are tried, within the same seconds: a name of somebody else's must not keep the desk
    busy.
    """
    *others, last = tried = to[:TRIED]
    each = seconds / len(tried)
    for one in others:
        with suppress(OSError):
            return socket.create_connection((one, port), each)
    return socket.create_connection((last, port), each)


class _Pinned(http.client.HTTPConnection):
    """A connection to addresses of IP, which are spoken to by the name that was looked up."""

    def __init__(self, address: Address, to: Sequence[str]) -> None:
        super().__init__(address.host, address.port, timeout=SECONDS)
        self.default_port = 443 if address.secure else 80
        self._address, self._to = address, to

    def connect(self) -> None:
        """Connect to one of them, and to no other that the name may have by now."""
        self.sock = connected(self._to, self._address.port, SECONDS)
        if self._address.secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._address.host)

    def give_up(self) -> None:
        """End it, wherever it stands: one that answers a letter a second would never end."""
        sock = self.sock
        if sock is not None:
            with suppress(OSError):  # it has ended by itself
                sock.shutdown(socket.SHUT_RDWR)
