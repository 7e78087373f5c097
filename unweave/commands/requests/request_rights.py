"""`unweave request keep-rows`, `uphold`, `announce-lift`, `lift`: restrictions and objections."""

from pathlib import Path

import click

from lineage_store.rights import EVERY_END
from unweave.commands.requests.request_answers import LANGUAGE, OUT, TO
from unweave.options.queue_commands import BY, REQUEST, show_queue
from unweave.options.shared import JSON, WAIT, WORKSPACE, project_of


@click.command(name="keep-rows")
@WORKSPACE
@REQUEST
@BY
@WAIT
@JSON
def keep_rows(workspace: Path, request_id: str, by: str | None, wait: int, as_json: bool) -> None:
    """Have the next run take restricted rows out of the models, and keep them, sealed."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.keep_rows(request_id, by=by)
    show_queue(answer, as_json, "changed")


@click.command()
@WORKSPACE
@REQUEST
@BY
@WAIT
@JSON
def uphold(workspace: Path, request_id: str, by: str | None, wait: int, as_json: bool) -> None:
    """Uphold an objection: what it names is erased by the next run."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.uphold(request_id, by=by)
    show_queue(answer, as_json, "changed")


@click.command(name="announce-lift")
@WORKSPACE
@REQUEST
@click.option(
    "--because", required=True, type=click.Choice(EVERY_END), help="What ends it, by its ground."
)
@click.option("--on", required=True, metavar="DATE", help="The day, which is to come.")
@click.option("--reason", help="Why, in words: it stands in the letter, and nowhere else.")
@OUT
@TO
@LANGUAGE
@BY
@WAIT
@JSON
def announce_lift(
    workspace: Path,
    request_id: str,
    because: str,
    on: str,
    reason: str | None,
    out: Path,
    to: str | None,
    language: str,
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Write the letter that tells a person of the end of a restriction, before that comes."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.announce_lift(
            request_id,
            because=because,
            on=on,
            reason=reason,
            out=out,
            to=to,
            language=language,
            by=by,
        )
    show_queue(answer, as_json, "written")


@click.command()
@WORKSPACE
@REQUEST
@click.option(
    "--put-back",
    type=click.Path(path_type=Path),
    help="A new CSV file for rows that were kept (mode 600), to be trained on.",
)
@click.option(
    "--beside",
    type=click.Path(path_type=Path),
    help="The CSV file that they are to be trained on beside: its columns, in its order.",
)
@click.option("--accept-lost", is_flag=True, help="Lift it though the rows kept are gone.")
@BY
@WAIT
@JSON
def lift(
    workspace: Path,
    request_id: str,
    put_back: Path | None,
    beside: Path | None,
    accept_lost: bool,
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Lift a restriction, on the day of which the person was told or later."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.lift(
            request_id, put_back=put_back, beside=beside, accept_lost=accept_lost, by=by
        )
    show_queue(answer, as_json, "lifted")


OF_RIGHTS = (keep_rows, uphold, announce_lift, lift)
