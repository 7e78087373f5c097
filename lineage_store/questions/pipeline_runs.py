"""How the pipelines ran, by ML Metadata: each component's executions and how they ended."""

from typing import Any

from lineage_store.mlmd.metadata_store import Metadata, pb

PIPELINE, NODE = "pipeline", "node"


def pipeline_runs(metadata: Metadata, name: str) -> list[dict[str, Any]]:
    """List the executions of a pipeline's components, the oldest first; none if MLMD has no such.

    `seconds` is the time between the first and the last word that MLMD has of an execution.
    """
    store = metadata.store
    context = store.get_context_by_type_and_name(PIPELINE, name)
    if context is None:
        return []
    nodes = {
        execution.id: node.name.removeprefix(f"{name}.")
        for node in store.get_contexts_by_type(NODE)
        if node.name.startswith(f"{name}.")
        for execution in store.get_executions_by_context(node.id)
    }
    found = sorted(store.get_executions_by_context(context.id), key=lambda one: one.id)
    return [
        {
            "component": nodes.get(one.id),
            "state": pb.Execution.State.Name(one.last_known_state),
            "execution": one.id,
            "seconds": (one.last_update_time_since_epoch - one.create_time_since_epoch) / 1000,
        }
        for one in found
    ]
