"""`unweave completion`: what makes a shell complete commands, options and ids."""

import click
from click.shell_completion import get_completion_class

from unweave.options.once import Once
from unweave.text.printed import say

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Once)
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what a shell evaluates to complete commands, options and ids: bash, zsh or fish.

    For bash, this line goes into ~/.bashrc: eval "$(unweave completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = context.find_root()
    for line in kind(root.command, {}, "unweave", "_UNWEAVE_COMPLETE").source().splitlines():
        say(line)
