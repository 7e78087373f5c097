"""`unweave report` and `export`: what people read, and what other systems do."""

from pathlib import Path

import click

from lineage_store.counted import counted
from unweave.options.completing import DELETIONS, LIVE_MODELS, REQUESTS, of
from unweave.options.once import Once
from unweave.options.shared import JSON, WORKSPACE
from unweave.text.printed import say, say_json


def _kinds(*_: object) -> list[str]:
    from unweave.exports import EXPORTS  # it brings cryptography with it

    return [*EXPORTS]


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


@click.command(cls=Once)
@WORKSPACE
@click.argument("kind", metavar="KIND", shell_complete=_kinds)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write; of tables, the folder."
)
@click.option("--server", metavar="URL", help="Of mlflow: bring this server to it, instead.")
@click.option("--model", shell_complete=of(LIVE_MODELS), help="The model, by its name or its id.")
@JSON
def export(
    workspace: Path,
    kind: str,
    out: Path | None,
    server: str | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Write what is known for other people and other systems.

    KIND is one of these:

    \b
    model-card   one model, for people (Markdown)
    record       the record of processing, Article 30 GDPR (Markdown)
    prov         where all models came from, what took their place (W3C PROV-JSON)
    openlineage  all trainings, deletions and retirements (OpenLineage events, one a line)
    cyclonedx    the models, what each came from, how each was made (CycloneDX 1.6, ML-BOM)
    mlflow       what a registry of MLflow is to hold (JSON); with --server, put there
    csv          tables of events, models, deletions and edges, a file each in a folder
    parquet      the same tables

    No export names anybody whose data a model learnt from, before a deletion or after it. Two
    exports of one state are the same bytes.
    """
    from unweave.api.reader import Reader

    if server is not None and (kind, out, model) != ("mlflow", None, None):
        raise click.UsageError("--server goes with the export mlflow, and with nothing else.")
    if server is None and out is None:
        raise click.UsageError("Say where to write it, with --out.")
    if server is not None:
        answer = Reader(workspace).export_to_mlflow(server)
        done = f"{counted(answer['versions_made'], 'version')} made, " + (
            f"{counted(answer['aliases_moved'], 'alias', 'aliases')} moved"
        )
    else:
        assert out is not None
        answer = Reader(workspace).export(kind, out=out, model=model)
        done = answer["out"]
    if as_json:
        say_json(answer)
    else:
        say(f"{kind}: {done}")
