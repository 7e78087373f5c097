"""From the gate's files to a model's rows, as TFX artifacts.

gated_example_gen     tf.Examples of what the gate let through
gated_statistics_gen  what their columns hold, counted
schema_check          the schema that TFX told from that, against the gate's
row_indexer           the rows, by shard and slice
"""

from components.ingestion.gated_example_gen import GatedExampleGen
from components.ingestion.gated_statistics_gen import GatedStatisticsGen
from components.ingestion.row_indexer import RowIndexer

__all__ = ["GatedExampleGen", "GatedStatisticsGen", "RowIndexer"]
