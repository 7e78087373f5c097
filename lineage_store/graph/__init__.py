"""The lineage as a graph in memory, whatever store it was read from.

node          a node of it
closure       what is upstream and downstream, and why two nodes are connected
fold          nodes that are alike become one
layout        places for the nodes, in layers
unit_types    how the lineage calls each kind of unit
ledger_nodes  the nodes that a ledger names
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.graph.layout import Box, Route, lay_out
    from lineage_store.graph.node import LineageNode
else:
    __getattr__ = lazily(
        __name__,
        {
            "layout": ("Box", "Route", "lay_out"),
            "node": ("LineageNode",),
        },
    )

__all__ = ["Box", "LineageNode", "Route", "fold", "lay_out", "ledger_nodes"]
