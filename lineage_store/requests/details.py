"""What a queued request says in words: ids, names and free text, which nobody else may read.

They lie sealed in the queue (`sealed.py`), each bound to its request, and go when it ends.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.keys.sealed import seal, unseal

NUMBER = re.compile("[0-9]{1,3}")
NOT_TEXT = ("ids", "near", "answered", "offered", "first")


@dataclass(frozen=True)
class NearMatch:
    """An id that looks like the same subject's: why, and how many rows live models hold of it.

    One that is `sealed` was not read in a file that somebody named, but is known to the workspace
    alone: it is shown on a terminal, and nowhere else.
    """

    id: str
    why: str
    rows: int
    sealed: bool = False


@dataclass(frozen=True)
class Details:
    """The personal part of a request; `near` are the matches that wait for an answer, numbered.

    A `fee` that is asked for is an amount, in words, and has a reason.
    `came_by` is the way that the request came, and so the way that its answer goes.
    `answered` says that somebody has said who is meant; until the run the answer may be another, so
    that `offered` keeps what it was chosen from, and `first` the ids before it.
    """

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
    doubt: str | None = None
    came_by: str | None = None
    fee: str | None = None
    fee_reason: str | None = None
    answered: bool = False
    offered: tuple[NearMatch, ...] = ()
    first: tuple[str, ...] = ()

    def meant_by(self, also: Sequence[str], *, not_offered: bool = False) -> tuple[str, ...]:
        """Return the ids that an answer names: by the numbers of matches, or as they are.

        Raises BadInput for the number of none, and for an id that is none of the matches' unless it
        may be one that was `not_offered`: it might be another person's.
        """
        return tuple(self._meant_by(name, not_offered=not_offered) for name in also)

    def _meant_by(self, name: str, *, not_offered: bool) -> str:
        if not self.near or not NUMBER.fullmatch(name):
            if name not in {one.id for one in self.near} and not not_offered:
                raise BadInput(
                    "An id that `also` names is none of those that look alike: mind its spelling. "
                    "If it is meant all the same, say `not_offered`."
                )
            return name
        number = int(name)
        if not 0 < number <= len(self.near):
            raise BadInput(
                f"None of the {len(self.near)} ids that look alike has the number {number}: "
                f"`also` takes the numbers that are listed."
            )
        return self.near[number - 1].id

    def with_ids(self, more: tuple[str, ...]) -> "Details":
        """Return the details with more ids, and no question left."""
        ids = tuple(dict.fromkeys((*self.ids, *more)))
        return replace(self, ids=ids, near=(), answered=True, offered=self.near, first=self.ids)

    def asked_again(self) -> "Details":
        """Return the details as they were before the answer, if there was one."""
        if not self.offered:
            return self
        return replace(self, ids=self.first, near=self.offered, offered=(), first=())

    def text(self) -> dict[str, Any]:
        """Return the free text as JSON, without ids."""
        return {k: v for k, v in asdict(self).items() if k not in NOT_TEXT}

    def asker(self, *, day: str, key: bytes) -> str:
        """Return a keyed digest of who asks, on a day: the requester, or else who added it.

        Case and spaces do not matter.
        """
        name = " ".join((self.requester or self.added_by or "").casefold().split())
        return hmac.digest(key, f"asker {day} {name}".encode(), "sha256").hex()

    @staticmethod
    def adder(user: str, *, day: str, key: bytes) -> str:
        """Return a keyed digest of the user or sender who adds requests, on a day."""
        return hmac.digest(key, f"adder {day} {user}".encode(), "sha256").hex()

    def is_of(self, name: str) -> bool:
        """Say whether somebody asked for it or added it; case and spaces do not matter."""
        them = (one.casefold().split() for one in (self.requester, self.added_by) if one)
        return name.casefold().split() in them

    def sealed(self, request: str, *, key: bytes, random_bytes: Callable[[int], bytes]) -> bytes:
        """Return the details sealed for a request."""
        value = asdict(self) | {
            "ids": list(self.ids),
            "first": list(self.first),
            "near": [asdict(n) for n in self.near],
            "offered": [asdict(n) for n in self.offered],
        }
        return seal(value, key=key, belongs_to=f"request {request}", random_bytes=random_bytes)


def open_details(sealed: bytes, request: str, *, key: bytes) -> Details:
    """Read a request's details; raises BadInput if the secret is another one."""
    value: Mapping[str, Any] = unseal(sealed, key=key, belongs_to=f"request {request}")
    near = tuple(NearMatch(**item) for item in value["near"])
    offered = tuple(NearMatch(**item) for item in value.get("offered", ()))
    ids, first = tuple(value["ids"]), tuple(value.get("first", ()))
    return Details(**{**value, "ids": ids, "near": near, "offered": offered, "first": first})
