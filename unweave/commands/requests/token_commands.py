"""`unweave user token`: tokens by which programs come in at the desk's API."""

from pathlib import Path

import click

from unweave.commands.requests.serve import ROLES, user, users_of
from unweave.options.once import Once
from unweave.options.shared import JSON, WAIT, WORKSPACE
from unweave.text.printed import say, say_json


@user.command(cls=Once)
@WORKSPACE
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")
@click.option("--until", required=True, metavar="DATE", help="Its last day, a year off at most.")
@WAIT
@JSON
def token(workspace: Path, name: str, role: str, until: str, wait: int, as_json: bool) -> None:
    """Make a token by which a program of this name uses the API, and print it, once."""
    answer = users_of(workspace, wait).make_token(name, role, until=until)
    if as_json:
        say_json(answer)
        return
    say(f"{answer['name']} comes in as {role} by the token {answer['token']}, until {until}:")
    say(answer["secret"])


@user.command(cls=Once)
@WORKSPACE
@JSON
def tokens(workspace: Path, as_json: bool) -> None:
    """List the tokens that have not ended."""
    answer = users_of(workspace, 0).tokens()
    if as_json:
        say_json(answer)
        return
    for one in answer["tokens"]:
        say(f"{one['token']}: {one['name']}, {one['role']}, until {one['until']}")
    if not answer["tokens"]:
        say("There is no token: `unweave user token` makes one.")


@user.command(cls=Once)
@WORKSPACE
@click.argument("number", metavar="TOKEN")
@WAIT
@JSON
def end_token(workspace: Path, number: str, wait: int, as_json: bool) -> None:
    """End a token (t1, t2, ...) at once."""
    answer = users_of(workspace, wait).end_token(number)
    if as_json:
        say_json(answer)
        return
    say(f"The token {answer['token']} of {answer['name']} is taken no more.")
