"""ExampleGate: the component that lets the Examples of anybody's ExampleGen in, row by row.

It stands behind the ExampleGen, and whatever read that one's Examples reads its own instead. It
takes the keys and the exclusion manifest of a workspace, which is made where there is none; the
manifest is what changes when somebody is forgotten. What it was given stays as it is until then:
`forget` erases it, since raw Examples hold everybody.

TFX's cache never takes its place: a parameter is drawn whenever the pipeline is compiled. So all
that comes behind it has another input in each run, and is run again.
"""

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfx.components.util.examples_utils import (
    get_file_format,
    get_payload_format,
    set_file_format,
    set_payload_format,
)
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.proto.example_gen_pb2 import FORMAT_TF_EXAMPLE
from tfx.proto.transform_pb2 import SplitsConfig
from tfx.types.artifact import Artifact
from tfx.types.artifact_utils import decode_split_names, encode_split_names
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Examples
from tfx.types.system_executions import Process

from lineage_store.data import Columns
from lineage_store.errors import BadInput, NothingFound
from lineage_store.examples import ExampleCut, ExampleGateway, IdFeatures, is_first_slice
from lineage_store.index import manifest, reading_index
from lineage_store.keys import Exclusions
from lineage_store.workspace import Workspace, open_workspace, writing

FORMATS = ("tfrecords_gzip", "tfrecord")
RUN = "run"
KEPT_OUT, ALIKE = "rows_kept_out", "rows_spelled_alike"
ALIKE_OUT = "kept out: `admit_alike` lets them in, if they are others"


class ExampleGateExecutor(BaseExecutor):
    """Reads all Examples that it is given and writes those that may be learnt from, in cells."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Let Examples in (`lineage_store.examples.example_gate`); TFX calls it so."""
        workspace = _opened(Path(exec_properties["workspace"]))
        ids = IdFeatures(
            exec_properties["subject_feature"] or None,
            exec_properties["row_id_feature"] or None,
            kept=bool(exec_properties["keep_ids"]),
        )
        exclusions = exclusions_of(workspace, ids.columns)
        exclusions.admit_alike = bool(exec_properties["admit_alike"])
        cut = ExampleCut(
            exec_properties["shards"],
            exec_properties["slices"],
            tuple(json.loads(exec_properties["trained"])),
        )
        gateway = ExampleGateway(ids, cut, workspace.keys(), exclusions)
        sources = [one for artifact in input_dict["raw_examples"] for one in split_files(artifact)]
        (examples,) = output_dict["examples"]
        counts = gateway.pass_through(sources, Path(examples.uri))
        examples.split_names = encode_split_names(list(counts))
        set_payload_format(examples, FORMAT_TF_EXAMPLE)
        set_file_format(examples, "tfrecords_gzip")
        examples.set_int_custom_property(KEPT_OUT, exclusions.rows)
        examples.set_int_custom_property(ALIKE, exclusions.alike_rows)
        if exclusions.alike_rows:
            logging.warning(
                "%d rows are of ids that are spelled nearly as forgotten ones, and %s.",
                exclusions.alike_rows,
                "let in by `admit_alike`" if exclusions.admit_alike else ALIKE_OUT,
            )


class ExampleGateSpec(ComponentSpec):
    """What ExampleGate takes and gives."""

    PARAMETERS: Mapping[str, ExecutionParameter] = {
        "workspace": ExecutionParameter(type=str),
        "subject_feature": ExecutionParameter(type=str),
        "row_id_feature": ExecutionParameter(type=str),
        "shards": ExecutionParameter(type=int),
        "slices": ExecutionParameter(type=int),
        "trained": ExecutionParameter(type=str),
        "keep_ids": ExecutionParameter(type=int),
        "admit_alike": ExecutionParameter(type=int),
        RUN: ExecutionParameter(type=str),
    }
    INPUTS: Mapping[str, ChannelParameter] = {"raw_examples": ChannelParameter(type=Examples)}
    OUTPUTS: Mapping[str, ChannelParameter] = {"examples": ChannelParameter(type=Examples)}
    TYPE_ANNOTATION = Process


class ExampleGate(BaseComponent):
    """Lets the Examples of an ExampleGen in, keyed, placed and in cells.

    `subject_feature` holds whose a row is and `row_id_feature` its own id: at least one is needed,
    or nobody could ever be forgotten. `workspace` is the folder of the keys and of the manifest;
    its path stands in ML Metadata, so it should tell nothing. `trained` are the splits that models
    learn from, in so many `shards`, and each of those in `slices`. Ids are no features, and left
    out; with `keep_ids` they stay as keyed strings, for a schema that asks for them. Who is spelled
    nearly as somebody forgotten is kept out, too, and counted, unless `admit_alike` says that these
    are others.
    """

    SPEC_CLASS = ExampleGateSpec
    EXECUTOR_SPEC = ExecutorClassSpec(ExampleGateExecutor)

    def __init__(
        self,
        examples: BaseChannel,
        *,
        workspace: str,
        subject_feature: str | None = None,
        row_id_feature: str | None = None,
        shards: int = 5,
        slices: int = 1,
        trained: Sequence[str] = ("train",),
        keep_ids: bool = False,
        admit_alike: bool = False,
    ) -> None:
        if not subject_feature and not row_id_feature:
            raise BadInput(
                "ExampleGate knows neither people nor rows, so nobody could ever be forgotten: "
                "name `subject_feature`, `row_id_feature`, or both."
            )
        if shards < 1 or slices < 1:
            raise BadInput(f"There are {shards} shards of {slices} slices: one is the least.")
        self._cut = ExampleCut(shards, slices, tuple(trained))
        self._ids = IdFeatures(subject_feature, row_id_feature, kept=keep_ids)
        spec = ExampleGateSpec(
            raw_examples=examples,
            workspace=str(Path(workspace).absolute()),
            subject_feature=subject_feature or "",
            row_id_feature=row_id_feature or "",
            shards=shards,
            slices=slices,
            trained=json.dumps(list(trained)),
            keep_ids=int(keep_ids),
            admit_alike=int(admit_alike),
            run="",
            examples=Channel(type=Examples),
        )
        super().__init__(spec=spec)

    @property
    def cut(self) -> ExampleCut:
        """How splits are cut."""
        return self._cut

    @property
    def ids(self) -> IdFeatures:
        """The features that hold ids."""
        return self._ids

    @property
    def exec_properties(self) -> dict[str, Any]:
        """The parameters; one is drawn each time, so that nothing cached is ever taken."""
        return {**super().exec_properties, RUN: secrets.token_hex(8)}

    def splits_config(self, *others: str, all_slices: bool = False) -> SplitsConfig:
        """Return what Transform takes as `splits_config`: analyzers see the first slices alone.

        So what they make of data changes only with rows of a first slice. With `all_slices` they
        see all, and must be in summation form (`summed_analyzers`). `others` are the splits that
        are transformed besides those that are trained on.
        """
        trained = [cell for split in self._cut.trained for cell in self._cut.cells(split)]
        seen = [cell for cell in trained if all_slices or is_first_slice(cell)]
        rest = [cell for split in others for cell in self._cut.cells(split)]
        return SplitsConfig(analyze=seen, transform=[*trained, *rest])

    def splits(self, split: str) -> list[str]:
        """Return what TFX calls the cells of a split, for components that name their splits."""
        return self._cut.cells(split)


def exclusions_of(workspace: Workspace, columns: Columns) -> Exclusions:
    """Return whom and what a gate that knows rows by these columns keeps out."""
    if not workspace.index_file.exists():
        return Exclusions()
    with reading_index(workspace) as connection:
        return manifest.exclusions_for(connection, columns)


def split_files(artifact: Artifact) -> list[tuple[str, Path]]:
    """Return the files of Examples, each with its split; raises BadInput for what is not taken."""
    if "://" in artifact.uri:
        raise BadInput(
            f"The Examples lie in {artifact.uri.partition('://')[0]}://, and ExampleGate reads "
            f"folders: copy them to a disk of this machine."
        )
    if get_payload_format(artifact) != FORMAT_TF_EXAMPLE or get_file_format(artifact) not in (
        FORMATS
    ):
        raise BadInput(
            "The Examples are no tf.Examples in TFRecord files, which is not taken yet: let the "
            "ExampleGen write those."
        )
    return [
        (split, file)
        for split in decode_split_names(artifact.split_names)
        for file in sorted(Path(artifact.uri, f"Split-{split}").iterdir())
    ]


def _opened(root: Path) -> Workspace:
    """Open a workspace, made where there is none; who forgets may be holding it."""
    try:
        return open_workspace(root)
    except NothingFound:
        with writing(root, create=True):
            return open_workspace(root)
