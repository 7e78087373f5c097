"""The verdict on an unlearned model: passed, failed or uninformative, with its reasons.

    failed         a rung or a guard failed, or a check of behaviour did
    passed         the strongest rung that tells something passed, and is at least the policy's
    uninformative  these models and rows do not show whether anything was forgotten

The untouched and the retrained model stand beside the unlearned one in every line. Without a
retrained model nothing can be told: answers alone do not say what forgetting would look like.
Handed in as "unlearned", the untouched model does not pass, and a retrained one does not fail but
by a policy that claims a tolerance or a bound; for models of other seeds, but for the share of
chance that `confidence` leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput
from unlearning.evaluation.behaviour import evidence
from unlearning.evaluation.charts import AttackCharts, attack_charts
from unlearning.evaluation.finding import Finding, Measure
from unlearning.evaluation.guards import guards
from unlearning.evaluation.ladder import BEHAVIOUR, Rung, weight_rungs
from unlearning.evaluation.measures import told_measures
from unlearning.evaluation.models_compared import KINDS, Evaluated
from unlearning.evaluation.policy import EVIDENCE, RUNGS, Policy
from unlearning.verification.controlled import Outcome


@dataclass(frozen=True)
class Evaluation:
    """A verdict; `rung` is the one it rests on, None if none tells anything.

    `missing` says what was not there to be looked at, in whole sentences; `charts` are for people.
    """

    outcome: Outcome
    why: str
    rung: str | None
    rungs: tuple[Rung, ...]
    findings: tuple[Finding, ...]
    measures: tuple[Measure, ...]
    missing: tuple[str, ...]
    policy: Policy
    charts: AttackCharts | None = None

    @property
    def accepted(self) -> bool:
        """Whether the policy lets the model through."""
        if self.outcome == "uninformative":
            return not self.policy.refuse_uninformative
        return self.outcome == "passed"

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {
            "outcome": self.outcome,
            "accepted": self.accepted,
            "why": self.why,
            "rung": self.rung,
            "rungs": [rung.to_json() for rung in self.rungs],
            "findings": [finding.to_json() for finding in self.findings],
            "measures": [measure.to_json() for measure in self.measures],
            "missing": list(self.missing),
            "policy": self.policy.to_json(),
            "charts": None if self.charts is None else self.charts.to_json(),
        }


def evaluate(models: Evaluated, policy: Policy) -> Evaluation:
    """Judge an unlearned model.

    Raises BadInput without an untouched or an unlearned model, if an untouched or a retrained one
    answers NaN, or if a model is given twice as one kind: its runs would seem to differ less than
    they do.
    """
    for kind in KINDS[:2]:
        if not models.count(kind):
            raise BadInput(f"There is no {kind} model: nothing can be judged without it.")
    for kind in ("untouched", "retrained"):
        if not models.finite(kind):
            raise BadInput(
                f"The {kind} model answers NaN, so nothing can be compared with it: was it trained "
                f"to its end, and does it take missing values, if there are any?"
            )
    if not models.finite("unlearned"):
        why = "an unlearned model answers NaN: it is destroyed"
        return Evaluation("failed", why, None, (), (), (), tuple(_missing(models)), policy)
    for kind, runs in models.runs.items():
        if len({run.weights_digest or run.answers_digest for run in runs}) < len(runs):
            raise BadInput(
                f"Two of the {kind} models are the same one: each must come of a seed of its own."
            )
    behaviour = tuple(evidence(models, policy))
    findings = (*behaviour, *guards(models, policy))
    rungs = (*weight_rungs(models, policy), _behaviour(behaviour, policy))
    outcome, why, rung = _verdict(rungs, findings, policy)
    return Evaluation(
        outcome=outcome,
        why=why,
        rung=rung,
        rungs=rungs,
        findings=findings,
        measures=tuple(told_measures(models, policy)),
        missing=tuple(_missing(models)),
        policy=policy,
        charts=attack_charts(models, policy),
    )


def _behaviour(found: Sequence[Finding], policy: Policy) -> Rung:
    """Make one rung of all evidence: one failure fails it, and what must pass must."""
    names = {finding.name: finding.outcome for finding in found}
    failed = [finding for finding in found if finding.outcome == "failed"]
    passed = [name for name, outcome in names.items() if outcome == "passed"]
    if failed:
        detail = f"{failed[0].name}: {failed[0].detail}"
        return Rung(BEHAVIOUR, "failed", detail, {})
    lacking = [name for name in policy.must_pass if names.get(name) != "passed"]
    if lacking:
        detail = f"the policy wants these to pass, and they do not: {', '.join(lacking)}"
        return Rung(BEHAVIOUR, "uninformative", detail, {})
    if not passed:
        detail = found[0].detail if found else "there are no answers to look at"
        return Rung(BEHAVIOUR, "uninformative", detail, {})
    detail = f"like the retrained model, where the untouched is not: {', '.join(passed)}"
    if left := [name for name in EVIDENCE if name not in passed]:
        detail += f"; nothing is told by: {', '.join(left)}"
    return Rung(BEHAVIOUR, "passed", detail, {})


def _verdict(
    rungs: Sequence[Rung], findings: Sequence[Finding], policy: Policy
) -> tuple[Outcome, str, str | None]:
    for rung in rungs:
        if rung.outcome == "failed":
            return "failed", f"{rung.name}: {rung.detail}", rung.name
    for finding in findings:
        if finding.outcome == "failed":
            return "failed", f"{finding.name}: {finding.detail}", None
    for rung in rungs:
        if rung.outcome != "passed":
            continue
        if RUNGS.index(rung.name) > RUNGS.index(policy.at_least):
            weak = f"the policy asks for {policy.at_least}, and the strongest that holds is"
            return "uninformative", f"{weak} {rung.name}: {rung.detail}", rung.name
        return "passed", f"{rung.name}: {rung.detail}", rung.name
    last = rungs[-1]
    return (
        "uninformative",
        f"nothing here tells whether the rows are forgotten: {last.detail}",
        None,
    )


def _missing(models: Evaluated) -> list[str]:
    sentences = []
    if not models.count("retrained"):
        sentences.append(
            "No model retrained without the rows was given: what forgetting looks like on these "
            "data is unknown, and what the models answer shows nothing by itself."
        )
    if not models.has("test"):
        sentences.append(
            "No test rows were given: no attack, and nothing on what was lost elsewhere."
        )
    if not models.has("retained"):
        sentences.append("No retained rows were given: nothing on what was lost there.")
    if any(run.weights is None for runs in models.runs.values() for run in runs):
        sentences.append("The weights of a model cannot be read: they were not compared.")
    return sentences
