"""From a ledger to MLMD: what there is and what came of what (identity and edges), nothing else.

    Rows -> Placement -> Shard -> Batching -> Batch -> Step -> Update -> Stage -> Checkpoint
         -> Assembly -> Model (TFX's own) -> Pusher -> PushedModel

MLMD cannot delete, so no digest, count, loss, time or metric is ever written to it: training is
deterministic, and any of these would let anyone test a guess about a row that was deleted since.
They stand in the ledger, which is erased.

One loop writes all units (`lineage_store.ledger.units`), whatever they are. It runs after a
pipeline has succeeded, never inside an executor, and in pieces of bounded size, each atomic: a unit
comes with all its edges to what came before it. What is there already, told by its external id, is
not written again, so a killed ingest is simply run again, and two at once come to the same. What
takes in units that come after it is RUNNING until something comes of it, then COMPLETE.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from lineage_store.errors import MetadataLost
from lineage_store.graph.unit_types import UNIT_TYPES
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.shards import Ledger
from lineage_store.ledger.units import Place, Unit, UnitRecord, assembled, served, unit_records
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.mlmd.names import Names
from lineage_store.mlmd.subgraph import Subgraph, Values, write_once

UNITS_AT_ONCE = 1500  # of 500 steps


def ingest_model(
    metadata: Metadata,
    *,
    names: Names,
    record: ModelRecord,
    ledger: Ledger,
    uris: Mapping[str, str],
    base: Ledger | None = None,
) -> None:
    """Write a model's lineage; `uris` are those of TFX's artifacts `rows` and `model`.

    `base` is the ledger of the model that it was trained from, which is written already.
    """
    if metadata.execution_exists(names.of(record.id, "assembly")):
        return
    rows, model = metadata.by_uri(uris["rows"]), metadata.by_uri(uris["model"])
    if rows is None or model is None:
        raise MetadataLost(
            f"The artifacts of {record.id} are not in ML Metadata, as if it was lost and made "
            f"anew: run unweave doctor `repair`, which makes again what can be."
        )
    shards = range(ledger.partition.shards)
    starts = [] if base is None else [served(base, number) for number in shards]
    checkpoints = [one for number in shards if (one := served(ledger, number)) is not None]
    ingest_units(
        metadata,
        names,
        chain(
            unit_records(ledger, model=record.id, starts=starts),
            [assembled(record.id, checkpoints)],
        ),
        given=ends_of(record, rows=rows.id, model=model.id),
    )


def ends_of(record: ModelRecord, *, rows: int, model: int) -> dict[Unit, int]:
    """Name the ids of TFX's artifacts at the two ends of a model's units."""
    place = Place(record.id)
    return {Unit("rows", place): rows, Unit("model", place): model}


def ingest_units(
    metadata: Metadata,
    names: Names,
    records: Iterable[UnitRecord],
    *,
    given: Mapping[Unit, int],
) -> None:
    """Write the units that MLMD lacks, piece by piece; `given` are ids of artifacts that it has.

    Edges to what MLMD lacks are left out: another model may have been made without TFX.
    """
    remaining, begun = iter(records), set[Place]()
    while piece := list(islice(remaining, UNITS_AT_ONCE)):
        _write_piece(metadata, names, piece, given, begun)


def _write_piece(
    metadata: Metadata,
    names: Names,
    piece: Sequence[UnitRecord],
    given: Mapping[Unit, int],
    begun: set[Place],
) -> None:
    """Write those of a piece that MLMD lacks, and add the stages that it began to `begun`.

    Of a stage that this ingest has begun nothing should be there, so the first try does not ask.
    """
    named = [_Named(record, names) for record in piece]
    known = {names.unit(unit): node for unit, node in given.items()}
    new: list[_Named] = []
    asked = False

    def missing() -> Subgraph | None:
        nonlocal new, asked
        nodes = _Nodes(metadata, known)
        nodes.look_for((one.name, one.record.unit.kind) for one in named
                       if asked or _stage(one.record.unit.place) not in begun)  # fmt: skip
        asked = True  # a try that failed was not the first to write them
        new = [one for one in named if one.name not in nodes.there]
        mine = {one.name for one in new}
        nodes.look_for(
            (name, end.kind)
            for one in new
            for name, end in one.ends()
            if name not in mine and name not in known
        )
        for one in new:
            nodes.add(one)
        return nodes.graph if new else None

    write_once(missing)
    places = (one.record.unit.place for one in new)
    begun |= {place for place in places if place.position is None and place.stage is not None}


def _stage(place: Place) -> Place | None:
    """Return the place of the stage that a unit stands in, if it stands in one."""
    if place.position is None:
        return None if place.stage is None else place
    return Place(place.model, place.shard, place.stage)


class _Named:
    """A record with the names of all its units, each made once: a long run has millions."""

    def __init__(self, record: UnitRecord, names: Names) -> None:
        self.record = record
        self.name = names.unit(record.unit)
        self.inputs = [names.unit(unit) for unit in record.inputs]
        self.feeds = [names.unit(unit) for unit in record.feeds]

    def ends(self) -> Iterator[tuple[str, Unit]]:
        """Give all units that it is joined to, by name."""
        yield from zip(self.inputs, self.record.inputs, strict=True)
        yield from zip(self.feeds, self.record.feeds, strict=True)


class _Nodes:
    """Nodes by name: those that MLMD has, and the places of those that a subgraph adds."""

    def __init__(self, metadata: Metadata, known: Mapping[str, int]) -> None:
        self.metadata, self.known = metadata, known
        self.there: dict[str, Any] = {}  # pb.Artifact | pb.Execution
        self.graph = Subgraph(metadata)
        self.places: dict[str, int] = {}

    def look_for(self, named: Iterable[tuple[str, str]]) -> None:
        """Read what MLMD has of some nodes, each told by its name and its kind of unit."""
        wanted: dict[bool, set[str]] = {True: set(), False: set()}
        for name, kind in named:
            wanted[UNIT_TYPES[kind].execution].add(name)
        self.there |= self.metadata.by_external_id(wanted[False])
        self.there |= self.metadata.executions_by_external_id(wanted[True])

    def add(self, one: _Named) -> None:
        """Add a unit with all its edges."""
        kind, values = UNIT_TYPES[one.record.unit.kind], _identity(one.record.unit.place)
        if kind.execution:
            place = self.graph.execution(kind.name, one.name, values, running=one.record.open)
            self.places[one.name] = place
            for name in one.inputs:
                self._edge(one.name, name, pb.Event.INPUT)
            for name in one.feeds:
                self._edge(one.name, name, pb.Event.OUTPUT)
            return
        uri = "" if one.record.file is None else str(one.record.file)
        self.places[one.name] = self.graph.artifact(kind.name, one.name, values, uri=uri)
        for name in one.inputs:
            self._end(name)
            self._edge(name, one.name, pb.Event.OUTPUT)
        for name in one.feeds:
            self._edge(name, one.name, pb.Event.INPUT)

    def _edge(self, execution: str, artifact: str, kind: "pb.Event.Type") -> None:
        event = pb.Event(type=kind)
        from_place, to_place = self.places.get(execution), self.places.get(artifact)
        if from_place is None:
            if execution not in self.there:
                return
            event.execution_id = self.there[execution].id
        if to_place is None:
            if artifact not in self.there and artifact not in self.known:
                return
            event.artifact_id = self.known.get(artifact) or self.there[artifact].id
        self.graph.edges.append((from_place, to_place, event))

    def _end(self, name: str) -> None:
        """Say of an execution that it is complete, if it was running until now."""
        known = self.there.get(name)
        if known is not None and known.last_known_state == pb.Execution.RUNNING:
            self.places[name] = len(self.graph.executions)
            self.graph.executions.append(known)
        if name in self.places:
            made = self.graph.executions[self.places[name]]
            made.last_known_state = pb.Execution.COMPLETE


def _identity(place: Place) -> Values:
    """Return where a unit stands, for whoever reads MLMD with its own client.

    Steps, batches and updates say it by their external ids alone: MLMD takes its time for every
    property, and a long run has millions of them.
    """
    if place.position is not None:
        return {}
    properties = {"model": place.model, "shard": place.shard, "stage": place.stage}
    return {name: value for name, value in properties.items() if value is not None}


def ingest_deletion(
    metadata: Metadata,
    *,
    names: Names,
    request_id: str,
    certificate_uri: str,
    old_model_uris: Iterable[str],
    new_model_uris: Iterable[str],
    guarantees: dict[str, str],
) -> None:
    """Write a deletion as a lineage event: request and old models in, new ones and proof out.

    When it was, and what its certificate is by digest, the event log says.
    """
    external_id = names.of(request_id, "deletion")
    values: Values = {"request": request_id}
    values |= {f"guarantee_{model}": guarantee for model, guarantee in guarantees.items()}
    # Many artifacts have no URI, and a deletion may have no certificate of TFX's.
    before, after = list(old_model_uris), list(filter(None, (*new_model_uris, certificate_uri)))

    def missing() -> Subgraph | None:
        if metadata.execution_exists(external_id):
            return None
        graph = Subgraph(metadata)
        event = graph.execution("lineage.Deletion", external_id, values)
        request = graph.artifact(
            "lineage.Request", names.of(request_id, "request"), {"request": request_id}
        )
        graph.edge(event, request, pb.Event.INPUT)
        for uris, kind in ((before, pb.Event.INPUT), (after, pb.Event.OUTPUT)):
            for uri in uris:
                if (found := metadata.by_uri(uri)) is not None:
                    graph.edge_to(event, found.id, kind)
        return graph

    write_once(missing)
