"""`unweave webhook`: other systems are told what happens to requests, by their numbers."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unweave.commands.requests.serve import DEFAULT, users_of
from unweave.options.once import Commands, Once
from unweave.options.shared import JSON, WAIT, WORKSPACE
from unweave.text.printed import say, say_json

if TYPE_CHECKING:
    from unweave.web.process.desk import Desk


@click.group(cls=Commands)
def webhook() -> None:
    """Tell other systems what happens to requests: their numbers and the kind of event."""


@webhook.command(cls=Once)
@WORKSPACE
@click.argument("url")
@click.option("--local", is_flag=True, help="It is within a network of its own, and may be http.")
@WAIT
@JSON
def add(workspace: Path, url: str, local: bool, wait: int, as_json: bool) -> None:
    """Add an address (https), and print the secret that what it gets is signed with, once."""
    answer = users_of(workspace, wait).make_webhook(url, local=local)
    if as_json:
        say_json(answer)
        return
    say(f"The webhook {answer['webhook']} is told what comes from now on, signed with this secret:")
    say(answer["secret"])


@webhook.command(cls=Once, name="list")
@WORKSPACE
@JSON
def list_(workspace: Path, as_json: bool) -> None:
    """List the webhooks."""
    from unweave.web.operations.webhooks_told import webhooks_there

    answer = webhooks_there(_desk(workspace))
    if as_json:
        say_json(answer)
        return
    for one in answer["webhooks"]:
        failed = f", not reached {one['failed']} times" if one["failed"] else ""
        say(f"{one['webhook']}: {one['url']}{failed}")
    if not answer["webhooks"]:
        say("There is no webhook: `unweave webhook add` adds one.")


@webhook.command(cls=Once)
@WORKSPACE
@click.argument("number", metavar="WEBHOOK")
@WAIT
@JSON
def end(workspace: Path, number: str, wait: int, as_json: bool) -> None:
    """Tell a webhook (w1, w2, ...) nothing any more."""
    answer = users_of(workspace, wait).end_webhook(number)
    if as_json:
        say_json(answer)
        return
    say(f"The webhook {answer['webhook']} is told nothing any more.")


@webhook.command(cls=Once)
@WORKSPACE
@JSON
def deliver(workspace: Path, as_json: bool) -> None:
    """Tell the webhooks what happened since: the desk does so by itself while it is served."""
    from unweave.web.operations.webhooks_told import tell_webhooks

    answer = tell_webhooks(_desk(workspace))
    if as_json:
        say_json(answer)
        return
    say(f"{answer['told']} told, {answer['failed']} not reached.")


def _desk(workspace: Path) -> "Desk":
    from unweave.web.process.bindings import bind
    from unweave.web.process.desk import Desk

    return Desk(root=workspace, binding=bind(DEFAULT))
