"""ML Metadata: written by the ingest, read for graphs and pictures.

metadata_store  through the calls that work on every version
places          where a workspace lies and lay; `settled` tells MLMD that it moved
server          how it is opened at an address, and what is said when that fails
names           external ids, and what they say of the place of a thing
subgraph        nodes and edges in one atomic write
ingest          from the units of a ledger to MLMD: identity and edges
stand_ins       for TFX's artifacts where MLMD has lost them
live_nodes      which nodes a live model still accounts for
descendants     what is live and came of a model's data
ending          which units end with a model
pages           all nodes, piece by piece
rewritten       its file without what was overwritten in it
read_graph      the whole lineage in memory
selection       what belongs into a picture
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.mlmd.descendants import live_descendants
    from lineage_store.mlmd.ending import ended_nodes
    from lineage_store.mlmd.ingest import ingest_deletion, ingest_model
    from lineage_store.mlmd.live_nodes import live_files
    from lineage_store.mlmd.metadata_store import Metadata, pb
    from lineage_store.mlmd.names import Names, place_of
    from lineage_store.mlmd.read_graph import read_lineage
    from lineage_store.mlmd.rewritten import rewrite
    from lineage_store.mlmd.selection import (
        Picture,
        picture_of_artifact,
        picture_of_model,
        picture_of_subject,
    )
    from lineage_store.mlmd.server import connection_config, translating_server_errors
    from lineage_store.mlmd.settled import settle
    from lineage_store.mlmd.stand_ins import certificate_of, made_by_tfx, stand_in_for
else:
    __getattr__ = lazily(
        __name__,
        {
            "descendants": ("live_descendants",),
            "ending": ("ended_nodes",),
            "ingest": ("ingest_deletion", "ingest_model"),
            "live_nodes": ("live_files",),
            "metadata_store": ("Metadata", "pb"),
            "names": ("Names", "place_of"),
            "read_graph": ("read_lineage",),
            "rewritten": ("rewrite",),
            "selection": (
                "Picture",
                "picture_of_artifact",
                "picture_of_model",
                "picture_of_subject",
            ),
            "server": ("connection_config", "translating_server_errors"),
            "settled": ("settle",),
            "stand_ins": ("certificate_of", "made_by_tfx", "stand_in_for"),
        },
    )

__all__ = [
    "Metadata",
    "Names",
    "Picture",
    "certificate_of",
    "connection_config",
    "ended_nodes",
    "ingest_deletion",
    "ingest_model",
    "live_descendants",
    "live_files",
    "made_by_tfx",
    "pb",
    "picture_of_artifact",
    "picture_of_model",
    "picture_of_subject",
    "place_of",
    "read_lineage",
    "rewrite",
    "settle",
    "stand_in_for",
    "translating_server_errors",
]
