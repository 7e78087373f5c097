"""What happened, as the log tells it: the runs, and what each of them used, made and ended.

A run is a training, a deletion or a retirement. Things are models (`m1`), the rows that a model
learnt from (`m1.data`) and the certificates of deletions (`r1.certificate`). Runs are named by the
UUIDv5 of the event that they begin with: of the log's key and the event's number, not of its leaf,
since an earlier unweave logged digests.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from lineage_store.keys import key_id, load_public_key
from lineage_store.log import (
    DeletionAsked,
    DeletionTakenBack,
    ModelMade,
    ModelRetired,
    RowsDeleted,
    of_kind,
)
from lineage_store.log.events import Event
from lineage_store.workspace import Workspace

RunKind = Literal["training", "deletion", "retirement"]
RunState = Literal["running", "done", "failed"]
Relation = Literal["used", "made", "ended", "derived", "revised"]
OF_AN_EVENT = "https://unweave.dev/log/{key}/{seq}"
SHORT = 16  # digits of the key's name: enough to tell workspaces apart


@dataclass(frozen=True, kw_only=True)
class PastModel:
    """A model that there was or is; `commitments` are to its weights, ledger and served files.

    An earlier unweave logged digests in their place, which no export repeats (law 9).
    """

    id: str
    line: str
    guarantee: str
    created: str
    base: str | None
    commitments: Mapping[str, str]
    ended: str | None = None

    @property
    def data(self) -> str:
        """The name of what it learnt from."""
        return f"{self.id}.data"


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """A training or retirement of a model, or a deletion; without an end it is not over.

    `replaced` are the models that it ended, each with what took its place.
    """

    id: str
    kind: RunKind
    of: str
    started: str
    ended: str | None = None
    failed: bool = False
    made: tuple[str, ...] = ()
    replaced: Mapping[str, str | None] = field(default_factory=dict)
    certificate: str | None = None

    @property
    def state(self) -> RunState:
        """Whether it is over, and how."""
        if self.ended is None:
            return "running"
        return "failed" if self.failed else "done"


@dataclass(frozen=True)
class Edge:
    """That a run `used`, `made` or `ended` a thing, or a thing is `derived` from or `revised` one.

    A revision takes the place of what it was made from.
    """

    run: PastRun
    relation: Relation
    thing: str
    earlier: str | None = None


@dataclass(frozen=True, kw_only=True)
class History:
    """All runs and models, oldest first; `key` names the log, and so the workspace."""

    key: str
    runs: tuple[PastRun, ...]
    models: Mapping[str, PastModel]

    @property
    def workspace(self) -> str:
        """What the workspace is called by others."""
        return f"unweave:{self.key[:SHORT]}"

    def id_of(self, seq: int) -> str:
        """Return the UUIDv5 of an event of the log, by its number."""
        return _id_of(self.key, seq)

    def certificate_of(self, run: PastRun) -> str | None:
        """Return the digest of a deletion's certificate; None where that holds others (law 9)."""
        of_today = all(self.models[one].commitments for one in run.replaced if one in self.models)
        return run.certificate if of_today else None

    def edges(self) -> Iterator[Edge]:
        """Yield all edges, run by run."""
        return chain.from_iterable(map(self.edges_of, self.runs))

    def edges_of(self, run: PastRun) -> Iterator[Edge]:
        """Yield the edges of one run: what it used, what it made and from what, what it ended."""
        gone = [thing for one in run.replaced for thing in (one, f"{one}.data")]
        bases = {self.models[one].base: None for one in run.made if self.models[one].base}
        used = [] if run.kind == "retirement" else gone
        yield from (Edge(run, "used", one) for one in used)
        yield from (Edge(run, "used", one) for one in bases if one and one not in run.made)
        for name in run.made:
            model = self.models[name]
            yield Edge(run, "made", model.data)
            yield Edge(run, "made", name)
            yield Edge(run, "derived", name, model.data)
            if model.base is not None:
                yield Edge(run, "derived", name, model.base)
        if run.certificate is not None:
            yield Edge(run, "made", f"{run.of}.certificate")
        for before, after in run.replaced.items():
            if after is not None:
                yield Edge(run, "revised", after, before)
                yield Edge(run, "revised", f"{after}.data", f"{before}.data")
        yield from (Edge(run, "ended", one) for one in gone)


def read_history(connection: sqlite3.Connection, workspace: Workspace) -> History:
    """Read what happened from the log; raises BadInput without the workspace's public key."""
    telling = _Telling(key_id(load_public_key(workspace.public_key)))
    for event, what in _logged(connection):
        match what:
            case ModelMade():
                telling.model_made(event, what)
            case DeletionAsked():
                telling.deletion(event, what.request)
            case DeletionTakenBack():
                telling.end(telling.deletion(event, what.request), event, failed=True)
            case RowsDeleted():
                run = telling.deletion(event, what.request)
                run = replace(run, replaced=what.models, certificate=what.certificate)
                telling.end(run, event)
            case ModelRetired():
                run = telling.begin(event, "retirement", what.model)
                telling.end(replace(run, replaced={what.model: None}), event)
    return History(key=telling.key, runs=tuple(telling.runs.values()), models=telling.models)


class _Telling:
    """What was told so far: the runs by their ids, the models by theirs, the deletions begun.

    A deletion that was taken back gives its own id away to the next one.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.runs: dict[str, PastRun] = {}
        self.models: dict[str, PastModel] = {}
        self.begun: dict[str, str] = {}

    def begin(self, event: Event, kind: RunKind, of: str) -> PastRun:
        name = _id_of(self.key, event.seq)
        self.runs[name] = PastRun(id=name, kind=kind, of=of, started=event.time)
        return self.runs[name]

    def deletion(self, event: Event, request: str) -> PastRun:
        if request not in self.begun:
            self.begun[request] = self.begin(event, "deletion", request).id
        return self.runs[self.begun[request]]

    def end(self, run: PastRun, event: Event, *, failed: bool = False) -> None:
        self.runs[run.id] = replace(run, ended=event.time, failed=failed)
        self.begun.pop(run.of, None)
        for one in run.replaced:
            if one in self.models:
                self.models[one] = replace(self.models[one], ended=event.time)

    def model_made(self, event: Event, made: ModelMade) -> None:
        self.models[made.model] = _model(event, made)
        if made.request is None:
            run = self.begin(event, "training", made.model)
            self.end(replace(run, made=(made.model,)), event)
        else:
            run = self.deletion(event, made.request)
            self.runs[run.id] = replace(run, made=(*run.made, made.model))


Logged = ModelMade | DeletionAsked | DeletionTakenBack | RowsDeleted | ModelRetired


def _logged(connection: sqlite3.Connection) -> list[tuple[Event, Logged]]:
    """Return what the log tells of models and deletions, in its order."""
    found: list[tuple[Event, Logged]] = [
        *of_kind(connection, ModelMade),
        *of_kind(connection, DeletionAsked),
        *of_kind(connection, DeletionTakenBack),
        *of_kind(connection, RowsDeleted),
        *of_kind(connection, ModelRetired),
    ]
    return sorted(found, key=lambda pair: pair[0].seq)


def _id_of(key: str, seq: int) -> str:
    return str(uuid5(NAMESPACE_URL, OF_AN_EVENT.format(key=key, seq=seq)))


def _model(event: Event, made: ModelMade) -> PastModel:
    commitments: dict[str, str] = {}
    if made.served is not None:  # else they are digests
        commitments = {"weights": made.weights, "ledger": made.ledger, "served": made.served}
    return PastModel(
        id=made.model,
        line=made.family,
        guarantee=made.guarantee,
        created=event.time,
        base=made.base,
        commitments=commitments,
    )
