"""Prints the reference of the command line: `python -m unweave.reference > docs/cli.md`."""

from collections.abc import Iterator

import click

from unweave.cli import commands

HEAD = """# The command line

Generated from the commands themselves by `python -m unweave.reference`; a test holds the two
together. Exit status: 0 done, 1 a check failed, 2 wrong use or bad input, 3 nothing found, 4 what
nobody foresaw (one sentence without values, and the file that says where it happened), 75 the
workspace is in use: try again, or give `--wait`. With `--json`, one object stands on standard
output, errors included (`ok`, `error`, `exit_status`).
"""


def reference() -> str:
    """Return the help of all commands as Markdown."""
    parts = [HEAD]
    context = commands.make_context("unweave", [], resilient_parsing=True, terminal_width=96)
    context.max_content_width = 96
    for name, command in every_command(commands):
        inner = context
        for word in name.split()[:-1]:
            inner = click.Context(commands, parent=inner, info_name=word)
        inner = command.make_context(name.split()[-1], [], parent=inner, resilient_parsing=True)
        parts.append(f"## unweave {name}\n\n```text\n{command.get_help(inner)}\n```\n")
    return "\n".join(parts)


def every_command(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield the commands of a group and of the groups within it, with their full names, sorted."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from every_command(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


if __name__ == "__main__":
    print(reference(), end="")
