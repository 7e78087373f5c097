"""The demo's workspace at the desk: a link for an officer, and pages until it is interrupted."""

from pathlib import Path

from lineage_store.errors import BadInput
from unweave.session.session import Session
from unweave.text.printed import say
from unweave.web.desk_users import DeskUsers
from unweave.web.process.bindings import bind
from unweave.web.process.desk import Desk
from unweave.web.serve_desk import serve_desk

OFFICER = "Officer of the demo"


def open_desk(root: Path, *, place: str) -> None:
    """Serve the desk of a workspace, and say by which link an officer comes in first."""
    binding, users = bind(place), DeskUsers(Session(root=root))
    try:
        link = users.add(OFFICER, "officer")["path"]
    except BadInput:  # of an earlier time: a new link takes the place of what they had
        link = users.invite(OFFICER)["path"]
    say(f"Come in as an officer, once: {binding.home.rstrip('/')}{link}", err=True)
    serve_desk(Desk(root=root, binding=binding))
