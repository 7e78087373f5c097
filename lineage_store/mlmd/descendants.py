"""What is live and came of a line's data, found without a walk through what has ended.

A walk from the data down meets the units of all past models. So what is live is looked up:

    units      by their names: the ledger of the live model says which there are
    the rest   by type; each is followed up to the first artifacts that are a model's own, which its
               record names by their URIs, or to units, whose names say of which model they are

That costs the units of one model and a few nodes a run of a pipeline, however much was trained in
the past, and misses nothing that hangs on a deleted node: whoever makes something of an erased
model after its end has it among the rest. Units that no live ledger accounts for are the doctor's.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set

from lineage_store.index.descent import families_from
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.shards import Ledger
from lineage_store.mlmd.live_nodes import ENDING, live_files
from lineage_store.mlmd.metadata_store import INPUTS, OUTPUTS, Metadata, pb, pieces
from lineage_store.mlmd.names import Names
from lineage_store.mlmd.stand_ins import uris_of
from lineage_store.workspace.folder import Workspace


def live_descendants(
    metadata: Metadata,
    workspace: Workspace,
    records: Collection[ModelRecord],
    *,
    family: str,
    ledger: Ledger,
) -> list[pb.Artifact]:
    """Return the live artifacts downstream of the data of a family, its data included.

    `records` are those of all models, `ledger` is that of the family's live one. Without what comes
    of the data of families that were ever trained from it.
    """
    names = Names(workspace.keys().key_id)
    units = metadata.by_external_id(live_files(ledger, names)).values()
    found = [one for one in units if one.state != pb.Artifact.DELETED]
    rest = {
        node.id: node
        for kind in metadata.store.get_artifact_types()
        if kind.name not in ENDING
        for node in metadata.store.get_artifacts_by_type(kind.name)
    }
    families = {record.id: record.family for record in records}
    owners = {
        uri: record.family
        for record in records
        if "examples" in record.paths
        for uri in uris_of(workspace, record).values()
    }
    own = {one.id: {owners[uri]} for one in rest.values()
           if (uri := metadata.places.here(one.uri)) in owners}  # fmt: skip
    live = [one for one in rest.values() if one.state != pb.Artifact.DELETED]
    origins = _Origins(metadata, names, families, own, rest.keys())
    came_of = origins.of(one.id for one in live)
    later = families_from(list(records), family)
    found += [
        one for one in live if family in came_of[one.id] and later.isdisjoint(came_of[one.id])
    ]
    return found


class _Origins:
    """Says of artifacts from which families they come, as far as the nearest say it."""

    def __init__(
        self,
        metadata: Metadata,
        names: Names,
        families: Mapping[str, str],
        own: Mapping[int, set[str]],
        rest: Set[int],
    ) -> None:
        self._metadata, self._names, self._families = metadata, names, families
        self._known, self._rest = dict(own), rest

    def of(self, ids: Iterable[int]) -> Mapping[int, set[str]]:
        """Return the families that each artifact comes from."""
        made_from: dict[int, set[int]] = defaultdict(set)
        wanted = set(ids)
        frontier = wanted - self._known.keys()
        seen = set(frontier)
        while frontier:
            near = self._made_from(frontier)
            for one, inputs in near.items():
                made_from[one] |= inputs
            reached = {other for inputs in near.values() for other in inputs} - self._known.keys()
            self._ask_units(reached - self._rest)
            frontier = reached - seen - self._known.keys()
            seen |= frontier
        return self._spread(wanted | seen, made_from)

    def _made_from(self, ids: Iterable[int]) -> dict[int, set[int]]:
        """Return the inputs of what made each artifact."""
        store = self._metadata.store
        makers: dict[int, set[int]] = defaultdict(set)
        for piece in pieces(sorted(ids)):
            for event in store.get_events_by_artifact_ids(piece):
                if event.type in OUTPUTS:
                    makers[event.execution_id].add(event.artifact_id)
        found: dict[int, set[int]] = defaultdict(set)
        for piece in pieces(sorted(makers)):
            for event in store.get_events_by_execution_ids(piece):
                if event.type in INPUTS:
                    for made in makers[event.execution_id]:
                        found[made].add(event.artifact_id)
        return found

    def _ask_units(self, ids: Iterable[int]) -> None:
        """Note of which family units are; those of other workspaces are of none, and end a way."""
        for unit in self._metadata.artifacts(ids):
            ours = unit.external_id.startswith(self._names.of("", "")[:-1])
            family = self._families.get(self._metadata.node(unit).model or "") if ours else None
            self._known[unit.id] = set() if family is None else {family}

    def _spread(
        self, ids: Iterable[int], made_from: Mapping[int, set[int]]
    ) -> Mapping[int, set[str]]:
        made: dict[int, set[int]] = defaultdict(set)
        for one, inputs in made_from.items():
            for other in inputs:
                made[other].add(one)
        found = {one: set(self._known.get(one, ())) for one in (*ids, *made)}
        todo = [one for one in found if found[one]]
        while todo:
            one = todo.pop()
            for other in made[one]:
                if not found[one] <= found[other]:
                    found[other] |= found[one]
                    todo.append(other)
        return found
