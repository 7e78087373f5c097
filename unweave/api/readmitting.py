"""Re-consent, as Python API: `Project(...).readmit(["Blue Cab"])`."""

from collections.abc import Sequence
from typing import Any

from unweave.session.forget_options import unique_ids
from unweave.session.session import Session


def readmit_subjects(session: Session, ids: Sequence[str], *, rows: bool = False) -> dict[str, Any]:
    """Let forgotten subjects (or rows, by their ids) be trained on again, since they agreed anew.

    Raises NothingFound for one that is not kept out, OnHold for one that is restricted, Unfinished
    while a deletion is running.
    """
    from lineage_store.disk_full import translated
    from lineage_store.errors import OnHold
    from lineage_store.index import deletions, lift, logging_events, manifest
    from pipelines.runs import ForgetRequest

    unique = unique_ids(ids)
    with translated(), session.holding() as workspace:
        entries = ForgetRequest(unique, rows).entries(workspace.keys())
        with logging_events(workspace) as connection:
            deletions.must_be_none_running(connection)
            by = manifest.restricted_by(connection, [one for names in entries for one in names])
            if by:
                raise OnHold(
                    f"What was named is restricted (request {by[0]}, Article 18 GDPR), and let in "
                    f"again when that is lifted (`unweave request announce-lift`)."
                )
            lifted = lift(connection, entries, time=session.time)
    return {
        "readmitted": len(unique),
        "requests": sorted({entry.request for entry in lifted}),
        "deletions": sorted({entry.request for entry in lifted}),
    }
