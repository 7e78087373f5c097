"""Looking after a workspace, as Python API: what differs, what is not as it should be, receipts."""

import os
from pathlib import Path
from typing import Any

from lineage_store.disk_full import translated
from lineage_store.progress import listening
from unweave.session.session import Session


def look_for_differences(session: Session, *, repair: bool, rebuild: bool) -> dict[str, Any]:
    """Say where index and MLMD differ from the log and the disk; with `repair`, put it right.

    With `rebuild` MLMD is made anew before.
    """
    from pipelines.runs import examine, make_metadata_anew
    from pipelines.runs import repair as put_right

    with translated(), listening(session.listener):
        if not (repair or rebuild):
            return examine(session.workspace())
        with session.holding() as workspace:
            return make_metadata_anew(workspace) if rebuild else put_right(workspace)


def look_for_faults(
    session: Session, *, replay: int, seed: int | None, head: Path | None
) -> dict[str, Any]:
    """Say what is not as it should be: in log, records, files, and in segments taken again."""
    from pipelines.runs.audit import audit

    drawn = int.from_bytes(os.urandom(4), "big") if seed is None else seed
    with translated(), listening(session.listener):
        here, time = session.workspace(), session.time
        return audit(here, head=head, replays=replay, seed=drawn, time=time)


def give_receipt(
    session: Session, deletion: str, *, out: Path, number: int | None
) -> dict[str, Any]:
    """Hand out a receipt to a file, once."""
    from unlearning.certificates import hand_out

    with translated(), session.holding() as workspace:
        time = session.time
        name = hand_out(workspace, deletion, number=number, out=out, time=time)
    return {"receipt": name, "deletion": deletion, "out": str(out), "handed_out": time}
