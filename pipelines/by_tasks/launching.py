"""A component of a run that is left open, launched on its own.

It is launched as LocalDagRunner does it, by the same launcher of TFX and from the same compiled
pipeline; that all components are of one run says the run's id, which is compiled in. So what
LocalDagRunner does in one process may be done by many, one after the other, and gives the same
bits and the same ML Metadata.

A component that ran does not run again, and one that was killed starts anew with nothing left of
its outputs. Nothing is ever taken from TFX's cache, which does not ask what became of a model.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store.errors import CheckFailed, Unfinished, WorkspaceBusy
from lineage_store.large_imports import large_imports
from lineage_store.mlmd import Metadata, connection_config, translating_server_errors
from lineage_store.workspace import Workspace, password_from
from pipelines.backends.open_run import OpenRun
from pipelines.backends.tfx_local import quiet_and_inside
from pipelines.by_tasks.program import program

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


def compiled(pipeline: "Pipeline", *, run_id: str) -> str:
    """Compile a pipeline for one run, without the password of ML Metadata's server."""
    from google.protobuf import json_format
    from tfx.dsl.compiler.compiler import Compiler
    from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME
    from tfx.orchestration.portable.runtime_parameter_utils import substitute_runtime_parameter
    from tfx.proto.orchestration.pipeline_pb2 import IntermediateDeploymentConfig

    made = Compiler().compile(pipeline)
    substitute_runtime_parameter(made, {PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    deployment = IntermediateDeploymentConfig()
    made.deployment_config.Unpack(deployment)
    deployment.ClearField("metadata_connection_config")
    made.deployment_config.Pack(deployment)
    text: str = json_format.MessageToJson(made, sort_keys=True)
    return text


def launch(workspace: Workspace, opened: OpenRun, component: str) -> bool:
    """Run a component of an open run, once; False if there is no such component.

    Raises WorkspaceBusy where what it needs has not run yet, Unfinished where the workspace or the
    program is another than when the run was opened, what opening ML Metadata raises, and what the
    component does.
    """
    with translating_server_errors(workspace.metadata), quiet_and_inside(workspace):
        Metadata.of(workspace)  # TFX would try ten times, and not say why
        with large_imports():
            from google.protobuf import json_format
            from tfx.proto.orchestration import executable_spec_pb2  # noqa: F401  it is in the text
            from tfx.proto.orchestration.pipeline_pb2 import Pipeline
        read = json_format.Parse(opened.pipeline, Pipeline())
        _must_lie_here(workspace, read)
        if opened.program != program():
            raise Unfinished(
                f"Unweave, a library or a variable changed since {read.pipeline_info.id} was left "
                f"open, and bits with it, maybe: begin the run anew, by the command that opened it."
            )
        nodes = {one.pipeline_node.node_info.id: one.pipeline_node for one in read.nodes}
        if component not in nodes:
            return False
        node = nodes[component]
        if _has_run(workspace, node):
            return True
        missing = [one for one in node.upstream_nodes if not _has_run(workspace, nodes[one])]
        if missing:
            raise WorkspaceBusy(f"{component} comes after {', '.join(missing)}: run that first.")
        killed = workspace.pipeline_root / read.pipeline_info.id / component
        if killed.exists():
            shutil.rmtree(killed)  # what it made would be in the way
        _launch(workspace, read, node)
        if not _has_run(workspace, node):
            raise CheckFailed(f"{component} did not find in ML Metadata what it is to read.")
        return True


def _must_lie_here(workspace: Workspace, pipeline: Any) -> None:
    """A compiled pipeline says where everything is; in a copy that is still the original's."""
    was = Path(pipeline.runtime_spec.pipeline_root.field_value.string_value)
    if was.parent.resolve() != workspace.pipeline_root.resolve():
        raise Unfinished(
            f"The workspace was moved or copied since {pipeline.pipeline_info.id} was left open, "
            f"and its components would work where it was: begin the run anew, by the command that "
            f"opened it."
        )


def _launch(workspace: Workspace, pipeline: Any, node: Any) -> None:
    from tfx.orchestration.local import runner_utils
    from tfx.orchestration.portable.launcher import Launcher

    deployment = runner_utils.extract_local_deployment_config(pipeline)
    name = node.node_info.id
    Launcher(
        pipeline_node=node,
        mlmd_connection=_metadata(workspace),
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, name),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, name),
    ).launch()


def _has_run(workspace: Workspace, node: Any) -> bool:
    """Say whether ML Metadata knows that a component ended well in this run."""
    from tfx.orchestration.portable.mlmd import context_lib, execution_lib

    with _metadata(workspace) as handle:
        contexts = context_lib.prepare_contexts(handle, node.contexts)
        executions = execution_lib.get_executions_associated_with_all_contexts(handle, contexts)
    return any(execution_lib.is_execution_successful(one) for one in executions)


def _metadata(workspace: Workspace) -> Any:
    from tfx.orchestration.metadata import Metadata

    return Metadata(connection_config(workspace.metadata, password_from(), create=False))
