"""The graph read from MLMD: what the store's own events say, whole, or an error."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_store.errors import CheckFailed
from lineage_store.graph.closure import artifact_key, execution_key
from lineage_store.mlmd.metadata_store import Metadata, pb
from lineage_store.mlmd.read_graph import read_lineage
from lineage_store.workspace.metadata_address import sqlite_file

SIZE = 9
PLACES = st.tuples(
    st.integers(0, SIZE - 1),
    st.integers(0, SIZE - 1),
    st.sampled_from(
        [pb.Event.INPUT, pb.Event.OUTPUT, pb.Event.DECLARED_INPUT, pb.Event.PENDING_OUTPUT]
    ),
)


def store_of(folder, events):
    """Make an MLMD store of some batches and steps, and put the events given by places."""
    metadata = Metadata(sqlite_file(folder / "metadata.sqlite"), create=True)
    batch, step = metadata.artifact_type("lineage.Batch"), metadata.execution_type("lineage.Step")
    states = [pb.Artifact.DELETED if n % 3 == 0 else pb.Artifact.LIVE for n in range(SIZE)]
    artifacts = metadata.store.put_artifacts([pb.Artifact(type_id=batch, state=s) for s in states])
    executions = metadata.store.put_executions([pb.Execution(type_id=step) for _ in range(SIZE)])
    put = [
        pb.Event(artifact_id=artifacts[a], execution_id=executions[e], type=kind)
        for a, e, kind in events
    ]
    if put:
        metadata.store.put_events(put)
    return metadata


@settings(max_examples=15, deadline=None)
@given(events=st.lists(PLACES, max_size=30, unique=True), at_once=st.integers(1, 12))
def test_closures_of_a_real_store_are_those_of_networkx_and_of_the_calls(
    new_folder, events, at_once
):
    metadata = store_of(new_folder(), events)
    lineage = read_lineage(metadata, at_once=at_once)
    other = nx.DiGraph()
    for artifact in metadata.store.get_artifacts():
        other.add_node(("a", artifact.id))
    for execution in metadata.store.get_executions():
        other.add_node(("e", execution.id))
        for event in metadata.store.get_events_by_execution_ids([execution.id]):
            ends = ("a", event.artifact_id), ("e", event.execution_id)
            if event.type in (pb.Event.INPUT, pb.Event.DECLARED_INPUT):
                other.add_edge(*ends)
            elif event.type == pb.Event.OUTPUT:
                other.add_edge(*ends[::-1])
    keys = {node: (artifact_key if node[0] == "a" else execution_key)(node[1]) for node in other}
    assert lineage.graph.keys.tolist() == sorted(keys.values())
    for node, key in keys.items():
        down = {keys[n] for n in nx.descendants(other, node)} - {key}
        up = {keys[n] for n in nx.ancestors(other, node)} - {key}
        assert set(lineage.graph.downstream([key]).tolist()) == down
        assert set(lineage.graph.upstream([key]).tolist()) == up
        if node[0] == "a":
            assert metadata.downstream([node[1]]) == {k // 2 for k in down if k % 2 == 0}
            assert metadata.upstream([node[1]]) == {k // 2 for k in up if k % 2 == 0}


def test_types_and_states_stand_with_their_nodes(tmp_path):
    metadata = store_of(tmp_path, [(0, 0, pb.Event.INPUT)])
    lineage = read_lineage(metadata)
    for artifact in metadata.store.get_artifacts():
        place = np.searchsorted(lineage.graph.keys, artifact_key(artifact.id))
        assert lineage.deleted[place] == (artifact.state == pb.Artifact.DELETED)
        assert lineage.kind(artifact_key(artifact.id)) == "lineage.Batch"
    assert lineage.kind(execution_key(1)) == "lineage.Step"
    assert lineage.deleted.sum() == 3


def test_an_empty_store_is_an_empty_graph(tmp_path):
    lineage = read_lineage(Metadata(sqlite_file(tmp_path / "metadata.sqlite"), create=True))
    assert len(lineage.graph.keys) == lineage.graph.edges == 0


@pytest.mark.parametrize("what", ["event", "artifact", "execution"])
def test_a_graph_that_changes_while_it_is_read_is_no_answer(tmp_path, what):
    metadata = store_of(tmp_path, [(0, 0, pb.Event.INPUT), (0, 1, pb.Event.OUTPUT)])
    store = metadata.store

    class Disturbed:
        """The real store, which another writer changes as soon as the events have been read."""

        def __init__(self):
            self.done = False

        def __getattr__(self, name):
            return getattr(store, name)

        def get_events_by_execution_ids(self, ids):
            events = store.get_events_by_execution_ids(ids)
            if not self.done:
                self.done = True
                if what == "event":
                    new = pb.Event(artifact_id=2, execution_id=1, type=pb.Event.INPUT)
                    store.put_events([new])
                elif what == "artifact":
                    store.put_artifacts(
                        [pb.Artifact(type_id=metadata.artifact_type("lineage.Shard"))]
                    )
                else:
                    kind = metadata.execution_type("lineage.Stage")
                    store.put_executions([pb.Execution(type_id=kind)])
            return events

    metadata.store = Disturbed()
    with pytest.raises(CheckFailed, match="ask again"):
        read_lineage(metadata)
