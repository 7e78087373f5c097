"""A correction is started: who is wrong is forgotten, and a model trained on the corrected table.

The table names people: it lies in the outbox, for the desk's owner alone, until the training that
reads it has ended, and is erased by that. What it is trained as is what an earlier model was.
"""

import json
import os
import subprocess
from pathlib import Path

from lineage_store.errors import BadInput, WorkspaceBusy
from lineage_store.index import models, queue
from lineage_store.log import RunAsked
from lineage_store.rights import TO_BE_CORRECTED
from lineage_store.workspace import who_works
from unweave.web.accounts.users import User
from unweave.web.process.clerk import is_started
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import folder_of

CORRECTED = ".corrected.csv"


def start_rectification(
    desk: Desk, user: User, request: str, *, model: str, table: bytes
) -> dict[str, bool]:
    """Start it; raises BadInput for what waits for no correction, WorkspaceBusy while one works."""
    with desk.session.reading() as (_, connection):
        if queue.find(connection, request).state(desk.today) != TO_BE_CORRECTED:
            raise BadInput("The request waits for no correction.")
        if models.find_model(connection, model).state != "live":
            raise BadInput(f"{model} has ended: name a model that is in use.")
    if not table.strip():
        raise BadInput("The table is empty: send the whole of it, as it is corrected.")
    file = folder_of(desk, request).with_name(request + CORRECTED)
    with desk.starting:
        if is_started(desk) or who_works(desk.root) is not None:
            raise WorkspaceBusy(
                "A command is at work in the workspace already: wait for it to end."
            )
        desk.outbox.mkdir(mode=0o700, exist_ok=True)
        file.unlink(missing_ok=True)
        with open(file, "xb", opener=_for_its_owner) as stream:
            stream.write(table)
        desk.log(user, RunAsked)
        _start(desk, request, model, file)
    return {"started": True}


def _start(desk: Desk, request: str, model: str, file: Path) -> None:
    """Start the process, in a session of its own, so that nothing that ends the desk ends it."""
    root = desk.root.resolve()
    desk.last_run.unlink(missing_ok=True)
    asked = {"request": request, "model": model, "table": str(file),
             "out": str(root / desk.last_run.name)}  # fmt: skip
    process = subprocess.Popen(
        [*desk.python, *desk.correct, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=root.parent,
    )
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(json.dumps(asked).encode("utf-8"))
    desk.runs[:] = [process]


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
