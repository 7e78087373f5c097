"""What of a user's pipeline definition forgetting needs, and what in it would smuggle rows past.

Everything is refused by the component's id, before anything is changed. *Not yet* is said of what
could be done.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx.components.trainer.component import Trainer
from tfx.components.transform.component import Transform
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel import OutputChannel
from tfx.types.channel_utils import get_individual_channels
from tfx.types.resolved_channel import ResolvedChannel
from tfx.types.standard_artifacts import Examples, Model

from lineage_store.errors import BadInput
from lineage_store.workspace import Workspace, open_workspace
from unlearning.own_pipelines import OwnAsked
from unweave.tfx.example_gate_component import ExampleGate
from unweave.tfx.own_transforms import sees_all_slices
from unweave.tfx.per_shard_executor import PerShardExecutor


@dataclass(frozen=True)
class OwnDefinition:
    """A pipeline that can forget: its gate, its trainers, and what analyzes all slices."""

    pipeline: Pipeline
    gate: ExampleGate
    trainers: tuple[Trainer, ...]
    full_passes: tuple[Transform, ...] = ()

    @property
    def root(self) -> Path:
        """The pipeline root."""
        return Path(self.pipeline.pipeline_info.pipeline_root).absolute()

    @property
    def name(self) -> str:
        """The pipeline's name."""
        name: str = self.pipeline.pipeline_info.pipeline_name
        return name

    @property
    def workspace(self) -> Workspace:
        """The workspace of keys and manifest; raises NothingFound before the first run."""
        return open_workspace(Path(self.gate.exec_properties["workspace"]))

    @property
    def trained(self) -> tuple[str, ...]:
        """The splits that models learn from."""
        return self.gate.cut.trained

    def asked(self, ids: Sequence[str], *, rows: bool) -> OwnAsked:
        """Return who is to be forgotten, as the gate knows them."""
        admits = bool(self.gate.exec_properties["admit_alike"])
        return OwnAsked(tuple(ids), rows, self.gate.ids.columns, admits)

    @property
    def choices(self) -> tuple[str, ...]:
        """The components that choose hyperparameters for a trainer, by trials on rows."""
        channels = (one.inputs.get("hyperparameters") for one in self.trainers)
        makers = {one.producer_component_id for one in channels if isinstance(one, OutputChannel)}
        return tuple(one.id for one in self.pipeline.components
                     if one.id in makers and not isinstance(one, Importer))  # fmt: skip

    @property
    def connection(self) -> Any:
        """How ML Metadata is reached."""
        return self.pipeline.metadata_connection_config

    @property
    def metadata_files(self) -> tuple[Path, ...]:
        """The file of ML Metadata, if it is one."""
        file = self.connection.sqlite.filename_uri
        return (Path(file).absolute(),) if file else ()


def read_definition(pipeline: Pipeline) -> OwnDefinition:
    """Read a pipeline's definition; raises BadInput, naming a component, for what smuggles rows."""
    nodes = list(pipeline.components)
    gate = _one_gate(nodes)
    trainers = tuple(node for node in nodes if isinstance(node, Trainer))
    if not trainers:
        raise BadInput("The pipeline has no Trainer, so no model could be forgotten from.")
    for node in nodes:
        _must_train_by_shard(node)
        _must_look_for_no_examples(node)
    raw = {one.producer_component_id for one in _inputs(gate)}
    for node in nodes:
        if node is gate:
            continue
        _must_be_let_in(node, gate, raw)
        for channel in _inputs(node):
            if channel.producer_component_id in raw:
                raise BadInput(
                    f"{node.id} reads the Examples of {channel.producer_component_id} past the "
                    f"gate: give it those of {gate.id}."
                )
    transforms = (node for node in nodes if isinstance(node, Transform))
    full = tuple(one for one in transforms if sees_all_slices(one.exec_properties))
    return OwnDefinition(pipeline, gate, trainers, full)


def _one_gate(nodes: Sequence[BaseNode]) -> ExampleGate:
    gates = [node for node in nodes if isinstance(node, ExampleGate)]
    if not gates:
        raise BadInput(
            "The pipeline has no ExampleGate, so nobody in it is known: put one behind the "
            "ExampleGen, and give what read that one's Examples those of the gate."
        )
    if len(gates) > 1:
        raise BadInput(
            f"{_listed(gates)} let Examples in, each for itself, and a person would have to be "
            f"taken out behind all of them at once, which is not done yet: give one ExampleGate "
            f"the Examples of all, as `tfx.dsl.union([...])`."
        )
    return gates[0]


def _must_train_by_shard(node: BaseNode) -> None:
    if isinstance(node, Trainer):
        if node.executor_spec.executor_class is not PerShardExecutor:
            raise BadInput(
                f"{node.id} trains on all rows at once: give it "
                f"`custom_executor_spec=unweave.tfx.per_shard()`, or nothing can be forgotten from "
                f"it but by training it anew."
            )
    elif not isinstance(node, Resolver | Importer) and any(
        channel.type is Model for channel in node.outputs.values()
    ):
        raise BadInput(
            f"{node.id} makes a model and is no Trainer, so nobody knows which shards it is of: "
            f"let a Trainer make it, with `custom_executor_spec=unweave.tfx.per_shard()`."
        )


def _must_look_for_no_examples(node: BaseNode) -> None:
    looked_for = [one for one in node.inputs.values() if isinstance(one, ResolvedChannel)]
    if isinstance(node, Resolver):
        looked_for += node.outputs.values()
    if any(channel.type is Examples for channel in looked_for):
        raise BadInput(
            f"{node.id} looks for Examples of earlier runs, which held everybody and end with a "
            f"deletion: let the ExampleGen read all spans that are to be learnt from, and leave it "
            f"out."
        )


def _must_be_let_in(node: BaseNode, gate: ExampleGate, raw: Collection[str | None]) -> None:
    """Refuse Examples that begin beside the gate: whoever stands in them would stay."""
    begins = not any(True for _ in _inputs(node)) and not isinstance(node, Resolver)
    makes = any(channel.type is Examples for channel in node.outputs.values())
    if begins and makes and node.id not in raw:
        raise BadInput(
            f"{node.id} lets Examples in beside {gate.id}, and nobody in them is known: give the "
            f"gate the Examples of all, as `tfx.dsl.union([...])`, or leave it out."
        )


def _listed(nodes: Sequence[BaseNode]) -> str:
    return " and ".join(node.id for node in nodes)


def _inputs(node: BaseNode) -> Iterator[Any]:
    for channel in node.inputs.values():
        if not isinstance(channel, ResolvedChannel):  # of those `_must_look_for_no_examples` says
            yield from get_individual_channels(channel)
