"""The models of a workspace as a CycloneDX bill of materials (1.6, ML-BOM).

    components    the live models, each with a model card, and what each learnt from
    dependencies  what every model came from
    formulation   each training, deletion and retirement as a workflow; the models that ended, and
                  what those learnt from, are its components

CycloneDX has `hashes` for digests of files, so data and weights stand in `properties`, by their
commitments; the one hash is that of a certificate, which names nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.index.models import ModelRecord
from lineage_store.ledger import FIRST_FAMILY
from unweave.exports.export import Exported, Files
from unweave.exports.history import Edge, PastModel, PastRun
from unweave.exports.json_text import json_document

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
WITH_LABELS = ("classification", "regression")
TASK_TYPES = {"training": "build", "deletion": "build", "retirement": "clean"}
Json = dict[str, Any]


@dataclass(frozen=True)
class CycloneDx:
    """The bill of materials of a whole workspace."""

    name: str = "cyclonedx"
    of_one_model: bool = False

    def written(self, exported: Exported, model: ModelRecord | None) -> Files:
        """Return the document."""
        return json_document(_Bill(exported).document())


class _Bill:
    """Makes the parts of a bill."""

    def __init__(self, exported: Exported) -> None:
        self.exported, self.history = exported, exported.history

    def document(self) -> Json:
        models = self.history.models.values()
        live = [part for one in models if one.ended is None for part in self._components(one)]
        gone = [part for one in models if one.ended is not None for part in self._components(one)]
        workflows = [self._workflow(run) for run in self.history.runs]
        when = {"timestamp": self.exported.as_of} if self.exported.as_of else {}
        return {
            "$schema": SCHEMA,
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{self.history.id_of(len(self.exported.events))}",
            "version": 1,
            "metadata": {
                **when,
                "tools": {"components": [{"type": "application", "name": "unweave"}]},
                "component": {
                    "type": "application",
                    "bom-ref": "workspace",
                    "name": self.history.workspace,
                },
            },
            "components": live,
            "dependencies": self._dependencies(),
            "formulation": [{"bom-ref": "runs", "components": gone, "workflows": workflows}],
        }

    def _components(self, model: PastModel) -> Iterator[Json]:
        """Yield a model, and what it learnt from."""
        made = {
            "line": model.line,
            "guarantee": model.guarantee,
            "state": "live" if model.ended is None else "ended",
            **{f"commitment:{what}": one for what, one in model.commitments.items()},
        }
        record = self.exported.by_id.get(model.id)
        known = None if record is None else self.exported.named_as(record)
        found: Json = {
            "type": "machine-learning-model",
            "bom-ref": model.id,
            "name": model.line if known is None else known.name,
            "version": model.id,
            "properties": _properties(made),
        }
        if record is not None:
            found["modelCard"] = {"modelParameters": _parameters(model, record)}
        yield found
        data = self.exported.data_of(model)
        yield {
            "type": "data",
            "bom-ref": model.data,
            "name": model.data,
            "data": [{"type": "dataset", "name": model.data}],
            "properties": _properties({} if data is None else {"commitment:data": data}),
        }

    def _dependencies(self) -> list[Json]:
        """Return what each model came from."""
        found: dict[str, list[str]] = {one: [] for one in self.history.models}
        for edge in self.history.edges():
            if edge.relation == "derived" and edge.earlier is not None:
                found[edge.thing].append(edge.earlier)
        return [{"ref": one, "dependsOn": earlier} for one, earlier in found.items()]

    def _workflow(self, run: PastRun) -> Json:
        edges = list(self.history.edges_of(run))
        times = {"timeStart": run.started}
        if run.ended is not None:
            times["timeEnd"] = run.ended
        pairs = [("run", run.of), ("state", run.state), *_endings(edges)]
        return {
            "bom-ref": f"run:{run.id}",
            "uid": run.id,
            "name": run.kind,
            "taskTypes": [TASK_TYPES[run.kind]],
            "inputs": [{"resource": {"ref": one.thing}} for one in edges if one.relation == "used"],
            "outputs": [self._output(one) for one in edges if one.relation == "made"],
            **times,
            "properties": [{"name": f"unweave:{name}", "value": value} for name, value in pairs],
        }

    def _output(self, edge: Edge) -> Json:
        if edge.thing != f"{edge.run.of}.certificate":
            return {"type": "artifact", "resource": {"ref": edge.thing}}
        digest = self.history.certificate_of(edge.run)
        hashes = {} if digest is None else {"hashes": [{"alg": "SHA-256", "content": digest}]}
        place = f"requests/{edge.run.of}/certificate.json"
        named = {"type": "attestation", "url": place, **hashes}
        return {"type": "attestation", "resource": {"externalReference": named}}


def _endings(edges: list[Edge]) -> Iterator[tuple[str, str]]:
    """Tell what a run ended, and what took whose place: CycloneDX has no words for them."""
    for edge in edges:
        if edge.relation == "ended":
            yield "ended", edge.thing
        elif edge.relation == "revised":
            yield "revised", f"{edge.earlier} -> {edge.thing}"


def _parameters(model: PastModel, record: ModelRecord) -> Json:
    task = record.report.get("task")
    learns = {} if task is None else {"task": task}
    return {
        "approach": {"type": "supervised" if task in WITH_LABELS else "unsupervised"},
        **learns,
        "architectureFamily": record.config.get("model_family", FIRST_FAMILY),
        "datasets": [{"ref": model.data}],
    }


def _properties(values: Mapping[str, str]) -> list[Json]:
    return [{"name": f"unweave:{name}", "value": value} for name, value in values.items()]
