"""Prints the reference of the command line, as a page of the docs or as a man page.

python -m unweave.reference > docs/cli.md
python -m unweave.reference man > install/unweave.1
"""

import sys
from collections.abc import Iterator

import click

from unweave.cli import commands

HEAD = """# The command line

Generated from the commands themselves by `python -m unweave.reference`; a test holds the two
together. Exit status: 0 done, 1 a check failed, 2 wrong use or bad input, 3 nothing found, 4 what
nobody foresaw (one sentence without values, and the file that says where it happened), 75 the
workspace is in use: try again, or give `--wait`. With `--json`, one object stands on standard
output, errors included (`ok`, `error`, `exit_status`). The same as a man page: `install/unweave.1`.
"""


MAN_HEAD = """.TH UNWEAVE 1 "" "unweave" "User Commands"
.SH NAME
unweave \\- data lineage that can forget
.SH SYNOPSIS
.B unweave
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
Trains models that can be traced to every row, batch and update, and takes any person's data out of
them again, with a signed proof. Each command takes \\-\\-workspace and \\-\\-json.
.SH EXIT STATUS
0 done; 1 a check failed; 2 wrong use or bad input; 3 nothing found; 4 what nobody foresaw; 75 the
workspace is in use.
.SH COMMANDS
"""


def reference() -> str:
    """Return the help of all commands as Markdown."""
    parts = [HEAD]
    for name, text in every_help(96):
        parts.append(f"## unweave {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def man_page() -> str:
    """Return the help of all commands as a page for man(1), in roff."""
    parts = [MAN_HEAD]
    for name, text in every_help(72):
        lines = "\n".join(_in_roff(line) for line in text.split("\n"))
        parts.append(f".SS unweave {_in_roff(name)}\n.nf\n{lines}\n.fi\n")
    return "".join(parts)


def _in_roff(line: str) -> str:
    """Return a line as roff prints it: nothing in it is a request or an escape."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


def every_help(width: int) -> Iterator[tuple[str, str]]:
    """Yield the name and the help of every command, so many characters wide."""
    context = commands.make_context("unweave", [], resilient_parsing=True, terminal_width=width)
    context.max_content_width = width
    for name, command in every_command(commands):
        inner = context
        for word in name.split()[:-1]:
            inner = click.Context(commands, parent=inner, info_name=word)
        inner = command.make_context(name.split()[-1], [], parent=inner, resilient_parsing=True)
        yield name, command.get_help(inner)


def every_command(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield the commands of a group and of the groups within it, with their full names, sorted."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from every_command(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


if __name__ == "__main__":
    print(man_page() if sys.argv[1:] == ["man"] else reference(), end="")
