"""GatedExampleGen: the component that writes what the gate let through as tf.Examples."""

from pathlib import Path

from tfx.components.util.examples_utils import set_file_format, set_payload_format
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.proto.example_gen_pb2 import FORMAT_TF_EXAMPLE
from tfx.types.artifact_utils import encode_split_names
from tfx.types.standard_artifacts import Examples
from tfx.types.system_executions import Process

from components.properties import folder_of
from lineage_store.cells import load_snapshot
from unlearning.encoding import write_examples


@component(component_annotation=Process)
def GatedExampleGen(
    examples: OutputArtifact[Examples],
    snapshot: Parameter[str],
    written: Parameter[str],
    old_snapshot: Parameter[str] = "",
    old_examples: InputArtifact[Examples] = None,
) -> None:
    """Writes each split of a gated snapshot as TFX's own ExampleGen would, in a file a cell.

    After a deletion `old_snapshot` and `old_examples` are what there was before: the Examples of
    cells that lose no row are taken over.

    `written` is when the gate wrote it, so that a cache never takes what was made of another
    snapshot in the same folder; a digest would stay in MLMD when the rows are gone. It is a text:
    MLMD on MySQL has integers of 32 bits.
    """
    gated = load_snapshot(Path(snapshot))
    examples.split_names = encode_split_names(list(gated.splits))
    set_payload_format(examples, FORMAT_TF_EXAMPLE)
    set_file_format(examples, "tfrecords_gzip")
    before = load_snapshot(Path(old_snapshot)) if old_snapshot else None
    old = None if old_examples is None else folder_of(old_examples)
    write_examples(gated, folder_of(examples), old=old, before=before)
