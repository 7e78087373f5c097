"""The training options of the command line, made from `TrainOptions`: none is written here."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any

import click

from lineage_store.ledger import OPTION, Option, TrainOptions
from unweave.text.flags import in_flags

Command = Callable[..., None]

# Options that are called otherwise than in Python, with those that no training option is.
CALLED_OTHERWISE = {
    "model_family": "--family",
    "risk_rules": "--risk-rule",
    "base": "--from",
    "scales": "--scale",
}


def flag(name: str) -> str:
    """Return the flag of a training option."""
    return CALLED_OTHERWISE.get(name) or f"--{name.replace('_', '-')}"


def training_options(command: Command, kind: type[TrainOptions] = TrainOptions) -> Command:
    """Give a command an option for each training option; it takes them as one value, `options`."""

    @functools.wraps(command)
    def taking_options(**given: Any) -> None:
        options = kind(**{one.name: given.pop(one.name) for one in _given(kind)})
        command(options=options, **given)

    made: Command = taking_options
    flags = CALLED_OTHERWISE | {one.name: flag(one.name) for one in _given(kind)}
    for one in reversed(_given(kind)):
        made = _option(one, flags)(made)
    return made


def as_given(options: TrainOptions) -> dict[str, Any]:
    """Return options by their names, as `Project.train` takes them."""
    return {one.name: getattr(options, one.name) for one in _given(type(options))}


def _given(kind: type[TrainOptions]) -> "tuple[Field[Any], ...]":
    return tuple(one for one in fields(kind) if not one.metadata[OPTION].decided)


def _option(one: "Field[Any]", flags: Mapping[str, str]) -> Callable[[Command], Command]:
    known: Option = one.metadata[OPTION]
    return click.option(
        flags[one.name],
        one.name,
        type=click.Choice(known.among) if known.among else _type_of(one.default),
        default=one.default,
        multiple=isinstance(one.default, tuple),
        metavar=known.metavar,
        show_default=known.shown,
        help=in_flags(known.help, flags),
    )


def _type_of(default: Any) -> type:
    """Return the type of an option that has no names for its values."""
    if isinstance(default, tuple | str):
        return str
    return float if isinstance(default, float) else int
