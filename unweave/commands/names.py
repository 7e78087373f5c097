"""`unweave name`, `rollback`, `retire`: under what name models are served, and their end."""

from pathlib import Path

import click

from unweave.options.completing import LIVE_MODELS, of
from unweave.options.once import Once
from unweave.options.queue_commands import BY
from unweave.options.shared import JSON, WAIT, WORKSPACE, project_of, show

DESCRIBING = (
    click.option("--purpose", help="What it is for; kept sealed, like what follows."),
    click.option("--owner", help="Who answers for it."),
    click.option("--legal-basis", help="On what legal basis the data are processed."),
    click.option("--retention", help="How long it is kept."),
)


@click.command(cls=Once)
@WORKSPACE
@click.argument("name", required=False)
@click.option("--model", help="Serve the line of this model under the name from now on.")
@DESCRIBING[0]
@DESCRIBING[1]
@DESCRIBING[2]
@DESCRIBING[3]
@BY
@WAIT
@JSON
def name(
    workspace: Path,
    name: str | None,
    model: str | None,
    purpose: str | None,
    owner: str | None,
    legal_basis: str | None,
    retention: str | None,
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Say what a model of that name is for, and which one it is; or show all names."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = (
            project.names.list()
            if name is None
            else project.names.name(
                name,
                model=model,
                purpose=purpose,
                owner=owner,
                legal_basis=legal_basis,
                retention=retention,
                by=by,
            )
        )
    show(answer if name is None else {"names": [answer]} | answer, as_json, "names")


@click.command(cls=Once)
@WORKSPACE
@click.argument("name")
@click.option("--to", metavar="MODEL", help="Of whose line.  [default: the version before]")
@BY
@WAIT
@JSON
def rollback(
    workspace: Path, name: str, to: str | None, by: str | None, wait: int, as_json: bool
) -> None:
    """Serve an earlier version of a name again; never one that a deletion ended."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.names.rollback(name, to=to, by=by)
    show({"names": [answer]} | answer, as_json, "names")


@click.command(cls=Once)
@WORKSPACE
@click.argument("model", metavar="MODEL|NAME", shell_complete=of(LIVE_MODELS))
@click.option("--superseded", is_flag=True, help="Of a name, those versions that are not served.")
@BY
@WAIT
@JSON
def retire(
    workspace: Path, model: str, superseded: bool, by: str | None, wait: int, as_json: bool
) -> None:
    """End a model that is no longer needed, or all of a name, and erase it; no one is kept out.

    Who is to be forgotten is named to `forget`: this has no certificate, and keeps nobody out.
    """
    with project_of(workspace, wait=wait) as project:
        answer = project.names.retire(model, superseded=superseded, by=by)
    show(answer, as_json, "retired")
