"""Where the desk listens, and to which names it answers.

By itself it speaks to this machine alone, in clear. To be reached from others it takes a
certificate of its own, or a proxy before it that has one and that it trusts to say so. It answers
to the name that it was asked for only: a page of somebody else's that has its own name lead here
(DNS rebinding) is turned away.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from lineage_store.errors import BadInput

LOCAL = "localhost"


@dataclass(frozen=True)
class Binding:
    """An address and a port, the names that are answered to, and what stands before it.

    `certificate` and `key` are PEM files. Behind a `proxy` the name is the proxy's.
    """

    address: str
    port: int
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    proxy: bool = False

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
) -> Binding:
    """Return a binding to ADDRESS:PORT; raises BadInput for one that would not be safe.

    Others than this machine are spoken to by TLS alone: with a certificate and its key, or behind a
    proxy. Then it is said by which names.
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
    found = Binding(address, int(digits), names, certificate, key, proxy)
    if not _is_loopback(address) and not found.secure:
        raise BadInput(
            f"The address {address} can be reached from other machines, and people are named here: "
            f"give a certificate with `tls`, or say `trusted_proxy` where a proxy speaks "
            f"TLS before it."
        )
    if found.secure and not names:
        raise BadInput("Say by which name browsers ask for the desk with `name`.")
    return found


def _is_loopback(address: str) -> bool:
    if address == LOCAL:
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
