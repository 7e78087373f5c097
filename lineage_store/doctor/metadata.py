"""MLMD against what it should hold: nodes and events that are missing, wrong or too many.

Both stores are read piece by piece. Nodes are the same if their external ids are; TFX's artifacts,
which have none, if type and URI are. MLMD keeps the history of what was erased, and no ledger does:
nodes of ended models that nothing accounts for are right if they are DELETED. What differs comes
with the node or event that puts it right, which `repair_metadata` writes.

An older version wrote more: properties and URIs with digests and counts, which updates a
subtraction took back, and no unit of a step without rows. None of that is a difference.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from lineage_store.doctor.differences import Difference
from lineage_store.doctor.rebuilt_metadata import Rebuilt
from lineage_store.mlmd import stand_ins
from lineage_store.mlmd.live_nodes import ENDING
from lineage_store.mlmd.metadata_store import INPUTS, Metadata, pb
from lineage_store.mlmd.names import place_of
from lineage_store.mlmd.pages import artifact_pages, execution_pages

ARTIFACT_STATES = dict(pb.Artifact.State.items())
EXECUTION_STATES = dict(pb.Execution.State.items())

OLDER_URI = "urn:sha256:"
OLDER_INPUTS = ("lineage.Subtraction",)

Node = Any  # pb.Artifact | pb.Execution, which have most of their fields in common


@dataclass(frozen=True)
class Mismatch:
    """One thing that differs; `right` is the node or event to be written, None if there is none.

    A node has its id in MLMD, or none if it is to be made; an event has both ids in MLMD.
    """

    kind: str
    what: str
    right: Node | None


def compare_metadata(rebuilt: Rebuilt, actual: Metadata) -> tuple[Difference, ...]:
    """Compare MLMD with what it should hold; equal differences are counted together."""
    found = Counter(
        (one.kind, one.what, one.right is not None)
        for one in chain(artifacts(rebuilt, actual), executions(rebuilt, actual),
                         events(rebuilt, actual))
    )  # fmt: skip
    return tuple(
        Difference(f"MLMD, {kind}", f"{count:,} {what}", repairable)
        for (kind, what, repairable), count in sorted(found.items())
    )


def artifacts(rebuilt: Rebuilt, actual: Metadata) -> Iterator[Mismatch]:
    """Yield the artifacts that are missing, wrong, or too many."""
    for piece in artifact_pages(rebuilt.metadata):
        named = actual.by_external_id(node.external_id for node in piece if node.external_id)
        for node in piece:
            kind = rebuilt.metadata.type_name(node.type_id)
            known = named.get(node.external_id) if node.external_id else stand_ins.find(
                actual, kind, node.uri
            )  # fmt: skip
            if known is None and node.external_id in rebuilt.untaken:
                continue
            if known is not None and actual.type_name(known.type_id) != kind:
                yield Mismatch(kind, "of another type", None)
                continue
            older = node.external_id in rebuilt.taken_back
            if older and known is not None and known.state == pb.Artifact.DELETED:
                continue
            yield from _node(
                node, known, kind, actual=actual, state="state", states=ARTIFACT_STATES
            )
    for piece in artifact_pages(actual):
        ours = [node for node in piece if _is_ours(rebuilt, node)]
        expected = rebuilt.metadata.by_external_id(node.external_id for node in ours)
        for node in ours:
            kind = actual.type_name(node.type_id)
            if node.external_id in expected or node.state == pb.Artifact.DELETED:
                continue
            if kind in ENDING and _model(node) in rebuilt.ended:
                right = _copy(node)
                right.state = pb.Artifact.DELETED
                yield Mismatch(kind, "LIVE that no live model accounts for", right)
            else:
                yield Mismatch(kind, "that nothing on disk accounts for", None)


def executions(rebuilt: Rebuilt, actual: Metadata) -> Iterator[Mismatch]:
    """Yield the executions that are missing, wrong, or too many."""
    wanted = {kind.id: kind.name for kind in rebuilt.metadata.store.get_execution_types()}
    kinds = {kind.id: kind.name for kind in actual.store.get_execution_types()}
    for piece in execution_pages(rebuilt.metadata):
        named = actual.executions_by_external_id(node.external_id for node in piece)
        for node in piece:
            known = named.get(node.external_id)
            kind = wanted[node.type_id]
            if known is None and node.external_id in rebuilt.untaken:
                continue
            if known is not None and kinds[known.type_id] != kind:
                yield Mismatch(kind, "of another type", None)
                continue
            yield from _node(
                node, known, kind, actual=actual, state="last_known_state", states=EXECUTION_STATES
            )
    for piece in execution_pages(actual):
        ours = [node for node in piece if _is_ours(rebuilt, node)]
        expected = rebuilt.metadata.executions_by_external_id(node.external_id for node in ours)
        for node in ours:
            past = _model(node) in rebuilt.ended
            if node.external_id not in expected and not past and not _is_stand_in(node):
                yield Mismatch(kinds[node.type_id], "that nothing on disk accounts for", None)


def events(rebuilt: Rebuilt, actual: Metadata) -> Iterator[Mismatch]:
    """Yield the events that are missing, or too many, between nodes that both stores have."""
    kinds = {kind.id: kind.name for kind in rebuilt.metadata.store.get_execution_types()}
    for piece in execution_pages(rebuilt.metadata):
        named = actual.executions_by_external_id(node.external_id for node in piece)
        there = {node.id: named[node.external_id] for node in piece if node.external_id in named}
        wanted = rebuilt.metadata.store.get_events_by_execution_ids(sorted(there)) if there else []
        places = _places(rebuilt.metadata, actual, {event.artifact_id for event in wanted})
        present = actual.store.get_events_by_execution_ids(
            sorted(node.id for node in there.values())
        ) if there else []  # fmt: skip
        known = {_key(event) for event in present}
        right = [
            pb.Event(
                type=event.type,
                execution_id=there[event.execution_id].id,
                artifact_id=places[event.artifact_id],
            )
            for event in wanted
            if event.artifact_id in places
        ]
        kind_of = {there[node.id].id: kinds[node.type_id] for node in piece if node.id in there}
        for event in right:
            if _key(event) not in known:
                yield Mismatch(kind_of[event.execution_id], "missing among their events", event)
        # An ended model's executions have events with what was erased since.
        whole = {node.id for node in there.values() if _model(node) not in rebuilt.ended}
        expected = {_key(event) for event in right}
        for event in present:
            older = event.type in INPUTS and kind_of[event.execution_id] in OLDER_INPUTS
            if event.execution_id in whole and not older and _key(event) not in expected:
                yield Mismatch(kind_of[event.execution_id], "too many among their events", None)


def _node(
    right: Node,
    known: Node | None,
    kind: str,
    *,
    actual: Metadata,
    state: str,
    states: dict[str, int],
) -> Iterator[Mismatch]:
    """Compare a node with the one that MLMD has; a deleted one keeps its last file."""
    names = {number: name for name, number in states.items()}
    if known is None:
        made = _copy(right)
        made.ClearField("id")
        yield Mismatch(kind, "missing", made)
        return
    mended = _copy(known)
    wanted = getattr(right, state)
    if getattr(known, state) != wanted:
        setattr(mended, state, wanted)
        yield Mismatch(kind, f"not {names[wanted]}", mended)
    if not right.external_id:
        return  # TFX's: what else it says is TFX's matter
    if (
        isinstance(right, pb.Artifact)
        and wanted != pb.Artifact.DELETED
        and actual.places.here(known.uri) != right.uri
        and not known.uri.startswith(OLDER_URI)
    ):
        mended.uri = right.uri
        yield Mismatch(kind, "with another URI", mended)
    for name in sorted(right.custom_properties):
        if known.custom_properties.get(name) != right.custom_properties[name]:
            mended.custom_properties[name].CopyFrom(right.custom_properties[name])
            yield Mismatch(kind, f"with another `{name}`", mended)


def _places(rebuilt: Metadata, actual: Metadata, ids: Iterable[int]) -> dict[int, int]:
    """Return the ids that artifacts of the rebuilt store have in MLMD."""
    nodes = rebuilt.artifacts(ids)
    named = actual.by_external_id(node.external_id for node in nodes if node.external_id)
    found = {}
    for node in nodes:
        if node.external_id:
            known = named.get(node.external_id)
        else:
            known = stand_ins.find(actual, rebuilt.type_name(node.type_id), node.uri)
        if known is not None:
            found[node.id] = known.id
    return found


def _key(event: pb.Event) -> tuple[int, int, bool]:
    return event.execution_id, event.artifact_id, event.type in INPUTS


def _copy(node: Node) -> Node:
    made = type(node)()
    made.CopyFrom(node)
    return made


def _model(node: Node) -> str:
    if "model" in node.custom_properties:
        return str(node.custom_properties["model"].string_value)
    return str(place_of(node.external_id).get("model", ""))


def _is_ours(rebuilt: Rebuilt, node: Node) -> bool:
    return bool(node.external_id.startswith(f"unweave:{rebuilt.names.key_id}:"))


def _is_stand_in(node: Node) -> bool:
    return stand_ins.REBUILT in node.custom_properties
