"""The runs of a workspace as OpenLineage events (2-0-2), one a line, as a backend takes them.

Each run has a START and, once it is over, a COMPLETE or a FAIL. Datasets are models, what each
learnt from, and certificates; which came from which stands in the `lineage` facet of each, edge by
edge, since a run of many inputs and outputs would join every one of them to every other. What a run
ended is an output of it with the lifecycle DROP.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.index.models import ModelRecord
from unweave.exports.export import Exported, Files
from unweave.exports.history import Edge, PastRun
from unweave.exports.json_text import json_lines

PRODUCER = "https://unweave.dev/export/openlineage"
SPEC = "https://openlineage.io/spec"
EVENT = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = {
    "datasetVersion": f"{SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json",
    "jobType": f"{SPEC}/facets/2-0-4/JobTypeJobFacet.json",
    "lifecycleStateChange": f"{SPEC}/facets/1-0-1/LifecycleStateChangeDatasetFacet.json",
    "lineage": f"{SPEC}/facets/1-0-0/LineageFacet.json",
    "tags": f"{SPEC}/facets/1-0-0/TagsDatasetFacet.json",
}
DEFINED = {"lineage": "LineageDatasetFacet"}  # the others as their files are called
Json = dict[str, Any]


@dataclass(frozen=True)
class OpenLineage:
    """All runs of a workspace, one event a line, oldest first."""

    name: str = "openlineage"
    of_one_model: bool = False

    def written(self, exported: Exported, model: ModelRecord | None) -> Files:
        """Return the events."""
        events = _Events(exported)
        return json_lines(event for run in exported.history.runs for event in events.of(run))


class _Events:
    """Makes the events of runs."""

    def __init__(self, exported: Exported) -> None:
        self.exported, self.history = exported, exported.history
        self.place = exported.history.workspace

    def of(self, run: PastRun) -> Iterator[Json]:
        """Yield the START of a run, and how it ended."""
        edges = list(self.history.edges_of(run))
        inputs = [self._named(edge.thing) for edge in edges if edge.relation == "used"]
        yield self._event(run, "START", run.started, inputs=inputs, outputs=[])
        if run.ended is not None:
            outputs = [*self._outputs(edges)]
            state = "FAIL" if run.failed else "COMPLETE"
            yield self._event(run, state, run.ended, inputs=inputs, outputs=outputs)

    def _event(
        self, run: PastRun, state: str, time: str, *, inputs: list[Json], outputs: list[Json]
    ) -> Json:
        kind = {"processingType": "BATCH", "integration": "UNWEAVE", "jobType": run.kind.upper()}
        return {
            "eventTime": time,
            "eventType": state,
            "producer": PRODUCER,
            "schemaURL": EVENT,
            "run": {"runId": run.id, "facets": {}},
            "job": {
                "namespace": self.place,
                "name": run.kind,
                "facets": {"jobType": _facet("jobType", kind)},
            },
            "inputs": inputs,
            "outputs": outputs,
        }

    def _outputs(self, edges: list[Edge]) -> Iterator[Json]:
        for edge in edges:
            if edge.relation == "made":
                earlier = [one.earlier for one in edges if one.thing == edge.thing and one.earlier]
                yield self._named(edge.thing) | {"facets": self._facets(edge, earlier)}
            elif edge.relation == "ended":
                drop = _facet("lifecycleStateChange", {"lifecycleStateChange": "DROP"})
                yield self._named(edge.thing) | {"facets": {"lifecycleStateChange": drop}}

    def _facets(self, edge: Edge, earlier: list[str]) -> Json:
        inputs = [{"type": "DATASET", **self._named(one)} for one in earlier]
        create = {"lifecycleStateChange": "CREATE"}
        facets = {
            "lifecycleStateChange": _facet("lifecycleStateChange", create),
            "lineage": _facet("lineage", {"inputs": inputs}),
            "tags": _facet("tags", {"tags": self._tags(edge)}),
        }
        version = self._version(edge)
        if version is not None:
            facets["datasetVersion"] = _facet("datasetVersion", {"datasetVersion": version})
        return facets

    def _version(self, edge: Edge) -> str | None:
        """Return the commitment or digest that stands for a thing, if one may be told."""
        if edge.thing in self.history.models:
            return self.history.models[edge.thing].commitments.get("weights")
        if edge.thing == f"{edge.run.of}.certificate":
            return self.history.certificate_of(edge.run)
        return self.exported.data_of(self.history.models[edge.thing.removesuffix(".data")])

    def _tags(self, edge: Edge) -> list[Json]:
        tags = {"made by": edge.run.of}
        if edge.thing in self.history.models:
            model = self.history.models[edge.thing]
            tags |= {"kind": "model", "line": model.line, "guarantee": model.guarantee}
        else:
            tags["kind"] = "rows" if edge.thing.endswith(".data") else "certificate"
        return [{"key": key, "value": value, "source": "UNWEAVE"} for key, value in tags.items()]

    def _named(self, thing: str) -> Json:
        return {"namespace": self.place, "name": thing}


def _facet(name: str, values: Mapping[str, Any]) -> Json:
    file = FACETS[name]
    defined = DEFINED.get(name, file.rpartition("/")[2].removesuffix(".json"))
    return {"_producer": PRODUCER, "_schemaURL": f"{file}#/$defs/{defined}", **values}
