"""Where the desk listens, and to which names it answers.

By itself it speaks to this machine alone, in clear. To be reached from others it takes a
certificate of its own, or a proxy before it that has one and that it trusts to say so. It answers
to the name that it was asked for only: a page of somebody else's that has its own name lead here
(DNS rebinding) is turned away.

Who signs people in elsewhere (OIDC, SAML, LDAP) has a proxy do it, which names the user in a header
of each request. It is believed if it says the secret that it shares with the desk: anybody on this
machine could reach the port past it and write a header.
"""

import hmac
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers

from lineage_store.errors import BadInput
from lineage_store.workspace import password_in

LOCAL = "localhost"
SECRET_HEADER = "X-Desk-Secret"
LEAST_SECRET = 32  # characters
WRITTEN = re.compile(r"[!-~]+")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True)
class ProxySignIn:
    """How a proxy says who was signed in: by which header, and the secret that it is known by."""

    header: str
    secret: str

    def named(self, headers: Headers) -> str | None:
        """Return the name that a proxy says, or None: of what says it twice nothing is believed."""
        secrets, names = headers.getlist(SECRET_HEADER), headers.getlist(self.header)
        if len(secrets) != 1 or len(names) != 1:
            return None
        if not hmac.compare_digest(secrets[0].encode("latin-1"), self.secret.encode("utf-8")):
            return None
        try:
            return names[0].encode("latin-1").decode("utf-8").strip() or None
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True)
class Binding:
    """An address and a port, the names that are answered to, and what stands before it.

    `certificate` and `key` are PEM files. Behind a `proxy` the name is the proxy's; with `sign_in`
    it also says who comes, and nobody signs in here.
    """

    address: str
    port: int
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    proxy: bool = False
    sign_in: ProxySignIn | None = None

    @property
    def secure(self) -> bool:
        """Whether browsers speak to it by TLS."""
        return self.certificate is not None or self.proxy

    @property
    def cookie(self) -> str:
        """What the cookie is called: by TLS one that this very host alone can set (RFC 6265bis)."""
        return "__Host-desk" if self.secure else "desk"

    @property
    def own_cookie(self) -> str:
        """What the cookie is called by which people see their own requests."""
        return "__Host-own" if self.secure else "own"

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser may write as the host that it asks."""
        if self.names:
            return frozenset(
                host
                for name in self.names
                for host in (name.lower(), f"{name}:{self.port}".lower())
            )
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return frozenset(f"{name}:{self.port}" for name in (shown, LOCAL))

    @property
    def home(self) -> str:
        """The address of the desk, as people type it."""
        scheme = "https" if self.secure else "http"
        if not self.names:
            return f"{scheme}://{sorted(self.hosts)[0]}/"
        port = "" if self.proxy else f":{self.port}"
        return f"{scheme}://{self.names[0]}{port}/"


def bind(
    to: str,
    *,
    names: tuple[str, ...] = (),
    certificate: Path | None = None,
    key: Path | None = None,
    proxy: bool = False,
    user_header: str | None = None,
    proxy_secret: Path | None = None,
) -> Binding:
    """Return a binding to ADDRESS:PORT; raises BadInput for one that would not be safe.

    Others than this machine are spoken to by TLS alone: with a certificate and its key, or behind a
    proxy. Then it is said by which names. A proxy that signs people in names its `user_header`, and
    the file of the secret that it shares with the desk.
    """
    address, _, digits = to.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    if not digits.isdecimal() or not 0 < int(digits) < 65536 or not address:
        raise BadInput(f"`bind` is ADDRESS:PORT, 127.0.0.1:8484 say, and not {to!r}.")
    if (certificate is None) != (key is None):
        raise BadInput("A certificate goes with its key: name both with `tls`.")
    for file in (certificate, key):
        if file is not None and not file.is_file():
            raise BadInput(f"The file {file} is not there: name a PEM file.")
    sign_in = _sign_in(user_header, proxy_secret, proxy=proxy)
    found = Binding(address, int(digits), names, certificate, key, proxy, sign_in)
    if not _is_loopback(address) and not found.secure:
        raise BadInput(
            f"The address {address} can be reached from other machines, and people are named here: "
            f"give a certificate with `tls`, or say `trusted_proxy` where a proxy speaks "
            f"TLS before it."
        )
    if found.secure and not names:
        raise BadInput("Say by which name browsers ask for the desk with `name`.")
    return found


def _sign_in(header: str | None, secret: Path | None, *, proxy: bool) -> ProxySignIn | None:
    if header is None and secret is None:
        return None
    if header is None or secret is None or not proxy:
        raise BadInput(
            "A proxy that signs people in is said by three: `trusted_proxy`, `user_header` with "
            "the header that names them, and `proxy_secret` with the file of a secret."
        )
    if not HEADER_NAME.fullmatch(header):
        raise BadInput("`user_header` is the name of a header: letters, digits and hyphens.")
    if header.lower() == SECRET_HEADER.lower():
        raise BadInput(f"{SECRET_HEADER} holds the secret: name people in another header.")
    shared = password_in(secret, named_by="`proxy_secret`")
    if len(shared) < LEAST_SECRET:
        raise BadInput(
            f"The secret that `proxy_secret` names has fewer than {LEAST_SECRET} characters: make "
            f"one with openssl rand -hex 32."
        )
    if not WRITTEN.fullmatch(shared):
        raise BadInput(
            "The secret that `proxy_secret` names has a character that does not pass in a header: "
            "make one with openssl rand -hex 32."
        )
    return ProxySignIn(header, shared)


def _is_loopback(address: str) -> bool:
    if address == LOCAL:
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
