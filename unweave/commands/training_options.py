"""The training options of the command line, made from `TrainOptions`: none is written here."""

import functools
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click

from lineage_store.ledger import OPTION, Option, TrainOptions
from unweave.text.flags import flag, in_flags

Command = Callable[..., None]


def training_options(command: Command, kind: type[TrainOptions] = TrainOptions) -> Command:
    """Give a command an option for each training option; it takes them as one value, `options`."""

    @functools.wraps(command)
    def taking_options(**given: Any) -> None:
        options = kind(**{one.name: given.pop(one.name) for one in fields(kind)})
        command(options=options, **given)

    made: Command = taking_options
    for one in reversed(fields(kind)):
        made = _option(one)(made)
    return made


def _option(one: "Field[Any]") -> Callable[[Command], Command]:
    known: Option = one.metadata[OPTION]
    return click.option(
        flag(one.name),
        one.name,
        type=click.Choice(known.among) if known.among else _type_of(one.default),
        default=one.default,
        multiple=isinstance(one.default, tuple),
        metavar=known.metavar,
        show_default=known.shown,
        help=in_flags(known.help),
    )


def _type_of(default: Any) -> type:
    """Return the type of an option that has no names for its values."""
    return str if isinstance(default, tuple | str) else int
