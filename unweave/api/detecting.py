"""Looking for poisoned rows, as Python API: `Project(...).detect("trips.csv", row_id="id")`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.errors import BadInput
from unweave.api.session import Session

if TYPE_CHECKING:
    from pipelines.runs.detect import DetectRequest


def detect_poison(
    session: Session, asked: "DetectRequest", *, propose: Path | None, queue: bool
) -> dict[str, Any]:
    """Say which rows of a model look poisoned, and propose to forget them; no model is changed.

    With `queue` a request for them is filed, a proposal unless the workspace's policy lets
    detectors' requests run. `propose` is a file to write the ids to, as a deletion request in JSON
    that only its owner can read; the answer holds counts alone. Raises BadInput for what does not
    fit.
    """
    from lineage_store.progress import listening
    from pipelines.runs.detect import detect
    from unweave.api.request_queue import RequestQueue

    asked.check()
    if propose is not None and not propose.parent.is_dir():
        raise BadInput(f"The folder {propose.parent} is not there: make it first.")
    with listening(session.listener), session.holding() as workspace:
        found = detect(workspace, asked)
    reason = f"proposed by unweave detect, method {found.method}, for {found.model}"
    filed = None
    if queue and found.ids:
        requests = RequestQueue(session)
        filed = requests.add(
            found.ids,
            rows=True,
            reason=reason,
            by="unweave detect",
            proposed=not requests.policy.detectors_run,
        )
    if propose is not None and found.ids:
        request = {"rows": list(found.ids), "reason": reason}
        try:
            write_atomic(propose, canonical_json(request) + b"\n")
        except OSError as error:
            raise BadInput(f"The file {propose} cannot be written: {error.strerror}.") from error
    return {
        "model_id": found.model,
        "method": found.method,
        "rows": found.rows,
        "proposed": len(found.ids),
        "held_out": found.held_out,
        "sources": [asdict(verdict) for verdict in found.sources],
        "propose": str(propose) if propose is not None and found.ids else None,
        "request": None if filed is None else filed["request"],
        "state": None if filed is None else filed["state"],
    }
