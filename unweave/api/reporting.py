"""A report written to a file: `Project(...).report("r1", out="report.html")`."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store.canonical import PUBLIC, write_atomic
from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import queue
from unweave.desk.recipient_list import to_tell
from unweave.session.session import Session

if TYPE_CHECKING:
    from unweave.report.charts import Evaluation


def write_report(
    session: Session,
    request_id: str,
    *,
    out: Path | str | None = None,
    pdf: bool = False,
    evaluation: "Evaluation | None" = None,
) -> dict[str, Any]:
    """Write the report of a finished deletion as one HTML file, with `pdf` also as PDF beside it.

    A request of the queue stands for the deletion that served it. Without `out` it is
    report-<request>.html in the present folder. Raises NothingFound for an unknown request,
    Unfinished for one that still runs, CheckFailed if its certificate or plan is not what was
    signed, BadInput for a file that cannot be written and for a PDF without Chromium.
    """
    from unweave.report.page import page
    from unweave.report.pdf import pdf as printed
    from unweave.report.values import Waiting, report_of

    with session.reading() as (_, connection):
        request_id = _deletion(connection, request_id)
    file = Path(f"report-{request_id}.html" if out is None else out)
    if file.suffix != ".html":
        raise BadInput("A report is an HTML file: give it a name that ends in .html.")
    if not file.parent.is_dir():
        raise BadInput(f"The folder {file.parent} is not there: make it first.")
    with session.reading() as (workspace, connection):
        report = report_of(workspace, connection, request_id)
        informed, confirmed = (
            [one["told"] for one in to_tell(connection, workspace, request_id, serving=serving)]
            for serving in (False, True)
        )
    report = replace(
        report,
        recipients=Waiting(len(informed), sum(day is not None for day in informed)),
        places=Waiting(len(confirmed), sum(day is not None for day in confirmed)),
    )
    written = {file: page(report, evaluation)}
    if pdf:
        written[file.with_suffix(".pdf")] = printed(written[file])
    for path, data in written.items():
        try:
            write_atomic(path, data, mode=PUBLIC)
        except OSError as error:
            raise BadInput(f"The file {path} cannot be written: {error.strerror}.") from error
    return {
        "request_id": request_id,
        "deletion": request_id,
        "outcome": report.outcome,
        "models": {one.before: one.outcome for one in report.models},
        "out": str(file),
        "pdf": str(file.with_suffix(".pdf")) if pdf else None,
    }


def _deletion(connection: sqlite3.Connection, name: str) -> str:
    """Return the deletion of that name, or that served the request of that name."""
    if not name.startswith("q"):
        return name
    found = queue.find(connection, name)
    if found.run is None:
        raise NothingFound(f"The request {name} was served by no deletion: it has no report.")
    return found.run
