"""What killed runs leave behind, and how the next command that writes takes it away.

A training run that was not registered has made nothing that counts, but its folders hold rows: they
must not outlive a deletion, nor must the keys that it drew for people who are in no model. A
deletion run that is done but was killed before its last step still has its open file; one that was
being taken back when it was killed is in no index any more, and its files name who was to be
forgotten.
"""

import shutil
from collections.abc import Container
from contextlib import closing

from lineage_store.errors import CheckFailed
from lineage_store.index import (
    compact,
    deletions,
    models,
    reading_index,
    sign_log,
    writing_index,
)
from lineage_store.keys import Pseudonyms, load_public_key
from lineage_store.log import events
from lineage_store.processing import serve_names
from lineage_store.workspace import Workspace
from pipelines.runs.restricting import sweep_kept
from unlearning.certificates import forget_open_file, sweep_receipts
from unlearning.planning import destroy_open, load_plan


def sweep(workspace: Workspace, *, today: str) -> list[str]:
    """Remove the folders of unregistered models, and finish requests that are all but done.

    Receipts that nobody asked for in time go, too, and rows that are kept no more. Returns the ids
    of these requests. What an unfinished deletion has begun stays: the deletion itself starts it
    anew.
    """
    with writing_index(workspace) as connection:
        with connection:
            older = deletions.clear_reasons(connection)
        known = set(models.model_ids(connection))
        requests = deletions.all_requests(connection)
    if workspace.pseudonym_file.exists():
        with closing(Pseudonyms(workspace.pseudonym_file, workspace.keys())) as pseudonyms:
            pseudonyms.end_killed_runs(known)
    if older:
        compact(workspace.index_file)  # else the pages that they stood on have them still
    finished = []
    for request in requests:
        folder = workspace.request(request.id)
        if request.state == "done" and folder.open_file.exists():
            forget_open_file(workspace, request.id, sealed=None)
            finished.append(request.id)
        if request.state == "running" and folder.plan.exists():
            known |= {plan.model_after for plan in load_plan(folder) if plan.model_after}
    for parent, prefix in (("data", "m"), ("serving", "m"), ("tfx", "train-m")):
        for begun in (workspace.root / parent).glob(f"{prefix}[0-9]*"):
            if begun.name.removeprefix("train-") not in known:
                shutil.rmtree(begun)
    _end_taken_back(workspace, {request.id for request in requests})
    sweep_receipts(workspace, today=today)
    sweep_kept(workspace)
    with reading_index(workspace) as connection:
        serve_names(workspace, connection)
    _sign_the_rest(workspace)
    return finished


def _end_taken_back(workspace: Workspace, recorded: Container[str]) -> None:
    """Destroy what is left of deletions that were taken back: of these the index knows nothing."""
    for folder in workspace.requests():
        if folder.id not in recorded:
            destroy_open(folder)
            folder.remove()
    for outputs in workspace.pipeline_root.glob("forget-r[0-9]*"):
        if outputs.name.removeprefix("forget-") not in recorded:
            shutil.rmtree(outputs)


def _sign_the_rest(workspace: Workspace) -> None:
    """Sign what a killed command logged and did not get to sign, if the log fits its head."""
    if not workspace.head_file.exists():
        return
    public_key = load_public_key(workspace.public_key)
    with reading_index(workspace) as connection:
        try:
            signed = events.verify_head(
                workspace.head_file.read_bytes(), public_key, origin=events.ORIGIN
            )
            if events.head(connection).size == signed.size:
                return
            events.check(connection, earlier=signed)
        except CheckFailed:
            return  # told by whoever asks: a new signature would hide it
    sign_log(workspace)
