"""Training, and looking for poisoned rows, once it is said of what: a session's runs."""

import os
import time as clock
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.errors import BadInput, NothingFound
from lineage_store.understood import Understanding
from lineage_store.workspace import parse_connection
from unweave.answers.by_tasks import opened
from unweave.api.rectifying import corrected_in, end_corrected, take_out_the_wrong
from unweave.desk.model_names import serve_line
from unweave.session.forget_options import derived_until
from unweave.session.session import Session

if TYPE_CHECKING:
    from lineage_store.processing import NamedModel
    from pipelines.runs.detect import DetectRequest
    from pipelines.runs.train import TrainRequest


def train_model(
    session: Session,
    request: "TrainRequest",
    *,
    key_file: Path | str | None,
    metadata: Path | str | None,
    rectifies: str | None,
    named: "NamedModel | None",
) -> dict[str, Any]:
    """Train what is asked for, or end where a dry run does; the answer has what was understood.

    What the request `rectifies` names is forgotten first, and let in again. The model is served
    under the name that is `named`, in the place of whatever was. By a backend that leaves the run
    open the answer says which it is.
    """
    from pipelines.jobs import LeftOpen
    from pipelines.runs.train import DryRunEnds, train
    from unweave.answers import runs as answers

    key = None if key_file is None else Path(key_file)
    where = None if metadata is None else parse_connection(str(metadata))
    corrected = 0
    began, understandings = clock.perf_counter(), list[Understanding]()

    if session.leaves_open and not (named is None and rectifies is None):
        raise BadInput("By tasks a model is trained alone: leave out `name` and `rectifies`.")

    def tell(understanding: Understanding) -> None:
        understandings.append(understanding)
        if request.understood is not None:
            request.understood(understanding)

    with session.aside() if request.dry_run else nullcontext(session) as here:
        engine = here.engine  # one that cannot be is told before a workspace is made
        with here.running(create=True, key_file=key, metadata=where) as (workspace, _):
            if rectifies is not None and not request.dry_run:
                take_out_the_wrong(
                    workspace,
                    rectifies,
                    command=here.command(),
                    derived_until=derived_until(here.today),
                    random_bytes=os.urandom,
                )
            try:
                made = train(
                    workspace,
                    replace(request, understood=tell),
                    backend=here.backend,
                    engine=engine,
                    clock=lambda: here.time,
                )
            except DryRunEnds:
                return {"dry_run": True, "understood": understandings[0].to_json()}
            except LeftOpen as left:
                return opened(left)
            if named is not None:
                serve_line(here, workspace, named, model=made.id, by=None)
            if rectifies is not None:
                corrected = corrected_in(workspace, rectifies, model=made.id)
                if corrected:
                    end_corrected(workspace, rectifies, found=corrected, time=here.time)
            answer = answers.trained(
                workspace, made, seconds=clock.perf_counter() - began, reveal=here.reveal
            )
    if rectifies is not None and not corrected:
        raise NothingFound(
            f"{made.id} is trained, and holds no row of whom {rectifies} names, as this table "
            f"names people: {rectifies} stays to be corrected, by a table with their rows."
        )
    also = {} if rectifies is None else {"rectifies": rectifies}
    also |= {} if named is None else {"name": named.name}
    return answer | also | {"understood": understandings[0].to_json()}


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
    from unweave.desk.request_queue import RequestQueue

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
        "model": found.model,
        "method": found.method,
        "rows": found.rows,
        "proposed": len(found.ids),
        "held_out": found.held_out,
        "sources": [asdict(verdict) for verdict in found.sources],
        "propose": str(propose) if propose is not None and found.ids else None,
        "request": None if filed is None else filed["request"],
        "state": None if filed is None else filed["state"],
    }
