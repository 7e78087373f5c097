"""Two phases: an approximate result now, and an exact one in its place by a date.

After an approximate deletion the rows are gone, so the exact phase deletes none: it retrains what
was corrected, from the last stage that never saw the rows. Whatever run makes an approximate model
exact, its certificate names the approximate ones that it makes good.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from lineage_store.canonical import digest_file
from lineage_store.index import models
from lineage_store.index.models import ModelRecord
from lineage_store.workspace import Workspace
from unlearning.planning.model_plan import ModelPlan


def made_good(
    connection: sqlite3.Connection, workspace: Workspace, plans: Sequence[ModelPlan]
) -> list[dict[str, Any]]:
    """Return the approximate runs whose results these plans make exact, with their certificates."""
    records = models.models(connection)
    replaced = {plan.model_before for plan in plans if plan.claim.settles}
    found = {
        run for record in records if record.id in replaced for run in _corrected_by(records, record)
    }
    return [
        {"request": run, "certificate": digest_file(workspace.request(run).certificate)}
        for run in sorted(found, key=lambda run: int(run.removeprefix("r")))
    ]


def still_approximate(records: Sequence[ModelRecord], run: str) -> tuple[str, ...]:
    """Return the live models of which an approximate run's corrections are still part."""
    return tuple(
        record.id
        for record in records
        if record.state == "live" and run in _corrected_by(records, record)
    )


def exact_run_after(records: Sequence[ModelRecord], run: str) -> str | None:
    """Return the run that made an approximate run's results exact; None if they were withdrawn."""
    made = [record for record in records if record.request == run]
    for record in records:
        later = any(r.family == record.family and r.ordinal < record.ordinal for r in made)
        if later and record.claim.settles:
            return record.request
    return None


def _corrected_by(records: Sequence[ModelRecord], last: ModelRecord) -> set[str]:
    """Return the approximate runs that made a model and its forerunners since an exact one."""
    found = set()
    for record in sorted(records, key=lambda record: record.ordinal, reverse=True):
        if record.family != last.family or record.ordinal > last.ordinal:
            continue
        if record.claim.settles or record.request is None:
            break
        found.add(record.request)
    return found
