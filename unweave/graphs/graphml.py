"""A lineage as GraphML, whole and with typed attributes, for Gephi, yEd and networkx."""

import io

import networkx as nx

from lineage_store.graph.fold import detail_of, name_of
from lineage_store.mlmd import Picture


def graphml(picture: Picture) -> bytes:
    """Write all nodes and edges of a picture; nodes and edges stand in the order of their keys."""
    graph = nx.DiGraph(name=f"Lineage of {picture.title}")
    for node in sorted(picture.nodes, key=lambda node: node.key):
        label = " · ".join(part for part in (name_of([node]), detail_of([node])) if part)
        graph.add_node(
            f"n{node.key}",
            label=label,
            kind=node.kind,
            execution=node.execution,
            deleted=node.deleted,
            **node.values,
        )
    graph.add_edges_from((f"n{a}", f"n{b}") for a, b in sorted(picture.edges))
    written = io.BytesIO()
    nx.write_graphml_xml(graph, written, named_key_ids=True)
    return written.getvalue()
