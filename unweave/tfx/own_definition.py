"""What of a user's pipeline definition forgetting needs, and what in it would smuggle rows past.

Everything is refused by the component's id, before anything is changed. *Not yet* is said of what
could be done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx.components.trainer.component import Trainer
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel_utils import get_individual_channels

from lineage_store.errors import BadInput
from lineage_store.workspace import Workspace, open_workspace
from unlearning.own_pipelines import OwnAsked
from unweave.tfx.example_gate_component import ExampleGate
from unweave.tfx.per_shard_executor import PerShardExecutor


@dataclass(frozen=True)
class OwnDefinition:
    """A pipeline that can forget: its gate and its trainer."""

    pipeline: Pipeline
    gate: ExampleGate
    trainer: Trainer

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
    gate = _only(nodes, ExampleGate)
    trainer = _only(nodes, Trainer)
    if trainer.executor_spec.executor_class is not PerShardExecutor:
        raise BadInput(
            f"{trainer.id} trains on all rows at once: give it "
            f"`custom_executor_spec=unweave.tfx.per_shard()`, or nothing can be forgotten from it "
            f"but by training it anew."
        )
    raw = {one.producer_component_id for one in _inputs(gate)}
    for node in nodes:
        if node is gate:
            continue
        if isinstance(node, Resolver):
            raise BadInput(
                f"{node.id} looks for models of earlier runs, so what comes behind it would be "
                f"derived from the model that ends, which is not told apart yet: leave it out of "
                f"the definition that forgets."
            )
        for channel in _inputs(node):
            if channel.producer_component_id in raw:
                raise BadInput(
                    f"{node.id} reads the Examples of {channel.producer_component_id} past the "
                    f"gate: give it those of {gate.id}."
                )
    return OwnDefinition(pipeline, gate, trainer)


def _only(nodes: list[BaseNode], kind: type[BaseComponent]) -> Any:
    found = [node for node in nodes if isinstance(node, kind)]
    if len(found) != 1:
        raise BadInput(
            f"The pipeline has {len(found)} components {kind.__name__}, and one is what can be "
            f"forgotten from yet: define a pipeline with one."
        )
    return found[0]


def _inputs(node: BaseNode) -> Iterator[Any]:
    for channel in node.inputs.values():
        yield from get_individual_channels(channel)
