"""The provenance of models as W3C PROV, in PROV-JSON (W3C Member Submission, 24 April 2013).

    entities    models, what each learnt from, certificates
    activities  trainings, deletions, retirements
    relations   used, wasGeneratedBy, wasInvalidatedBy, wasDerivedFrom

PROV-JSON writes what the ontology calls `wasRevisionOf` as `wasDerivedFrom` of the type
`prov:Revision`. There is no agent: a log names nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.index.models import ModelRecord
from unweave.exports.export import Exported, Files
from unweave.exports.history import Edge, History, PastModel, PastRun
from unweave.exports.json_text import json_document

PREFIXES = {"run": "urn:uuid:", "unweave": "https://unweave.dev/ns#"}
Json = dict[str, Any]


@dataclass(frozen=True)
class Prov:
    """The provenance of all models of a workspace, of those that ended too."""

    name: str = "prov"
    of_one_model: bool = False

    def written(self, exported: Exported, model: ModelRecord | None) -> Files:
        """Return the document."""
        history = exported.history
        place = f"https://unweave.dev/workspace/{history.key}#"
        document: Json = {
            "prefix": PREFIXES | {"ws": place},
            "entity": _entities(exported),
            "activity": {_run(run): _activity(run) for run in history.runs},
        }
        for edge in history.edges():
            relation, values = _relation(edge)
            known = document.setdefault(relation, {})
            known[f"_:{relation}{len(known) + 1}"] = values
        return json_document(document)


def _entities(exported: Exported) -> Json:
    history: History = exported.history
    found: Json = {}
    for model in history.models.values():
        found[_thing(model.id)] = _typed("unweave:Model") | _of_model(model)
        data = exported.data_of(model)
        found[_thing(model.data)] = _typed("unweave:Rows") | (
            {} if data is None else {"unweave:commitment": data}
        )
    for run in history.runs:
        if run.certificate is not None:
            digest = history.certificate_of(run)
            found[_thing(f"{run.of}.certificate")] = _typed("unweave:Certificate") | (
                {} if digest is None else {"unweave:sha256": digest}
            )
    return found


def _of_model(model: PastModel) -> Json:
    return {
        "unweave:line": model.line,
        "unweave:guarantee": model.guarantee,
        **{f"unweave:{what}": one for what, one in model.commitments.items()},
    }


def _activity(run: PastRun) -> Json:
    over = {} if run.ended is None else {"prov:endTime": run.ended}
    return {
        **_typed(f"unweave:{run.kind.capitalize()}"),
        "unweave:of": run.of,
        "unweave:state": run.state,
        "prov:startTime": run.started,
        **over,
    }


def _relation(edge: Edge) -> tuple[str, Mapping[str, Any]]:
    """Return the relation that an edge is, and what it says."""
    run, thing = _run(edge.run), _thing(edge.thing)
    match edge.relation:
        case "used":
            return "used", {"prov:activity": run, "prov:entity": thing}
        case "made":
            return "wasGeneratedBy", {"prov:activity": run, "prov:entity": thing}
        case "ended":
            assert edge.run.ended is not None
            when = {"prov:time": edge.run.ended}
            return "wasInvalidatedBy", {"prov:activity": run, "prov:entity": thing, **when}
        case "derived" | "revised":
            assert edge.earlier is not None
            kind = _typed("prov:Revision") if edge.relation == "revised" else {}
            ends = {"prov:generatedEntity": thing, "prov:usedEntity": _thing(edge.earlier)}
            return "wasDerivedFrom", {**ends, "prov:activity": run, **kind}


def _typed(name: str) -> Json:
    return {"prov:type": {"$": name, "type": "prov:QUALIFIED_NAME"}}


def _run(run: PastRun) -> str:
    return f"run:{run.id}"


def _thing(name: str) -> str:
    return f"ws:{name}"
