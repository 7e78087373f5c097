"""What a user's own ML Metadata says of a pipeline: what came of which Examples, and what ends.

Edges are read by the two calls that every version of ML Metadata has. What came of Examples is
everything that events lead to, so nothing has to be known of components: a verdict follows from an
artifact's place alone.

    erased              what was let in raw, and all that came of any run but the newest
    regenerated         what came of the newest run's gated Examples; of models, *retrained*
    proven unaffected   what comes of no Examples

What ends is marked before the pipeline is run again, too: resolvers and TFX's cache take live
artifacts alone, so nothing of the new run comes of the models, caches and Examples of those before.
That it does not is looked at afterwards (`OwnLineage.tainted`).

Examples that ExampleGen wrote are erased in any case, those of the newest run, too: they hold
everybody whom the source holds. What ML Metadata keeps of what ends: `own_ended`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.types.artifact_utils import decode_split_names

from lineage_store.errors import NothingFound

GATE = "unweave.tfx.example_gate_component.ExampleGate"
OUTPUTS = (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)
INPUTS = (mlmd.Event.INPUT, mlmd.Event.DECLARED_INPUT)
DONE = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)
AT_ONCE = 100
Fate = Literal["erased", "regenerated", "retrained", "proven unaffected"]
LEARNT = ("Model", "ModelRun", "PushedModel")


@dataclass(frozen=True)
class OwnArtifact:
    """One artifact of the pipeline: its number, type, folder, and where it was pushed to.

    `node` is the component that made it.
    """

    id: int
    type: str
    node: str
    folder: Path
    pushed: Path | None
    splits: tuple[str, ...]
    fate: Fate
    gone: bool

    @property
    def places(self) -> Iterator[Path]:
        """The folders that are its."""
        yield self.folder
        if self.pushed is not None:
            yield self.pushed


@dataclass(frozen=True)
class OwnLineage:
    """The artifacts of a pipeline, and what of the newest run they are.

    `tainted` are those of the newest run that came of an earlier one as well, as by a resolver.
    """

    artifacts: Mapping[int, OwnArtifact]
    newest: frozenset[int]
    gated: int
    tainted: frozenset[int] = frozenset()

    def of_newest(self, type_: str, node: str | None = None) -> OwnArtifact:
        """Return the artifact of a type that came of the newest run, and of a component if named.

        Raises NothingFound.
        """
        found = [one for one in map(self.artifacts.get, sorted(self.newest)) if one is not None]
        typed = [one for one in found if one.type == type_ and node in (None, one.node)]
        if not typed:
            whose = "" if node is None else f" of {node}"
            raise NothingFound(
                f"The pipeline's last run left no {type_}{whose}: run it to its end, then forget."
            )
        return typed[-1]

    def ending(self) -> list[OwnArtifact]:
        """Return what is to be erased, and is not yet."""
        return [one for one in self.artifacts.values() if one.fate == "erased" and not one.gone]

    def that_will_end(self) -> list[int]:
        """Return what the next run takes the place of: all that came of any Examples."""
        return [one.id for one in self.artifacts.values() if one.fate != "proven unaffected"
                and not one.gone]  # fmt: skip

    def makers_of_tainted(self) -> list[str]:
        """Return the components that took something of an earlier run."""
        return sorted({self.artifacts[one].node for one in self.tainted if one in self.artifacts})

    def verdicts(self) -> list[dict[str, Any]]:
        """Return the verdicts by type, as a certificate tells them."""
        counts: defaultdict[tuple[str, Fate], int] = defaultdict(int)
        for one in self.artifacts.values():
            counts[one.type, one.fate] += 1
        return [
            {"kind": kind, "verdict": fate, "count": count, "why": WHY[fate]}
            for (kind, fate), count in sorted(counts.items())
        ]


WHY: Mapping[Fate, str] = {
    "erased": "it came of Examples that held the forget set",
    "regenerated": "it came of Examples without the forget set",
    "retrained": "it came of shards without the forget set",
    "proven unaffected": "it comes of no Examples",
}


def read_own_lineage(connection: Any, pipeline: str) -> OwnLineage:
    """Read what ML Metadata knows of a pipeline; raises NothingFound if its gate never ran."""
    store = MetadataStore(connection)
    context = store.get_context_by_type_and_name("pipeline", pipeline)
    executions = [] if context is None else store.get_executions_by_context(context.id)
    gates = [one for one in executions if one.type == GATE and one.last_known_state in DONE]
    if not gates:
        raise NothingFound(f"The pipeline {pipeline} has not run yet: run it first.")
    newest = max(gates, key=lambda one: (one.create_time_since_epoch, one.id))
    inputs_of, outputs_of = edges_of(store, [one.id for one in executions])
    raw = {artifact for one in gates for artifact in inputs_of[one.id]}
    live = _downstream(outputs_of[newest.id], inputs_of, outputs_of)
    every = _downstream(
        {*raw, *(a for one in gates for a in outputs_of[one.id])}, inputs_of, outputs_of
    )
    nodes = _nodes(store, pipeline)
    makers = {artifact: nodes.get(execution, "") for execution, some in outputs_of.items()
              for artifact in some}  # fmt: skip
    artifacts = {}
    for one in store.get_artifacts_by_context(context.id):
        fate: Fate = "proven unaffected"
        if one.id in raw or one.id in every - live:
            fate = "erased"
        elif one.id in live:
            fate = "retrained" if one.type in LEARNT else "regenerated"
        artifacts[one.id] = _artifact(one, makers.get(one.id, ""), fate)
    (gated,) = outputs_of[newest.id]
    of_before = (
        artifact for one in gates if one.id != newest.id for artifact in outputs_of[one.id]
    )
    others = {execution: some for execution, some in inputs_of.items() if execution != newest.id}
    tainted = live & _downstream({*raw, *of_before}, others, outputs_of)
    return OwnLineage(artifacts, frozenset(live), gated, frozenset(tainted))


def _artifact(one: mlmd.Artifact, node: str, fate: Fate) -> OwnArtifact:
    pushed = one.custom_properties["pushed_destination"].string_value or None
    splits = one.properties["split_names"].string_value if one.type == "Examples" else ""
    return OwnArtifact(
        one.id,
        one.type,
        node,
        Path(one.uri),
        None if pushed is None else Path(pushed),
        tuple(decode_split_names(splits)) if splits else (),
        fate,
        one.state == mlmd.Artifact.DELETED,
    )


def _nodes(store: MetadataStore, pipeline: str) -> dict[int, str]:
    """Return of which component each execution was: TFX keeps it as a context of the type node."""
    found: dict[int, str] = {}
    for context in store.get_contexts_by_type("node"):
        if context.name.startswith(f"{pipeline}."):
            node = context.name.removeprefix(f"{pipeline}.")
            executions = store.get_executions_by_context(context.id)
            found |= dict.fromkeys((one.id for one in executions), node)
    return found


def edges_of(
    store: MetadataStore, executions: list[int]
) -> tuple[defaultdict[int, set[int]], defaultdict[int, set[int]]]:
    """Return which artifacts each execution took and made."""
    inputs_of: defaultdict[int, set[int]] = defaultdict(set)
    outputs_of: defaultdict[int, set[int]] = defaultdict(set)
    for start in range(0, len(executions), AT_ONCE):
        for event in store.get_events_by_execution_ids(executions[start : start + AT_ONCE]):
            if event.type in OUTPUTS:
                outputs_of[event.execution_id].add(event.artifact_id)
            elif event.type in INPUTS:
                inputs_of[event.execution_id].add(event.artifact_id)
    return inputs_of, outputs_of


def _downstream(
    start: Iterable[int], inputs_of: Mapping[int, set[int]], outputs_of: Mapping[int, set[int]]
) -> set[int]:
    """Return some artifacts and all that came of them."""
    found, waiting = set(start), list(start)
    users: defaultdict[int, list[int]] = defaultdict(list)
    for execution, artifacts in inputs_of.items():
        for artifact in artifacts:
            users[artifact].append(execution)
    while waiting:
        for execution in users[waiting.pop()]:
            new = outputs_of[execution] - found
            found |= new
            waiting += new
    return found
