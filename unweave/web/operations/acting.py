"""What is done to a request: by who is signed in, never by a name that is given.

All of it is done by a command in a process of its own, as the command line would do it; and where
the request was filed in other workspaces, it is carried over to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.rights import RIGHTS
from unweave.web.accounts.users import User
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import empty
from unweave.web.several.keeping_up import keep_up
from unweave.web.several.part_states import part_in, parts_of

Answer = dict[str, Any]
# What may be said of a request when it is filed, besides whom it is about and by what right.
WORDS = ("requester", "reason", "legal_basis", "came_by", "verified_how")
SAID = (*WORDS, "ground", "received", "deadline")


@dataclass(frozen=True)
class Filing:
    """A request to be filed: about whom, by what right, and what is said of it (`SAID`)."""

    ids: Sequence[str]
    right: str
    rows: bool = False
    long_ago: bool = False
    said: Mapping[str, str] = field(default_factory=dict)


def file_request(desk: Desk, user: User, filing: Filing) -> Answer:
    """File a request; who says how the person was verified is who verified it."""
    if filing.right not in RIGHTS:
        raise BadInput("There is no such right.")
    said = {name: value for name, value in filing.said.items() if name in SAID}
    verified = {"verified_by": user.name} if "verified_how" in said else {}
    asked = {"ids": list(filing.ids), "rows": filing.rows, "right": filing.right}
    more = {"long_ago": filing.long_ago, "by": user.name}
    told = have_done(desk, "add", {**asked, **said, **verified, **more})
    keep_up(desk, by=user.name, request=told["request"])
    return told


def act_in(
    desk: Desk, user: User, request: str, workspace: str, operation: str, said: Mapping[str, Any]
) -> Answer:
    """Have an operation done to the part of a request in another workspace, by its number."""
    there, part = part_in(desk, request, workspace)
    return have_done(there, operation, {"request": part, **said, "by": user.name})


def try_again(desk: Desk, user: User, request: str) -> None:
    """File in other workspaces what is not filed, and carry over what is behind.

    Raises BadInput with what could not be done, and why.
    """
    failed = keep_up(desk, by=user.name, request=request)
    unreached = [one.why for one in parts_of(desk, request) if one.told is None and one.why]
    whys = dict.fromkeys([*(one.why for one in failed), *unreached])
    if whys:
        raise BadInput(" ".join(whys))


def act(desk: Desk, user: User, request: str, operation: str, said: Mapping[str, Any]) -> Answer:
    """Have an operation done to a request, and return what the command says: it names people.

    One that is taken back takes what was written to be sent with it, which names the person.
    """
    answer = have_done(desk, operation, {"request": request, **said, "by": user.name})
    if operation == "cancel":
        empty(desk, request)
    keep_up(desk, by=user.name, request=request)
    return answer
