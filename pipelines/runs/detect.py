"""A search for poisoned rows in a live model: from a question to the ids that are proposed.

Nothing is deleted here. What is found is for a person, or a queue, to decide on.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lineage_store.data import EVAL, Record, Schema, SourceRow, rows_by_key
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.index.models import find_model
from lineage_store.ledger import Ledger, open_ledger
from lineage_store.progress import counter
from lineage_store.rows import Rows, RowStore, joined, open_rows
from lineage_store.sources import AS_IT_IS, Given, Reading, Source, open_source, records_of
from lineage_store.workspace import Workspace
from unlearning.encoding import RowEncoding, typed
from unlearning.families import Family, Learner, encoding_of_ledger, family_of_ledger
from unlearning.fitting import learner_of
from unlearning.poison import SourceVerdict

PROVENANCE = "provenance"
METHODS = ("loss", "spectral", PROVENANCE)
MOST_SOURCES = 100


@dataclass(frozen=True)
class DetectRequest:
    """What is asked: a method, for a model, with the files that it was trained on.

    `share` goes with loss and spectral; `trusted` and `source` with provenance.
    """

    method: str
    sources: tuple[Source, ...]
    row_id: str
    model: str | None = None
    share: float = 0.02
    trusted: Given | None = None
    reading: Reading = AS_IT_IS
    source: str | None = None

    def check(self) -> None:
        """Raise BadInput for options that do not go together."""
        if self.method not in METHODS:
            raise BadInput(f"There is no method {self.method!r}; there are: {', '.join(METHODS)}.")
        both = self.trusted is not None and self.source is not None
        if self.method == PROVENANCE and not both:
            raise BadInput("The method provenance needs `trusted` and `source`.")
        if self.method != PROVENANCE and (self.trusted or self.source):
            raise BadInput("`trusted` and `source` go with `method` provenance.")
        if not 0 < self.share <= 0.5:
            raise BadInput(f"`share` is {self.share}: it is above 0 and at most 0.5.")


@dataclass(frozen=True)
class Detected:
    """The ids proposed, most suspicious first; of `rows` training rows.

    `held_out` says whether the loss was that of models that had not seen the rows; `sources` are
    the verdicts of provenance.
    """

    model: str
    method: str
    rows: int
    ids: tuple[str, ...]
    held_out: bool
    sources: tuple[SourceVerdict, ...] = ()


@dataclass(frozen=True)
class Opened:
    """A live classifier that can be asked about its training rows."""

    id: str
    family: Family
    ledger: Ledger
    store: RowStore

    @cached_property
    def learner(self) -> Learner:
        """The model, in this process."""
        self.family.pin()
        return learner_of(self.ledger, self.store)()

    @property
    def rows(self) -> int:
        """The number of its training rows."""
        return sum(map(sum, self.store.counts))


def detect(workspace: Workspace, request: DetectRequest) -> Detected:
    """Look for poisoned rows; the workspace is held for writing, as for any training.

    Raises BadInput for a model that is not live or no classifier or cannot be asked so, and for
    files that are not those that it was trained on.
    """
    request.check()
    model = _opened(workspace, request.model)
    by_key = rows_by_key(
        request.sources,
        row_id=request.row_id,
        label=model.store.schema.label.name,
        keys=workspace.keys(),
        source=request.source,
    )
    if request.method == PROVENANCE:
        return _by_provenance(workspace, request, model, by_key)
    from unlearning.poison import DETECTORS

    shards = model.ledger.final_weights()
    keys = DETECTORS[request.method](model.learner, shards, model.store, request.share)
    ids = tuple(_known(by_key, key.tobytes()).id for key in keys)
    held_out = request.method == "loss" and sum(map(bool, shards)) > 1
    return Detected(model.id, request.method, model.rows, ids, held_out)


def _opened(workspace: Workspace, name: str | None) -> Opened:
    with reading_index(workspace) as connection:
        record = find_model(connection, name)
    if record.state != "live":
        raise BadInput(f"The model {record.id} is {record.state}: nothing is left of it.")
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    store = open_rows(workspace.absolute(record.paths["rows"]))
    if not store.schema.labels:
        raise BadInput(
            f"The model {record.id} learns without a label: poison is looked for in classes."
        )
    if len(store.schema.labels) > 1:
        raise BadInput(
            f"The model {record.id} tells several labels, and poison is looked for in one: train a "
            f"model of one of them."
        )
    if store.schema.label.task != "classification":
        raise BadInput(f"The model {record.id} predicts numbers: poison is looked for in classes.")
    return Opened(record.id, family_of_ledger(ledger), ledger, store)


def _by_provenance(
    workspace: Workspace, request: DetectRequest, model: Opened, by_key: dict[bytes, SourceRow]
) -> Detected:
    from unlearning.poison import judge, shard_rows

    rows = joined([part for _, part in shard_rows(model.store)])
    known = [_known(by_key, key.tobytes()) for key in rows.row_keys]
    present = sorted({one.source for one in known})
    if not 1 < len(present) <= MOST_SOURCES:
        raise BadInput(
            f"The source column names {len(present):,} sources, and each is left out once: it has "
            f"2 to {MOST_SOURCES}."
        )
    number = {source: place for place, source in enumerate(present)}
    sources = np.array([number[one.source] for one in known])
    assert request.trusted is not None
    schema = replace(model.store.schema, weights=())  # an answer is right without one
    reading = request.reading.knowing(column.name for column in schema.all)
    encoding = encoding_of_ledger(model.ledger, schema)
    verdicts = judge(
        model.learner,
        rows=rows,
        sources=sources,
        trusted=trusted_rows(open_source(request.trusted, reading), schema, encoding),
        partition=model.ledger.partition,
        like=model.store,
        folder=workspace.temporary / "detect",
        progress=counter("sources", len(present)),
    )
    suspect = {verdict.source for verdict in verdicts if verdict.suspect}
    ids = tuple(
        one.id for one, source in zip(known, sources.tolist(), strict=True) if source in suspect
    )
    return Detected(model.id, PROVENANCE, len(rows), ids, False, verdicts)


def _known(by_key: dict[bytes, SourceRow], key: bytes) -> SourceRow:
    if key not in by_key:
        raise BadInput(
            "Rows of the model are not in the files given: give all that it was trained on, and "
            "the column that was its `row_id`."
        )
    return by_key[key]


def trusted_rows(source: Source, schema: Schema, encoding: RowEncoding) -> Rows:
    """Read the rows that are trusted, in the columns of a model and as it reads them.

    Its other columns are ignored. Raises BadInput for a file that cannot be read, lacks a column,
    or has no row with a class that the model knows.
    """
    names = source.columns()
    lines = [dict(zip(names, fields, strict=True)) for _, fields in records_of(source)]
    if not lines or not {column.name for column in schema.all} <= {*names}:
        raise BadInput(
            f"The trusted file {source.name} has no rows, or not the columns of the model."
        )
    records = []
    for line in lines:
        if schema.label.canonical(line[schema.label.name]) not in schema.label.classes:
            continue
        values = [column.canonical(line[column.name]) or "" for column in schema.all]
        records.append(Record(bytes(16), (), b"", EVAL, values))
    if not records:
        raise BadInput(
            f"No row of the trusted file {source.name} has a class that the model knows."
        )
    return encoding.encode(typed(records, schema))
