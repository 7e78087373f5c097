"""The options that say which tables a command reads, and how; it takes them as two values."""

import csv
import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from lineage_store.data import Task
from lineage_store.errors import BadInput
from lineage_store.sources import DatabaseQuery, Reading

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


QUERY = click.option(
    "--query", metavar="SQL", help="Which rows of a database to read, if a TABLE is one's URL."
)
TASKS: tuple[Task, ...] = ("classification", "regression")
KINDS = (
    click.option(
        "--task",
        multiple=True,
        metavar="TASK",
        callback=lambda context, parameter, given: task_in(given),
        help="What the label is: classification, or regression; of several labels COLUMN=TASK, "
        "again for others. By default as its values look.",
    ),
    click.option(
        "--category-columns",
        default="",
        metavar="A,B,...",
        help="Columns of codes: their numbers are names.",
    ),
    click.option(
        "--text-columns", default="", metavar="A,B,...", help="Columns of text, also of digits."
    ),
    click.option(
        "--date-columns",
        default="",
        metavar="A,B,...",
        help="Columns of days or times, in ISO 8601.",
    ),
    click.option(
        "--array-columns",
        default="",
        metavar="A,B,...",
        help="Columns of arrays of numbers, as lists in JSON.",
    ),
)


def task_in(given: Sequence[str]) -> Task | dict[str, Task] | None:
    """Return the task of all labels, or those of some by name; raises BadParameter for no task."""
    found: dict[str, Task] = {}
    for one in given:
        label, _, task = one.rpartition("=")
        known = next((known for known in TASKS if known == task), None)
        if known is None or label in found:
            raise click.BadParameter(
                f"{one!r} is no task of its own: classification, regression, or one of them behind "
                f"a label and =."
            )
        found[label] = known
    if "" in found and len(found) > 1:
        raise click.BadParameter("Name the label of each task, or give one task for all of them.")
    return found.get("", found or None)


def names_in(text: str) -> tuple[str, ...]:
    """Return names of columns with commas between; one that holds a comma is in quotes, as in CSV.

    Raises BadInput for what is no list of names.
    """
    try:
        lines = list(csv.reader([text], strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise BadInput(
            "A list of columns is names with commas between, those with a comma in quotes."
        ) from error
    return tuple(name.strip() for line in lines for name in line if name.strip())


def kind_options(command: Command) -> Command:
    """Give a command the options that say what columns hold."""
    for option in reversed(KINDS):
        command = option(command)
    return command


def data_option(help: str) -> Callable[[Command], Command]:
    """Return the options that name tables; --csv is the older name of the first."""

    def with_data(command: Command) -> Command:
        @functools.wraps(command)
        def taking_data(*, data: tuple[str, ...], query: str | None, **given: Any) -> None:
            command(
                data=[one if query is None else DatabaseQuery(one, query) for one in data], **given
            )

        return option(QUERY(taking_data))

    option = click.option(
        "--data",
        "--csv",
        "data",
        required=True,
        multiple=True,
        type=click.Path(),
        metavar="TABLE",
        help=help,
    )
    return with_data


def reading_options(command: Command) -> Command:
    """Give a command the options that say how its tables are read, as one value, `reading`."""

    @functools.wraps(command)
    def taking_reading(*, columns: str, **given: Any) -> None:
        how = ("delimiter", "quote", "encoding", "header", "decimal", "thousands")
        reading = Reading(columns=names_in(columns), **{name: given.pop(name) for name in how})
        command(reading=reading, **given)

    made: Command = taking_reading
    for option in reversed(HOW):
        made = option(made)
    return made
