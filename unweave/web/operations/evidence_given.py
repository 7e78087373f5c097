"""The evidence of deletions, as `unweave evidence` gives it: made by a command, and kept nowhere.

It holds an audit of now, which reads much, so one is made at a time.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from lineage_store.errors import BadInput, WorkspaceBusy
from unweave.web.accounts.users import User
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk

CHOSEN_BY = ("chosen", "draw", "model", "since", "until")
MOST = 10_000  # deletions that are drawn
_MAKING = Lock()


def evidence_of(desk: Desk, user: User, said: Mapping[str, Any]) -> bytes:
    """Return the evidence as a ZIP file: of those `chosen`, some drawn, a model's, an interval's.

    Raises BadInput for a choice that there is not, WorkspaceBusy while another is made.
    """
    given = {name: said[name] for name in CHOSEN_BY if said.get(name) not in (None, ())}
    if given.get("draw", 1) > MOST:
        raise BadInput(f"At most {MOST:,} are drawn.")
    if not _MAKING.acquire(blocking=False):
        raise WorkspaceBusy("Evidence is being made already: ask again when that has ended.")
    try:
        with TemporaryDirectory(prefix="unweave-evidence-") as folder:
            out = Path(folder) / "evidence.zip"
            have_done(desk, "evidence", {**given, "out": str(out), "by": user.name})
            return out.read_bytes()
    finally:
        _MAKING.release()
