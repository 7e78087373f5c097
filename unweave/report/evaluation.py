"""How a result behaves, as an evaluation has judged it: read from the request's folder.

The certificate names the evaluation of a model by outcome, rung and digest; the file holds what was
measured of the untouched, the unlearned and the retrained model. Without an evaluation there is
nothing to read, and the report says that behaviour was not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.canonical import digest, read_json
from lineage_store.errors import CheckFailed
from lineage_store.workspace import RequestFolder
from unweave.report.charts import Curve, Evaluation, Histogram

KINDS = ("untouched", "unlearned", "retrained")


@dataclass(frozen=True)
class Finding:
    """One check of behaviour, and what was measured of each model: as text, or "none"."""

    name: str
    outcome: str
    detail: str
    measured: tuple[str, str, str]


@dataclass(frozen=True)
class Judged:
    """What an evaluation came to; `rung` is what it rests on, None if nothing tells anything.

    `charts` are the ROC curves and losses of the attack, None if there were too few rows.
    """

    outcome: str
    rung: str | None
    why: str
    findings: tuple[Finding, ...]
    charts: Evaluation | None = None


def judged(folder: RequestFolder, model: str, certified: Mapping[str, Any] | None) -> Judged | None:
    """Read the evaluation of a model, by its id before; `certified` is what its certificate says.

    Raises CheckFailed if the file is not the one that the certificate names.
    """
    if certified is None:
        return None
    file = folder.evaluation(model)
    if not file.exists() or digest(file.read_bytes()) != certified["digest"]:
        raise CheckFailed(
            f"The evaluation of {model} is not the one that the certificate names: restore the "
            f"workspace from a backup."
        )
    value = read_json(file)
    return Judged(
        outcome=certified["outcome"],
        rung=certified["rung"],
        why=value.get("why", ""),
        findings=tuple(map(_finding, value.get("findings", ()))),
        charts=_charts(value.get("charts")),
    )


def _charts(value: Mapping[str, Any] | None) -> Evaluation | None:
    if value is None:
        return None
    edges = tuple(value["edges"])
    return Evaluation(
        tuple(Curve(kind, tuple((x, y) for x, y in value["roc"][kind])) for kind in _known(value)),
        tuple(Histogram(kind, edges, tuple(value["counts"][kind])) for kind in _known(value)),
    )


def _known(value: Mapping[str, Any]) -> list[str]:
    return [kind for kind in KINDS if kind in value["roc"]]


def _finding(value: Mapping[str, Any]) -> Finding:
    measure = value.get("measure") or {}
    untouched, unlearned, retrained = (_interval(measure.get(kind)) for kind in KINDS)
    return Finding(
        value["name"], value["outcome"], value["detail"], (untouched, unlearned, retrained)
    )


def _interval(value: Mapping[str, float] | None) -> str:
    if value is None:
        return "none"
    return f"{value['value']:.3g} ({value['low']:.3g} to {value['high']:.3g})"
