"""`unweave recipient`: whom data or models were given to, and who of them was told of what."""

from pathlib import Path

import click

from unweave.options.completing import DELETIONS, LIVE_MODELS, REQUESTS, of
from unweave.options.once import Commands
from unweave.options.queue_commands import show_queue
from unweave.options.shared import JSON, WAIT, WORKSPACE, project_of

NUMBER = click.argument("number", type=int)
ON = click.option("--on", metavar="DATE", help="The day.  [default: today]")


@click.group(cls=Commands)
def recipient() -> None:
    """Say whom data or models were given to, and who of them was told of a deletion."""


@recipient.command()
@WORKSPACE
@click.argument("name")
@click.option(
    "--model", metavar="ID", shell_complete=of(LIVE_MODELS), help="Of its line alone, not of all."
)
@click.option(
    "--since", "day", metavar="DATE", help="Since when it has something.  [default: today]"
)
@WAIT
@JSON
def add(
    workspace: Path, name: str, model: str | None, day: str | None, wait: int, as_json: bool
) -> None:
    """Add a recipient: a company or an office that has data or models from here."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.recipients.add(name, model=model, since=day)
    show_queue(answer, as_json, "recipient")


@recipient.command(name="list")
@WORKSPACE
@JSON
def list_(workspace: Path, as_json: bool) -> None:
    """List the recipients, and who is still to be told of which deletion."""
    with project_of(workspace, progress=False) as project:
        answer = project.requests.recipients.list()
    show_queue(answer, as_json, "recipients")


@recipient.command()
@WORKSPACE
@NUMBER
@click.argument("deletion", shell_complete=of(DELETIONS, REQUESTS))
@ON
@WAIT
@JSON
def told(
    workspace: Path, number: int, deletion: str, on: str | None, wait: int, as_json: bool
) -> None:
    """Write down that a recipient was told of a deletion, or of a request that restricts."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.recipients.told(number, deletion, on=on)
    show_queue(answer, as_json, "recipient")


@recipient.command()
@WORKSPACE
@NUMBER
@ON
@WAIT
@JSON
def end(workspace: Path, number: int, on: str | None, wait: int, as_json: bool) -> None:
    """Say that a recipient gets nothing more; what it has it has, and it is told as before."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.recipients.end(number, on=on)
    show_queue(answer, as_json, "recipient")
