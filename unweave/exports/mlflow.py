"""What a registry of MLflow is to hold: names, their versions, and which version is live.

A name of unweave's is a registered model, and so is a line that has none; each model that there is
or was is a version. The alias `live` is on the version that is served, and moves with a deletion. A
version that ended stays, with its end and the certificate in its tags: MLflow's numbers count on.
What a version has as its source is a name: MLflow reads no model from unweave. `mlflow_server`
brings a server to this.
"""

from dataclasses import dataclass
from typing import Any

from lineage_store.index.models import ModelRecord
from lineage_store.processing import named_by
from unweave.exports.export import Exported, Files
from unweave.exports.history import SHORT, History, PastModel, PastRun
from unweave.exports.json_text import json_document

LIVE, MODEL, OURS = "live", "unweave.model", "unweave.workspace"
Json = dict[str, Any]
Tags = dict[str, str]


@dataclass(frozen=True)
class Mlflow:
    """The registered models of a whole workspace."""

    name: str = "mlflow"
    of_one_model: bool = False

    def written(self, exported: Exported, model: ModelRecord | None) -> Files:
        """Return the document."""
        return json_document(registry_of(exported))


def registry_of(exported: Exported) -> Json:
    """Return `registered_models`, each with its `name`, `tags`, `versions` and `aliases`."""
    history, found = exported.history, dict[str, Json]()
    made = {one: run for run in history.runs if run.kind == "deletion" for one in run.made}
    ended = {one: run for run in history.runs for one in run.replaced}
    for model in history.models.values():
        named = named_by(exported.named, model.line)
        name = f"unweave-{history.key[:SHORT]}-{model.line}" if named is None else named.name
        ours = {OURS: history.workspace}
        one = found.setdefault(name, {"name": name, "tags": ours, "versions": [], "aliases": {}})
        tags = {
            **_of_model(exported, model),
            **_of_making(history, model, made.get(model.id)),
            **_of_end(history, model, ended.get(model.id)),
        }
        source = f"unweave://{history.key[:SHORT]}/{model.id}"  # a place that nothing is read from
        one["versions"].append({"model": model.id, "source": source, "tags": tags})
        if model.ended is None and (named is None or named.served == model.line):
            one["aliases"] = {LIVE: model.id}
    return {"registered_models": list(found.values())}


def _of_model(exported: Exported, model: PastModel) -> Tags:
    data = exported.data_of(model)
    return {
        MODEL: model.id,
        "unweave.line": model.line,
        "unweave.guarantee": model.guarantee,
        "unweave.created": model.created,
        "unweave.state": "live" if model.ended is None else "ended",
        **{f"unweave.commitment.{what}": one for what, one in model.commitments.items()},
        **_if_there("unweave.commitment.data", data),
        **_if_there("unweave.base", model.base),
    }


def _of_making(history: History, model: PastModel, run: PastRun | None) -> Tags:
    """Tell the deletion that made a model."""
    if run is None:
        return {}
    before = next((one for one, after in run.replaced.items() if after == model.id), None)
    return {
        "unweave.made_by": run.of,
        **_if_there("unweave.takes_the_place_of", before),
        **_if_there("unweave.certificate", history.certificate_of(run)),
    }


def _of_end(history: History, model: PastModel, run: PastRun | None) -> Tags:
    """Tell the run that ended a model."""
    if run is None:
        return {}
    return {
        **_if_there("unweave.ended", model.ended),
        "unweave.ended_by": run.of if run.kind == "deletion" else run.kind,
        **_if_there("unweave.ended_certificate", history.certificate_of(run)),
    }


def _if_there(name: str, value: str | None) -> Tags:
    return {} if value is None else {name: value}
