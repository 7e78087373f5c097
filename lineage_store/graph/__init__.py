"""The lineage as a graph in memory, whatever store it was read from.

node          a node of it
closure       what is upstream and downstream, and why two nodes are connected
fold          nodes that are alike become one
layout        places for the nodes, in layers
ledger_nodes  the nodes that a ledger names
"""
