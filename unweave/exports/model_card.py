"""A model card: what a model is for, what it learnt from, how it was judged, what was forgotten.

The headings are those of Mitchell et al. 2019, "Model Cards for Model Reporting". It has whole per
cents and no digests: a card outlives its model, and an exact number of a model confirms a guess of
a deleted row by one training (law 9). Of columns it has the names, and no value.
"""

from dataclasses import dataclass
from typing import Any

from lineage_store.counted import counted
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import FIRST_FAMILY
from unweave.exports.export import Exported, Files
from unweave.exports.markdown import bullets, described, document, plain

LIMITS = """\
What the model says of somebody is an estimate. That it does well for one group of people was not
measured unless it says so here. *Exact* says that the model is, bit for bit, the one that training
without the deleted rows gives; it does not say that nothing about them can be told from rows of
others."""


@dataclass(frozen=True)
class ModelCard:
    """The card of one live model, as Markdown."""

    name: str = "model-card"
    of_one_model: bool = True

    def written(self, exported: Exported, model: ModelRecord | None) -> Files:
        """Return the card."""
        if model is None:
            raise ValueError("a card is about one model")
        named, said = exported.named_as(model), exported.said_of(model)
        report: Any = model.report
        config: Any = model.config
        controller = exported.controller
        title = model.id if named is None else f"{named.name}, {model.id}"
        return document(
            [f"# {title}"],
            [f"As of {exported.as_of[:10]}."],
            ["## Model details"],
            bullets(
                [
                    ("family", plain(str(config.get("model_family", FIRST_FAMILY)))),
                    ("learns", described(report.get("task"))),
                    ("made on", model.created[:10]),
                    ("is", _guarantee(model)),
                    ("owner", described(said.owner)),
                    ("controller", described(controller.name)),
                    ("contact", described(controller.contact)),
                    ("data protection officer", described(controller.officer)),
                ]
            ),
            ["## Intended use"],
            bullets(
                [
                    ("purpose", described(said.purpose)),
                    ("legal basis", described(said.legal_basis)),
                    ("kept", described(said.retention)),
                    ("automated decisions", described(controller.decisions)),
                ]
            ),
            ["## Data"],
            bullets(
                [
                    ("rows learnt from", f"{report['rows']['train']:,}"),
                    ("rows judged by", f"{report['rows']['eval']:,}"),
                    ("columns", _columns(report)),
                    ("categories of data", described(controller.data)),
                    ("source", described(controller.source)),
                ]
            ),
            ["## How it was judged"],
            _judged(report.get("metrics", {})),
            ["## What was forgotten"],
            _forgotten(exported.line(model.family)),
            ["## Limits"],
            [LIMITS],
        )


def _guarantee(model: ModelRecord) -> str:
    if model.request is None:
        return "trained, nothing was taken out of it"
    return f"{model.guarantee}, after a deletion"


def _columns(report: Any) -> str:
    spec = report["made_with"]["spec"]
    names = [*spec["numbers"], *spec["strings"]]
    return ", ".join(plain(name) for name in names) or "none"


def _judged(metrics: Any) -> list[str]:
    shares = [name for name in ("accuracy", "balanced_accuracy", "hit_rate") if name in metrics]
    if not shares:
        return ["Nothing that may outlive a model was measured: its losses stay within it."]
    things = [(name.replace("_", " "), f"{metrics[name]:.0%}") for name in shares]
    majority = metrics.get("baseline", {}).get("accuracy")
    if majority is not None:
        things.append(("accuracy of always naming the majority", f"{majority:.0%}"))
    return bullets(things)


def _forgotten(line: list[ModelRecord]) -> list[str]:
    made = [one for one in line if one.request is not None]
    if not made:
        return ["Nothing yet: nobody's rows were taken out of this model or of one before it."]
    first = f"{counted(len(made), 'deletion')} since {line[0].created[:10]}:"
    rows = [f"| {one.request} | {one.created[:10]} | {one.guarantee} | {one.id} |" for one in made]
    return [first, "", "| deletion | on | result | model |", "|---|---|---|---|", *rows]
