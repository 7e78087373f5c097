"""ML Metadata: written by the ingest, read for graphs and pictures.

metadata_store  through the calls that work on every version
server          how it is opened at an address, and what is said when that fails
names           external ids, and what they say of the place of a thing
subgraph        nodes and edges in one atomic write
ingest          from a ledger to MLMD
stand_ins       for TFX's artifacts where MLMD has lost them
live_nodes      which nodes a live model still accounts for
pages           all nodes, piece by piece
read_graph      the whole lineage in memory
selection       what belongs into a picture
"""
