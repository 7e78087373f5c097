"""From the ids in a request to the rows they have in the live models.

An id is named by its place among the arguments: it is personal data and stays out of messages.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from lineage_store.cells import load_snapshot
from lineage_store.errors import AlreadyForgotten, NothingFound
from lineage_store.index import (
    IndexedRows,
    deletions,
    manifest,
    models,
    row_index,
    rows_by_key,
    rows_of_subject,
    writing_index,
)
from lineage_store.keys import Keys, Pseudonyms, alike_entry, canonical_id, entries_of_ids
from lineage_store.workspace import Workspace
from unlearning.certificates import KEPT
from unlearning.erasure import row_tokens
from unlearning.planning import OpenRequest, WantedResult

NO_ROWS = IndexedRows(np.zeros((0, 16), np.uint8), np.zeros(0, np.uint64), ())


@dataclass(frozen=True)
class ForgetRequest:
    """What the user asks: ids of subjects, or of rows if `rows`; and how to forget them.

    `derived_until` is the end date of what an approximate result may keep, `exact_by` that by
    which an exact one takes its place. `queued` are the requests of the queue that are served, and
    `upgrades` approximate models that an exact run replaces though they hold none of the rows. With
    `accept_left_out`, ids that what stays has too are not searched for in unweave's own files. With
    `keep_rows` they are those of restrictions, whose rows are kept out of the models, sealed.
    """

    ids: tuple[str, ...]
    rows: bool = False
    asked: WantedResult = field(default_factory=WantedResult)
    reason: str | None = None
    replay: bool = False
    derived_until: str = ""
    exact_by: str | None = None
    queued: tuple[str, ...] = ()
    upgrades: tuple[str, ...] = ()
    accept_left_out: bool = False
    keep_rows: bool = False

    @property
    def also_recorded(self) -> dict[str, object]:
        """What is recorded of a run beside what it asks of the result, where there is any."""
        options = {"exact_by": self.exact_by, KEPT: self.keep_rows or None}
        return {name: value for name, value in options.items() if value is not None}

    @property
    def kind(self) -> str:
        """What the ids are of: "row" or "subject"."""
        return "row" if self.rows else "subject"

    def values(self, keys: Keys) -> list[bytes]:
        """Return what stands for each id: a row's key, or a subject's id as UTF-8."""
        if self.rows:
            return [keys.row_key(kind="id", value=one.encode("utf-8")) for one in self.ids]
        return [one.encode("utf-8") for one in self.ids]

    def entries(self, keys: Keys) -> list[tuple[str, ...]]:
        """Return under what the exclusion manifest may know each id: as given, then canonical."""
        return entries_of_ids(keys, self.ids, rows=self.rows)

    def commitments(self, keys: Keys) -> list[str]:
        """Return what stands for each id where it is written down: the canonical commitment."""
        return [names[-1] for names in self.entries(keys)]

    def all_commitments(self, keys: Keys) -> list[str]:
        """Return all that may stand for any of the ids."""
        return [name for names in self.entries(keys) for name in names]

    def canonical_keys(self, keys: Keys) -> list[tuple[bytes, ...]]:
        """Return the row key of each id's canonical form, where the ids are of rows."""
        if not self.rows:
            return [() for _ in self.ids]
        forms = (canonical_id(one).encode("utf-8") for one in self.ids)
        return [(keys.row_key(kind="id", value=form),) for form in forms]

    def which(self, place: int) -> str:
        """Name an id without saying it."""
        count = len(self.ids)
        return f"{self.kind} given" if count == 1 else f"{self.kind} {place + 1} of {count} given"


@dataclass(frozen=True)
class FoundRows:
    """Where the ids' rows are, by live model, the pseudonyms, and each id's rows by model.

    `spellings` are how the data spell ids that are given otherwise.
    """

    rows: dict[str, IndexedRows]
    pseudonyms: tuple[bytes, ...]
    each: tuple[dict[str, IndexedRows], ...]
    spellings: tuple[str, ...] = ()

    @property
    def keys_of(self) -> tuple[frozenset[bytes], ...]:
        """The keys of each id's rows, in whatever model."""
        return tuple(
            frozenset().union(*(rows.key_set() for rows in one.values())) for one in self.each
        )

    def in_model(self, model: str) -> IndexedRows:
        """Return the rows found in a live model: none, it may be."""
        return self.rows.get(model) or NO_ROWS

    def row_keys(self) -> frozenset[bytes]:
        """Return the keys of all rows found, in whatever model."""
        return frozenset().union(*(rows.key_set() for rows in self.rows.values()))


@dataclass(frozen=True)
class Whereabouts:
    """What is known of one id: its rows by live model, or when it was forgotten.

    `known_as` are its pseudonyms by the spellings in the data that are canonically the same.
    """

    rows: dict[str, IndexedRows]
    known_as: dict[str, bytes]
    forgotten: deletions.Exclusion | None


def whereabouts(
    connection: sqlite3.Connection, workspace: Workspace, request: ForgetRequest, keys: Keys
) -> list[Whereabouts]:
    """Look for every id, in their order; a forgotten one is in no model.

    One that was forgotten under another spelling may have rows that an earlier unweave let in.
    """
    live = models.models(connection, live_only=True)
    names = _known_as(workspace, request, keys)
    found = []
    for value, known_as, entries in zip(
        request.values(keys), names, request.entries(keys), strict=True
    ):
        forgotten = deletions.exclusion(connection, *entries)
        here = {}
        for record in live:
            if forgotten is not None and forgotten.commitment == entries[0]:
                break
            if request.rows:
                here[record.id] = rows_by_key(connection, [value], record.snapshot)
            else:
                known = tuple(known_as.values())
                here[record.id] = row_index.rows_of_subjects(connection, known, record.snapshot)
        rows = {model: rows for model, rows in here.items() if len(rows)}
        found.append(Whereabouts(rows, known_as, None if rows else forgotten))
    return found


def _why_no_ids(connection: sqlite3.Connection) -> str:
    """Say that rows have no ids here, if no live model was trained with a column of them."""
    columns = [manifest.columns_of(one) for one in models.models(connection, live_only=True)]
    if any(one is None or one.row_id is not None for one in columns):
        return ""
    return ", since rows have no ids here: none was trained with `row_id`"


def find(
    connection: sqlite3.Connection, workspace: Workspace, request: ForgetRequest, keys: Keys
) -> FoundRows:
    """Find the rows of all ids.

    Raises NothingFound, and says which id and why, if any of them has none or was forgotten.
    """
    each = whereabouts(connection, workspace, request, keys)
    for place, one in enumerate(each):
        if one.forgotten is not None:
            raise AlreadyForgotten(
                f"The {request.which(place)} was already forgotten on {one.forgotten.since} "
                f"(request {one.forgotten.request}); nothing was done."
            )
    for place, one in enumerate(each):
        if not one.rows:
            why = _why_no_ids(connection) if request.rows else ""
            raise NothingFound(
                f"The {request.which(place)} has no row in any live model{why}; nothing was done."
            )
    parts: dict[str, list[IndexedRows]] = {}
    for one in each:
        for model, rows in one.rows.items():
            parts.setdefault(model, []).append(rows)
    found = {model: merged(here) for model, here in parts.items()}
    known_as = {name: pseudonym for one in each for name, pseudonym in one.known_as.items()}
    return FoundRows(
        found,
        tuple(known_as.values()),
        tuple(one.rows for one in each),
        tuple(name for name in known_as if name not in request.ids),
    )


def others_in(connection: sqlite3.Connection, found: FoundRows) -> int:
    """Count the people, other than those who go, whose some of the rows are as well."""
    records = {one.id: one for one in models.models(connection, live_only=True)}
    everybody = frozenset[bytes]().union(
        *(
            row_index.people_of(connection, rows.key_set(), records[model].snapshot)
            for model, rows in found.rows.items()
        )
    )
    return len(everybody.difference(found.pseudonyms))


def enter(
    connection: sqlite3.Connection, workspace: Workspace, request: ForgetRequest, found: FoundRows
) -> list[tuple[str, str, tuple[str, ...]]]:
    """Write down the rows that the manifest is to know; return its entries: kind, name, models."""
    keys = workspace.keys()
    names = manifest.names_for(connection, request.entries(keys))
    more = request.canonical_keys(keys)
    for name, rows, others in zip(names, found.each, more, strict=True):
        kept = {
            model: {
                bytes.fromhex(keys.commitment(kind="row", value=key))
                for key in (*here.key_set(), *others)
            }
            for model, here in rows.items()
        }
        manifest.keep_rows(connection, name, kept)
    if not request.rows:
        for name, one in zip(names, request.ids, strict=True):
            manifest.keep_alike(connection, name, alike_entry(keys, one))
    return [(request.kind, name, tuple(rows)) for name, rows in zip(names, found.each, strict=True)]


def found_tokens(
    connection: sqlite3.Connection, workspace: Workspace, found: FoundRows
) -> tuple[set[str], set[bytes]]:
    """Return the distinctive texts and numbers of the rows found, as the gated data have them."""
    texts: set[str] = set()
    numbers: set[bytes] = set()
    for record in models.models(connection, live_only=True):
        if record.id in found.rows:
            snapshot = load_snapshot(workspace.absolute(record.paths["data"]))
            tokens = row_tokens(snapshot, found.rows[record.id])
            texts |= tokens[0]
            numbers |= tokens[1]
    return texts, numbers


def _known_as(workspace: Workspace, request: ForgetRequest, keys: Keys) -> list[dict[str, bytes]]:
    if request.rows:
        return [{} for _ in request.ids]
    with closing(Pseudonyms(workspace.pseudonym_file, keys, to_read=True)) as pseudonyms:
        return [pseudonyms.of_same(one) for one in request.ids]


def merged(parts: Sequence[IndexedRows]) -> IndexedRows:
    """Return all rows of several parts as one; a row of two people is one row."""
    row_keys = np.concatenate([part.row_keys for part in parts])
    places = np.concatenate([part.places for part in parts])
    splits = [split for part in parts for split in part.splits]
    first = {key.tobytes(): at for at, key in reversed(list(enumerate(row_keys)))}
    here = sorted(first.values())
    return IndexedRows(row_keys[here], places[here], tuple(splits[at] for at in here))


def rows_of(
    connection: sqlite3.Connection, old: models.ModelRecord, opened: OpenRequest
) -> IndexedRows:
    """Return a model's rows that go; the index has them until all models are replaced.

    In another model, a row of the same key may be another person's.
    """
    if opened.subjects is None:
        return rows_by_key(connection, opened.row_keys, old.snapshot)
    rows = (rows_of_subject(connection, one, old.snapshot) for one in opened.subjects)
    return merged([NO_ROWS, *rows])


def earlier_request(workspace: Workspace, request: ForgetRequest) -> deletions.Request | None:
    """Return the recorded request of just these ids, if there is one."""
    with writing_index(workspace) as connection:
        known = [
            deletions.exclusion(connection, *entries)
            for entries in request.entries(workspace.keys())
        ]
        ids = {entry.request for entry in known if entry is not None}
        if len(ids) != 1 or None in known:
            return None
        return deletions.find_request(connection, ids.pop())
