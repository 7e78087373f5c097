"""What a queued request says in words: ids, names and free text, which nobody else may read.

They lie sealed in the queue (`sealed.py`), each bound to its request, and go when it ends.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lineage_store.keys.sealed import seal, unseal


@dataclass(frozen=True)
class NearMatch:
    """An id that looks like the same subject's: why, and how many rows live models hold of it."""

    id: str
    why: str
    rows: int


@dataclass(frozen=True)
class Details:
    """The personal part of a request; `near` are the matches that wait for an answer."""

    ids: tuple[str, ...]
    near: tuple[NearMatch, ...] = ()
    reason: str | None = None
    legal_basis: str | None = None
    requester: str | None = None
    verified_by: str | None = None
    verified_how: str | None = None
    added_by: str | None = None
    approved_by: str | None = None
    hold_reason: str | None = None

    def with_ids(self, more: tuple[str, ...]) -> "Details":
        """Return the details with more ids, and no question left."""
        return replace(self, ids=tuple(dict.fromkeys((*self.ids, *more))), near=())

    def text(self) -> dict[str, Any]:
        """Return the free text as JSON, without ids."""
        return {k: v for k, v in asdict(self).items() if k not in ("ids", "near")}

    def asker(self, *, day: str, key: bytes) -> str:
        """Return a keyed digest of who asks, on a day: the requester, or else who added it.

        Case and spaces do not matter.
        """
        name = " ".join((self.requester or self.added_by or "").casefold().split())
        return hmac.digest(key, f"asker {day} {name}".encode(), "sha256").hex()

    def sealed(self, request: str, *, key: bytes, random_bytes: Callable[[int], bytes]) -> bytes:
        """Return the details sealed for a request."""
        value = asdict(self) | {"ids": list(self.ids), "near": [asdict(n) for n in self.near]}
        return seal(value, key=key, belongs_to=f"request {request}", random_bytes=random_bytes)


def open_details(sealed: bytes, request: str, *, key: bytes) -> Details:
    """Read a request's details; raises BadInput if the secret is another one."""
    value: Mapping[str, Any] = unseal(sealed, key=key, belongs_to=f"request {request}")
    near = tuple(NearMatch(**item) for item in value["near"])
    return Details(**{**value, "ids": tuple(value["ids"]), "near": near})
