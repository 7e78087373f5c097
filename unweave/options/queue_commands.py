"""Options and output that the commands of the request queue share."""

from typing import Any

import click

from unweave.options.shared import for_people, spelled_for_a_terminal
from unweave.text.printed import say_json

REQUEST = click.argument("request_id", metavar="REQUEST")
ALSO = click.option(
    "--also",
    multiple=True,
    metavar="NUMBER",
    help="The id that looks alike and has this number is meant too; or an id.",
)
BY = click.option("--by", metavar="NAME", help="Who does it.  [default: the user of this process]")
NOT_OFFERED = click.option(
    "--not-offered", is_flag=True, help="An id named with --also may be none that looks alike."
)
ONLY = click.option("--only", is_flag=True, help="None of the ids that look alike is meant.")


def add_spellings(project: Any, answer: dict[str, Any], as_json: bool) -> None:
    """Add how ids that look alike are spelled, where a terminal shows it."""
    answer |= spelled_for_a_terminal(
        answer, as_json, lambda: project.requests.spellings(answer["request"])
    )


def show_queue(answer: dict[str, Any], as_json: bool, what: str) -> None:
    """Print an answer of the queue."""
    answer = for_people(answer)
    if as_json:
        say_json(answer)
        return
    from unweave.text.queue import show

    show(what, answer)
