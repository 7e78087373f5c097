"""From the gate's files to a model's rows, as TFX artifacts.

gated_example_gen  tf.Examples of what the gate let through
schema_check       the schema that TFX told from them, against the gate's
row_indexer        the rows, by shard and slice
"""

from components.ingestion.gated_example_gen import GatedExampleGen
from components.ingestion.row_indexer import RowIndexer

__all__ = ["GatedExampleGen", "RowIndexer"]
