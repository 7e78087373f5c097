"""The closure: complete on any graph, as brute force and networkx have it, or an error."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import NothingFound
from lineage_store.graph.closure import (
    FEW,
    artifact_key,
    execution_key,
    graph_of,
    id_of,
    is_execution,
)

NODES = st.integers(0, 25)
EDGES = st.lists(st.tuples(NODES, NODES), max_size=80)
ALONE = st.lists(NODES, max_size=5)


def brute_force(edges, starts):
    """Close over edges by going through all of them until nothing new is reached."""
    reached = set(starts)
    while more := {b for a, b in edges if a in reached} - reached:
        reached |= more
    return reached - set(starts)


@given(EDGES, ALONE, st.data())
def test_a_closure_is_that_of_brute_force(edges, alone, data):
    nodes = sorted({*alone, *(node for edge in edges for node in edge)})
    graph = graph_of(edges, nodes=alone)
    assert graph.keys.tolist() == nodes
    assert graph.edges == len(edges)
    if not nodes:
        return
    starts = data.draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3))
    assert set(graph.downstream(starts).tolist()) == brute_force(edges, starts)
    backwards = [(b, a) for a, b in edges]
    assert set(graph.upstream(starts).tolist()) == brute_force(backwards, starts)


@given(EDGES, st.data())
def test_why_is_a_shortest_path_or_nothing(edges, data):
    graph = graph_of(edges, nodes=[0, 1])
    nodes = graph.keys.tolist()
    a, b = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
    other = nx.DiGraph(edges)
    other.add_nodes_from([0, 1])
    path = graph.why(a, b)
    if not nx.has_path(other, a, b):
        assert path == []
        return
    assert (path[0], path[-1]) == (a, b)
    assert all(pair in edges for pair in itertools.pairwise(path))
    assert len(path) - 1 == nx.shortest_path_length(other, a, b)


@given(EDGES, st.sets(NODES))
def test_edges_among_nodes_are_those_with_both_ends_in(edges, chosen):
    graph = graph_of(edges, nodes=chosen)
    inside = {(a, b) for a, b in edges if a in chosen and b in chosen}
    assert graph.among(chosen) == sorted(inside)


@given(st.integers(0, 2**32), st.integers(FEW + 1, 400), st.integers(1, 5))
def test_wide_levels_are_walked_as_narrow_ones_are(seed, wide, degree):
    random = np.random.default_rng(seed)
    fan = [(0, n) for n in range(1, wide + 1)]
    edges = fan + random.integers(0, 2 * wide, (degree * wide, 2)).tolist()
    other = nx.DiGraph(edges)
    graph = graph_of(edges)
    assert set(graph.downstream([0]).tolist()) == nx.descendants(other, 0)
    assert set(graph.upstream([wide]).tolist()) == nx.ancestors(other, wide)
    for target in (wide, 2 * wide - 1):
        if target in other and nx.has_path(other, 0, target):
            assert len(graph.why(0, target)) - 1 == nx.shortest_path_length(other, 0, target)


def test_a_chain_of_many_thousand_nodes_is_closed_whole():
    graph = graph_of((n, n + 1) for n in range(50_000))
    assert len(graph.downstream([0])) == 50_000
    assert len(graph.upstream([50_000])) == 50_000
    assert graph.why(0, 50_000) == list(range(50_001))


def test_a_node_that_is_not_there_is_not_found():
    graph = graph_of([(1, 2)])
    for ask in (graph.downstream, graph.upstream):
        for key in (0, 3):
            with pytest.raises(NothingFound):
                ask([key])
    with pytest.raises(NothingFound):
        graph.why(1, 3)


@given(st.integers(0, 2**40))
def test_keys_tell_artifacts_and_executions_apart(number):
    for key, execution in ((artifact_key(number), False), (execution_key(number), True)):
        assert (id_of(key), is_execution(key)) == (number, execution)
