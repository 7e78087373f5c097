"""`--ids FILE`: ids from a file or standard input, so that they stand in no command line.

What stands in a command line is told by `ps` and /proc to everybody on the machine while the
command runs, and by the shell's history to whoever reads it later. Every command that takes an id
of a person or a row has this option; a test holds that. Every line is an id, whatever it begins
with.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

STANDARD_INPUT = "-"
PREFIX = "ids_into_"


class IdsFile(click.Option):
    """The option, whose name in Python says into which parameter of its command the ids go."""

    @property
    def into(self) -> str:
        """The parameter that takes the ids, as if they stood there."""
        return str(self.name).removeprefix(PREFIX)


def ids_into(parameter: str) -> Callable[[Any], Any]:
    """Return the option for a command that takes ids as this parameter."""
    return click.option(
        "--ids",
        f"{PREFIX}{parameter}",
        cls=IdsFile,
        expose_value=False,
        metavar="FILE",
        help="Take ids from this file, one a line (-: standard input), and from no command line.",
    )


def with_ids(command: click.Command, file: str, option: IdsFile, args: list[str]) -> list[str]:
    """Return the arguments of a command with the ids of a file in them, as if they stood there.

    Raises UsageError for a file without an id, or with several for a command that takes one.
    """
    into = next(one for one in command.params if one.name == option.into)
    ids = _ids(file)
    several = into.nargs == -1 or into.multiple
    if not ids or (len(ids) > 1 and not several):
        wanted = "one a line" if several else "one, in a line"
        raise click.UsageError(f"--ids takes a file of ids, {wanted}; there are {len(ids)}.")
    if isinstance(into, click.Option):
        return [*(f"{max(into.opts, key=len)}={one}" for one in ids), *args]
    return [*args, *([] if "--" in args else ["--"]), *ids]


def _ids(file: str) -> list[str]:
    try:
        data = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"The file of --ids cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise click.UsageError("The file of --ids is not UTF-8: convert it first.") from error
    return [line for line in (one.rstrip("\r") for one in text.split("\n")) if line.strip()]
