"""`unweave readmit`: who was forgotten has agreed anew."""

from pathlib import Path

import click

from unweave.options.ids_file import ids_into
from unweave.options.once import Once
from unweave.options.shared import JSON, WAIT, WORKSPACE
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@ids_into("subjects")
@click.option("--rows", is_flag=True, help="The arguments are row ids, not subjects.")
@WAIT
@JSON
def readmit(
    workspace: Path, subjects: tuple[str, ...], rows: bool, wait: int, as_json: bool
) -> None:
    """Let subjects be trained on again who were forgotten and have agreed anew.

    Nothing comes back by itself: their rows are in no model until a file with them is trained on.
    """
    from unweave.api.project import Project

    answer = Project(workspace, wait=wait).readmit(subjects, rows=rows)
    if as_json:
        say_json(answer)
        return
    count = answer["readmitted"]
    say(
        f"{count} {'id is' if count == 1 else 'ids are'} no longer kept out; forgotten by "
        f"{', '.join(answer['requests'])}. The event log says so."
    )
