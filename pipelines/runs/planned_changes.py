"""What a deletion would do to each model: planned, and told without doing anything."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lineage_store.cells import Snapshot, load_snapshot
from lineage_store.index import base_of, models, reached, reading_index
from lineage_store.ledger import open_ledger
from lineage_store.rows import open_rows
from lineage_store.workspace import Workspace
from pipelines.jobs import Backend
from pipelines.runs.before_a_run import to_be_decided
from pipelines.runs.find_rows import ForgetRequest, FoundRows, find, others_in
from unlearning.erasure import LeftOut
from unlearning.fingerprint import must_be_there
from unlearning.planning import (
    AffectedModel,
    BaseAfter,
    ModelPlan,
    base_after,
    fingerprints_today,
    folder_bytes,
    plan_model,
)
from unlearning.registry import must_be_recorded


@dataclass(frozen=True)
class Planned:
    """The plans of a deletion, and the ids that would have to be left out of the scan."""

    plans: Sequence[ModelPlan]
    left_out: Sequence[LeftOut]
    others: int


def plan_all(
    connection: sqlite3.Connection,
    workspace: Workspace,
    request: ForgetRequest,
    found: FoundRows,
    *,
    backend: Backend,
) -> list[ModelPlan]:
    """Plan the change of every live model that holds a row or came of one; changes nothing.

    A base is older than what was trained from it, so it is planned before.
    """
    plans, asked = [], request.asked
    number = int(models.next_model_id(connection).removeprefix("m"))
    live = models.models(connection, live_only=True)
    exact = request.asked.chosen().claim.settles
    wanted = reached(live, {*found.rows, *request.upgrades}, exact=exact)
    after = {
        record.id: BaseAfter(record.id, record.guarantee, _snapshot(workspace, record).schema)
        for record in live
        if record.id not in wanted and record.id in map(base_of, live)
    }
    for record in live:
        if record.id not in wanted:
            continue
        ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
        must_be_recorded(workspace, connection, record, ledger)
        snapshot, deleted = _snapshot(workspace, record), found.in_model(record.id)
        base_id = base_of(record)
        base = None if base_id is None else after[base_id]
        model = AffectedModel(
            id=record.id,
            ledger=ledger,
            snapshot=snapshot,
            store=open_rows(workspace.absolute(record.paths["rows"])),
            descendants=backend.descendants(workspace, record),
            served=folder_bytes(workspace.absolute(record.paths["model"])),
        )
        must_be_there(ledger.header.options.device)
        plan = plan_model(
            model,
            model_after=f"m{number}",
            deleted=deleted,
            asked=asked,
            today=fingerprints_today(ledger),
            derived_until=request.derived_until,
            base=base,
        )
        if plan.estimate is not None:
            asked = replace(asked, limits=asked.limits.less(plan.estimate))
        plans.append(plan)
        after[record.id] = base_after(plan, snapshot, deleted, base=base)
        number += 1
    return plans


def _snapshot(workspace: Workspace, record: models.ModelRecord) -> Snapshot:
    return load_snapshot(workspace.absolute(record.paths["data"]))


def dry_run(workspace: Workspace, request: ForgetRequest, *, backend: Backend) -> Planned:
    """Find and plan, and change nothing."""
    with reading_index(workspace) as connection:
        found = find(connection, workspace, request, workspace.keys())
        plans = plan_all(connection, workspace, request, found, backend=backend)
        others = others_in(connection, found)
        return Planned(plans, to_be_decided(connection, workspace, request, found), others)
