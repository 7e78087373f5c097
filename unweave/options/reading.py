"""The options that say which tables a command reads, and how; it takes them as two values."""

import functools
from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., None]

HOW = (
    click.option(
        "--delimiter", metavar="SIGN", help="What stands between fields: , ; | tab space."
    ),
    click.option(
        "--quote", type=click.Choice(['"', "'", "none"]), help="What encloses fields in a CSV file."
    ),
    click.option("--encoding", metavar="NAME", help="What a file is written in, as latin-1."),
    click.option(
        "--header/--no-header", default=None, help="Whether line 1 has the names of the columns."
    ),
    click.option(
        "--columns", default="", metavar="A,B,...", help="The names of columns in a file without."
    ),
    click.option(
        "--decimal",
        metavar="SIGN",
        default=".",
        show_default=True,
        help="The sign before the fraction of a number: . or ,",
    ),
    click.option("--thousands", metavar="SIGN", default="", help="The sign between thousands."),
)


def data_option(help: str, *, multiple: bool) -> Callable[[Command], Command]:
    """Return the option that names tables, and takes its older name too."""
    return click.option(
        "--data",
        "--csv",
        "data",
        required=True,
        multiple=multiple,
        type=click.Path(),
        metavar="TABLE",
        help=help,
    )


def reading_options(command: Command) -> Command:
    """Give a command the options that say how its tables are read, as one value, `reading`."""

    @functools.wraps(command)
    def taking_reading(*, columns: str, **given: Any) -> None:
        from lineage_store.sources import Reading

        named = tuple(name.strip() for name in columns.split(",")) if columns else ()
        how = ("delimiter", "quote", "encoding", "header", "decimal", "thousands")
        reading = Reading(columns=named, **{name: given.pop(name) for name in how})
        command(reading=reading, **given)

    made: Command = taking_reading
    for option in reversed(HOW):
        made = option(made)
    return made
