"""Descent: which models were trained from which, and how far a deletion reaches along it.

A model may start from the weights of another, its *base* (the option `base`). Whatever changes the
base changes what comes of it, so a deletion replaces the descendants of every model that it
replaces, and the base of a live model is live. The base's id stands in the configuration of a
model's record; a record without one has no base.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineage_store.index.models import ModelRecord


@dataclass(frozen=True)
class Outline:
    """Of a model's record what it came from: its line, the deletion that made it, and its base."""

    id: str
    family: str
    state: str
    created: str
    request: str | None
    base: str | None


def outlines(connection: sqlite3.Connection, *, size: int) -> tuple[Outline, ...]:
    """Return those of so many models, the newest ones, oldest first."""
    rows = connection.execute(
        "SELECT id, family, state, created, request, json_extract(config, '$.base') AS base "
        "FROM models ORDER BY ordinal DESC LIMIT ?",
        (size,),
    ).fetchall()
    return tuple(Outline(**dict(row)) for row in reversed(rows))


def base_of(record: ModelRecord) -> str | None:
    """Return the id of the model that a model was trained from, or None."""
    base: str | None = record.config.get("base")
    return base


def descended(records: Sequence[ModelRecord], bases: Iterable[str]) -> frozenset[str]:
    """Return the ids of the models that were trained from the given ones, in any generation."""
    found: set[str] = set()
    near = set(bases)
    while near:
        near = {record.id for record in records if base_of(record) in near} - found
        found |= near
    return frozenset(found)


def families_from(records: Sequence[ModelRecord], family: str) -> frozenset[str]:
    """Return the other families of which any model, also an ended one, was ever trained from it."""
    found = {family}
    while True:
        bases = {record.id for record in records if record.family in found}
        more = {record.family for record in records if base_of(record) in bases} - found
        if not more:
            return frozenset(found - {family})
        found |= more


def lines_trained_with(records: Sequence[ModelRecord], line: str) -> frozenset[str]:
    """Return the other lines that a line was trained from, or that were trained from it.

    In any generation, by way of models that have ended, too.
    """
    by_id = {record.id: record.family for record in records}
    found, near = {line}, {line}
    while near:
        bases = {by_id.get(base_of(one) or "") for one in records if one.family in near}
        near = {one for one in bases if one is not None} - found
        found |= near
    return frozenset((found | families_from(records, line)) - {line})


def reached(live: Sequence[ModelRecord], touched: Iterable[str], *, exact: bool) -> frozenset[str]:
    """Return the ids of the live models that a deletion replaces; `touched` hold a row of it.

    All that were trained from a replaced model are. If the result must be `exact`, so are the
    approximate models that any of them was trained from: nothing exact comes of those.
    """
    by_id = {record.id: record for record in live}
    found: frozenset[str] = frozenset()
    wanted = frozenset(touched)
    while wanted != found:
        found = wanted
        wanted = found | descended(live, found)
        if exact:
            bases = {base_of(by_id[one]) for one in wanted}
            wanted |= {one for one in bases if one in by_id and by_id[one].claim.leaves_derived}
    return found
