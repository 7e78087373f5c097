"""The requester's own link: 256 random bits by which one person sees how their request stands.

    own_links   request, digest of the link until it is used and of the cookie from then on, the
                public half of the person's key, the private one sealed by the cookie, the pack
                sealed for it, the last day

A link is exchanged for a cookie once. Of both a digest is kept, and nothing in the workspace opens
the pack: the key follows from the link, and after it from the cookie. A new link of a request voids
what there was before, the pack with it.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from lineage_store.keys import seal, unseal
from unweave.web.accounts.sealed_for_one import derived, open_with, public_of, seal_for

LINK_BYTES = 32
DAYS = 90  # from the answer on
Random = Callable[[int], bytes]


@dataclass(frozen=True)
class OwnLinks:
    """The links in an open file of the desk."""

    connection: sqlite3.Connection

    def make(self, request: str, *, random_bytes: Random) -> str:
        """Make a link of a request, and return it; what there was before is void."""
        link = random_bytes(LINK_BYTES)
        self.connection.execute(
            "INSERT OR REPLACE INTO own_links (request, link, public) VALUES (?, ?, ?)",
            (request, _digest(link.hex()), public_of(_private(link))),
        )
        return link.hex()

    def of_link(self, link: str, *, today: str) -> str | None:
        """Return whose link this is, a request, if it was not used."""
        return self._request("link", link, today)

    def of_cookie(self, cookie: str, *, today: str) -> str | None:
        """Return whose cookie this is, a request."""
        return self._request("cookie", cookie, today)

    def exchange(self, link: str, *, today: str, random_bytes: Random) -> str | None:
        """Return a cookie for a link, once."""
        request = self.of_link(link, today=today)
        if request is None:
            return None
        cookie = random_bytes(LINK_BYTES)
        private = seal(
            {"private": _private(bytes.fromhex(link)).hex()},
            key=derived(cookie, "own key"),
            belongs_to=f"own link {request}",
            random_bytes=random_bytes,
        )
        taken = self.connection.execute(
            "UPDATE own_links SET link = NULL, cookie = ?, private = ? WHERE link = ?",
            (_digest(cookie.hex()), private, _digest(link)),
        )
        return cookie.hex() if taken.rowcount else None

    def answered(
        self, request: str, pack: bytes | None, *, until: str, random_bytes: Random
    ) -> None:
        """Keep what was sent for the person alone, and end their link with a day."""
        row = self.connection.execute(
            "SELECT public FROM own_links WHERE request = ?", (request,)
        ).fetchone()
        if row is None:
            return
        sealed = None
        if pack is not None:
            sealed = seal_for(
                row["public"], pack, belongs_to=f"own pack {request}", random_bytes=random_bytes
            )
        self.connection.execute(
            "UPDATE own_links SET pack = coalesce(?, pack), until = ? WHERE request = ?",
            (sealed, until, request),
        )

    def has_pack(self, request: str) -> bool:
        """Say whether there is something to be fetched."""
        found = self.connection.execute(
            "SELECT pack IS NOT NULL FROM own_links WHERE request = ?", (request,)
        ).fetchone()
        return bool(found and found[0])

    def pack_of(self, cookie: str, *, today: str) -> bytes | None:
        """Return what was sent to whoever has a cookie."""
        request = self.of_cookie(cookie, today=today)
        row = self.connection.execute(
            "SELECT private, pack FROM own_links WHERE request = ?", (request,)
        ).fetchone()
        if row is None or row["pack"] is None:
            return None
        key = derived(bytes.fromhex(cookie), "own key")
        kept = unseal(row["private"], key=key, belongs_to=f"own link {request}")
        private = bytes.fromhex(kept["private"])
        return open_with(private, row["pack"], belongs_to=f"own pack {request}")

    def end(self, request: str) -> None:
        """End the link of a request."""
        self.connection.execute("DELETE FROM own_links WHERE request = ?", (request,))

    def end_over(self, *, today: str) -> None:
        """End the links whose last day has passed."""
        self.connection.execute("DELETE FROM own_links WHERE until < ?", (today,))

    def _request(self, column: str, given: str, today: str) -> str | None:
        row = self.connection.execute(
            f"SELECT request FROM own_links WHERE {column} = ? AND (until IS NULL OR until >= ?)",
            (_digest(given), today),
        ).fetchone()
        return None if row is None else str(row["request"])


def last_day(time: str) -> str:
    """Return the last day of a link to a request that was answered at a time."""
    return (date.fromisoformat(time[:10]) + timedelta(days=DAYS)).isoformat()


def _private(link: bytes) -> bytes:
    return derived(link, "own link")


def _digest(given: str) -> bytes:
    return hashlib.sha256(b"own link" + given.encode("utf-8", "surrogatepass")).digest()
