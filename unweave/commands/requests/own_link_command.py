"""`unweave request link`: by which a person sees how their own request stands."""

from pathlib import Path

import click

from unweave.commands.requests.serve import DEFAULT, users_of
from unweave.options.once import Once
from unweave.options.queue_commands import REQUEST
from unweave.options.shared import JSON, WAIT, WORKSPACE
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@REQUEST
@click.option("--desk", "address", default=f"http://{DEFAULT}", show_default=True, metavar="URL",
              help="Where the desk is, for the link.")  # fmt: skip
@WAIT
@JSON
def link(workspace: Path, request_id: str, address: str, wait: int, as_json: bool) -> None:
    """Make a link of one use by which the person of a request sees how it stands at the desk."""
    answer = users_of(workspace, wait).own_link(request_id)
    told = {**answer, "link": address.rstrip("/") + answer["link"]}
    if as_json:
        say_json(told)
        return
    say(f"By this link, once, the person of {told['request']} sees how it stands:")
    say(told["link"])
