"""`unweave serving`: where models from here are served, and whether each place has the new ones."""

from pathlib import Path

import click

from unweave.options.completing import DELETIONS, LIVE_MODELS, of
from unweave.options.once import Commands
from unweave.options.queue_commands import show_queue
from unweave.options.shared import JSON, WAIT, WORKSPACE, project_of

NUMBER = click.argument("number", type=int)
ON = click.option("--on", metavar="DATE", help="The day.  [default: today]")


@click.group(cls=Commands)
def serving() -> None:
    """Say where models from here are served, and what each place has confirmed."""


@serving.command()
@WORKSPACE
@click.argument("name", metavar="URL|NAME")
@click.option(
    "--model", metavar="ID", shell_complete=of(LIVE_MODELS), help="Of its line alone, not of all."
)
@click.option("--since", "day", metavar="DATE", help="Since when it serves.  [default: today]")
@WAIT
@JSON
def add(
    workspace: Path, name: str, model: str | None, day: str | None, wait: int, as_json: bool
) -> None:
    """Add a place that serves models from here: each deletion asks it to confirm the new ones."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.serving.add(name, model=model, since=day)
    show_queue(answer, as_json, "place")


@serving.command(name="list")
@WORKSPACE
@JSON
def list_(workspace: Path, as_json: bool) -> None:
    """List the places that serve, and what each has still to confirm."""
    with project_of(workspace, progress=False) as project:
        answer = project.requests.serving.list()
    show_queue(answer, as_json, "places")


@serving.command()
@WORKSPACE
@NUMBER
@click.argument("deletion", shell_complete=of(DELETIONS))
@ON
@WAIT
@JSON
def confirm(
    workspace: Path, number: int, deletion: str, on: str | None, wait: int, as_json: bool
) -> None:
    """Write down that a place serves what a deletion put in the place of the old models."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.serving.confirmed(number, deletion, on=on)
    show_queue(answer, as_json, "place")


@serving.command()
@WORKSPACE
@NUMBER
@ON
@WAIT
@JSON
def end(workspace: Path, number: int, on: str | None, wait: int, as_json: bool) -> None:
    """Say that a place serves nothing from here any more."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.serving.end(number, on=on)
    show_queue(answer, as_json, "place")
