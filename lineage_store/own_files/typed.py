"""Whether what was read from a file is of the types that its dataclass says.

JSON knows no dataclass: what a file of unweave's own says in a wrong type, since it was changed,
would else be met far from there, by whatever computes with it.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Holds = Callable[[Any], bool]


def typed(value: T) -> T:
    """Return a dataclass, each of whose fields holds what it should; raises TypeError otherwise."""
    kind: Any = type(value)
    for name, holds in _fields_of(kind):
        if not holds(getattr(value, name)):
            raise TypeError(f"{kind.__name__}.{name} is of another type")
    return value


@cache
def _fields_of(kind: Any) -> tuple[tuple[str, Holds], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, _holds(hints[field.name])) for field in fields(kind))


def _holds(kind: Any) -> Holds:
    """Return what says whether a value is of a type."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda _: True
    if origin in (Union, types.UnionType):
        some = [_holds(one) for one in inner]
        return lambda value: any(holds(value) for holds in some)
    if origin is Literal:
        return lambda value: isinstance(value, str | int) and value in inner
    if origin is tuple:
        return _holds_tuple(inner)
    if origin is frozenset:
        (each,) = map(_holds, inner)
        return lambda value: isinstance(value, frozenset) and all(map(each, value))
    if origin is not None and issubclass(origin, Mapping):
        key, one = map(_holds, inner)
        return lambda value: (
            isinstance(value, Mapping)
            and all(key(name) and one(held) for name, held in value.items())
        )
    return _holds_one(kind)


def _holds_tuple(inner: tuple[Any, ...]) -> Holds:
    if inner[1:] == (...,):
        each = _holds(inner[0])
        return lambda value: isinstance(value, tuple) and all(map(each, value))
    some = [_holds(one) for one in inner]
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == len(some)
        and all(holds(one) for holds, one in zip(some, value, strict=True))
    )


def _holds_one(kind: Any) -> Holds:
    if is_dataclass(kind):
        return lambda value: type(value) is kind and typed(value) is value
    if kind is float:  # JSON writes a whole number without its point
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    return lambda value: isinstance(value, kind)
