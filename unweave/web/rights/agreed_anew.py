"""Somebody who was forgotten has agreed anew, and may be trained on again."""

from typing import Any

from lineage_store.errors import BadInput
from lineage_store.log import PersonLookedUp
from unweave.web.accounts.users import User
from unweave.web.operations.people_found import LONGEST_ID
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk

AGREED = "they have agreed anew"


def readmit(desk: Desk, user: User, who: str) -> dict[str, Any]:
    """Let somebody be trained on again; the log says by whom that was done, and not of whom.

    Raises NothingFound for who is not kept out, OnHold for who is restricted.
    """
    if len(who) > LONGEST_ID or not who.isprintable():
        raise BadInput("Say who, by one id.")
    done = have_done(desk, "readmit", {"ids": [who]})
    desk.log(user, lambda number: PersonLookedUp(AGREED, number))
    return {"readmitted": done["readmitted"], "deletions": done["deletions"]}
