"""`unweave report`: a finished deletion as a page that people read."""

from pathlib import Path

import click

from unweave.options.completing import DELETIONS, REQUESTS, of
from unweave.options.once import Once
from unweave.options.shared import JSON, WORKSPACE
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@click.argument("request", shell_complete=of(DELETIONS, REQUESTS))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The .html file; else report-REQUEST.html in this folder.",
)
@click.option("--pdf", is_flag=True, help="Write a PDF beside it, too; needs Chromium.")
@JSON
def report(workspace: Path, request: str, out: Path | None, pdf: bool, as_json: bool) -> None:
    """Write the report of a finished deletion: one HTML file, for officers and engineers.

    It holds no id, name or value of anybody, needs no network, and prints its first part on one
    page.
    """
    from unweave.api.project import Project

    answer = Project(workspace).report(request, out=out, pdf=pdf)
    if as_json:
        say_json(answer)
        return
    for path in filter(None, (answer["out"], answer["pdf"])):
        say(f"Report of {answer['request_id']} ({answer['outcome']}): {path}")
