"""A report written to a file: `Project(...).report("r1", out="report.html")`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store.canonical import PUBLIC, write_atomic
from lineage_store.errors import BadInput
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

    Without `out` it is report-<request>.html in the present folder. Raises NothingFound for an
    unknown request, Unfinished for one that still runs, CheckFailed if its certificate or plan is
    not what was signed, BadInput for a file that cannot be written and for a PDF without Chromium.
    """
    from unweave.report.page import page
    from unweave.report.pdf import pdf as printed
    from unweave.report.values import report_of

    file = Path(f"report-{request_id}.html" if out is None else out)
    if file.suffix != ".html":
        raise BadInput("A report is an HTML file: give it a name that ends in .html.")
    if not file.parent.is_dir():
        raise BadInput(f"The folder {file.parent} is not there: make it first.")
    with session.reading() as (workspace, connection):
        report = report_of(workspace, connection, request_id)
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
        "outcome": report.outcome,
        "models": {one.before: one.outcome for one in report.models},
        "out": str(file),
        "pdf": str(file.with_suffix(".pdf")) if pdf else None,
    }
