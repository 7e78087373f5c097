"""GatedStatisticsGen: the component that counts what the columns of Examples hold."""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.artifact_utils import encode_split_names
from tfx.types.standard_artifacts import Examples, ExampleStatistics
from tfx.types.system_executions import Process

from components.properties import folder_of
from lineage_store.canonical import write_atomic
from lineage_store.cells import load_snapshot
from unlearning.encoding import write_summaries

FILE = "FeatureStats.pb"


@component(component_annotation=Process)
def GatedStatisticsGen(
    examples: InputArtifact[Examples],
    statistics: OutputArtifact[ExampleStatistics],
    snapshot: Parameter[str],
    old_snapshot: Parameter[str] = "",
    old_statistics: InputArtifact[ExampleStatistics] = None,
) -> None:
    """Writes the statistics of each split where TFX's StatisticsGen would.

    They are counted from what the Examples were made of, which is faster to read. After a deletion
    what is known of cells that lose no row comes from the old ones.
    """
    gated = load_snapshot(Path(snapshot))
    statistics.split_names = encode_split_names(list(gated.splits))
    before = load_snapshot(Path(old_snapshot)) if old_snapshot else None
    old = None if old_statistics is None else folder_of(old_statistics)
    by_split = write_summaries(gated, folder_of(statistics), old=old, before=before)
    for split, found in by_split.items():
        folder = folder_of(statistics) / f"Split-{split}"
        folder.mkdir(parents=True)
        write_atomic(folder / FILE, found.SerializeToString(deterministic=True))
