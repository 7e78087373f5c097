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

from collections.abc import Iterable, Mapping, Sequence
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
            f"anew: run unweave doctor --repair, which makes again what can be."
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
    named = {names.unit(record.unit): record for record in piece}
    new: dict[str, UnitRecord] = {}
    asked = False

    def missing() -> Subgraph | None:
        nonlocal new, asked
        nodes = _Nodes(metadata, names, given)
        nodes.look_for(one.unit for one in piece if asked or _stage(one.unit) not in begun)
        asked = True  # a try that failed was not the first to write them
        new = {name: one for name, one in named.items() if name not in nodes.there}
        ends = {end for one in new.values() for end in (*one.inputs, *one.feeds)} - given.keys()
        nodes.look_for(end for end in ends if names.unit(end) not in named)
        for name, record in new.items():
            nodes.add(name, record)
        return nodes.graph if new else None

    write_once(missing)
    begun |= {place for one in new.values() if (place := _stage(one.unit)) == one.unit.place}


def _stage(unit: Unit) -> Place | None:
    """Return the place of the stage that a unit belongs to, if it belongs to one."""
    place = unit.place
    return None if place.stage is None else Place(place.model, place.shard, place.stage)


class _Nodes:
    """Nodes by name: those that MLMD has, and the places of those that a subgraph adds."""

    def __init__(self, metadata: Metadata, names: Names, given: Mapping[Unit, int]) -> None:
        self.metadata, self.names, self.given = metadata, names, given
        self.there: dict[str, Any] = {}  # pb.Artifact | pb.Execution
        self.graph = Subgraph(metadata)
        self.places: dict[str, int] = {}

    def look_for(self, units: Iterable[Unit]) -> None:
        """Read those of some units that MLMD has."""
        wanted: dict[bool, set[str]] = {True: set(), False: set()}
        for unit in units:
            wanted[UNIT_TYPES[unit.kind].execution].add(self.names.unit(unit))
        self.there |= self.metadata.by_external_id(wanted[False])
        self.there |= self.metadata.executions_by_external_id(wanted[True])

    def add(self, name: str, record: UnitRecord) -> None:
        """Add a unit with all its edges."""
        kind, values = UNIT_TYPES[record.unit.kind], _identity(record.unit.place)
        if kind.execution:
            self.places[name] = self.graph.execution(kind.name, name, values, running=record.open)
            for end in record.inputs:
                self._edge(record.unit, end, pb.Event.INPUT)
            for end in record.feeds:
                self._edge(record.unit, end, pb.Event.OUTPUT)
            return
        uri = "" if record.file is None else str(record.file)
        self.places[name] = self.graph.artifact(kind.name, name, values, uri=uri)
        for end in record.inputs:
            self._end(self.names.unit(end))
            self._edge(end, record.unit, pb.Event.OUTPUT)
        for end in record.feeds:
            self._edge(end, record.unit, pb.Event.INPUT)

    def _edge(self, execution: Unit, artifact: Unit, kind: "pb.Event.Type") -> None:
        event = pb.Event(type=kind)
        from_place, from_id = self._find(execution)
        to_place, to_id = self._find(artifact)
        if from_place is None and from_id:
            event.execution_id = from_id
        if to_place is None and to_id:
            event.artifact_id = to_id
        if (from_place is not None or from_id) and (to_place is not None or to_id):
            self.graph.edges.append((from_place, to_place, event))

    def _find(self, unit: Unit) -> tuple[int | None, int]:
        """Return the place of a unit in the subgraph, or else its id in MLMD, 0 if it has none."""
        if unit in self.given:
            return None, self.given[unit]
        name = self.names.unit(unit)
        return self.places.get(name), self.there[name].id if name in self.there else 0

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
    told = {"model": place.model, "shard": place.shard, "stage": place.stage}
    return {name: value for name, value in told.items() if value is not None}


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
