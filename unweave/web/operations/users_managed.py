"""Who may use the desk is said there, too: users added, invited again and ended by an owner.

Nobody ends themselves: the last owner would be out, and only the command line could let one in.
"""

from typing import Any

from lineage_store.errors import BadInput
from lineage_store.log import UserAdded, UserEnded, UserInvitedAgain
from unweave.web.accounts.users import Role, User
from unweave.web.process.desk import Desk

Answer = dict[str, Any]


def users_there(desk: Desk) -> Answer:
    """List the users, by name."""
    with desk.accounts() as accounts:
        return {"users": [user_told(one) for one in accounts.users.every()]}


def add_user(desk: Desk, by: User, name: str, role: Role) -> Answer:
    """Add a user, and return the path of the link of one use by which they come in first."""
    with desk.accounts() as accounts:
        link = accounts.users.add(name, role, now=desk.seconds, random_bytes=desk.random_bytes)
        found = accounts.users.find(name)
        desk.log_of([found.name, by.name], lambda of: UserAdded(of[0], role, of[1]))
    return {"name": found.name, "role": role, "link": f"/welcome/{link}"}


def invite_user(desk: Desk, by: User, name: str) -> Answer:
    """Void what a user signs in with, and return the path of a new link."""
    with desk.accounts() as accounts:
        found = accounts.users.find(name)
        link = accounts.users.invite(name, now=desk.seconds, random_bytes=desk.random_bytes)
        desk.log_of([found.name, by.name], lambda of: UserInvitedAgain(of[0], of[1]))
    return {"name": found.name, "role": found.role, "link": f"/welcome/{link}"}


def end_user(desk: Desk, by: User, name: str) -> Answer:
    """Let a user in no more; who is signed in is signed out."""
    with desk.accounts() as accounts:
        found = accounts.users.find(name)
        if found.digest == by.digest:
            raise BadInput("Nobody ends themselves: another owner does, or `unweave user end`.")
        accounts.users.end(name, now=desk.seconds)
        desk.log_of([found.name, by.name], lambda of: UserEnded(of[0], of[1]))
    return {"name": found.name, "role": found.role, "ended": True}


def user_told(user: User) -> Answer:
    """Return what is told of a user."""
    return {
        "name": user.name,
        "role": user.role,
        "set_up": user.is_set,
        "program": user.is_program,
    }
