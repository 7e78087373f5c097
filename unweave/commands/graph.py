"""`unweave graph`: the lineage of a model, a subject or an artifact, as a picture or a graph."""

from pathlib import Path

import click

from lineage_store.counted import counted
from unweave.options.completing import LIVE_MODELS, of
from unweave.options.ids_file import ids_into
from unweave.options.once import Once
from unweave.options.shared import JSON, WORKSPACE
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@click.option(
    "--model",
    metavar="ID",
    shell_complete=of(LIVE_MODELS),
    help="A model: what it was made from, what came of it.",
)
@click.option("--subject", metavar="ID", help="A subject, under its pseudonym: what it touched.")
@ids_into("subject")
@click.option("--artifact", metavar="ID", help="An artifact, by MLMD id, external id or URI.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("lineage.svg"),
    show_default=True,
    help="The file to write: .svg for a picture, .graphml for the whole graph.",
)
@click.option(
    "--steps", is_flag=True, help="Show a model's shards, steps and components, not words alone."
)
@click.option("--full", is_flag=True, help="Fold nothing in the picture.")
@JSON
def graph(
    workspace: Path,
    model: str | None,
    subject: str | None,
    artifact: str | None,
    out: Path,
    steps: bool,
    full: bool,
    as_json: bool,
) -> None:
    """Draw the lineage of a model, a subject or an artifact (SVG), or write it as GraphML."""
    from unweave.api.project import Project

    answer = Project(workspace).graph(
        out=out, model=model, subject=subject, artifact=artifact, full=full, steps=steps
    )
    if as_json:
        say_json(answer)
        return
    boxes = f", drawn as {counted(answer['boxes'], 'box', 'boxes')}" if "boxes" in answer else ""
    say(
        f"Lineage of {answer['of']}: {counted(answer['nodes'], 'node')}{boxes}, in {answer['out']}."
    )
