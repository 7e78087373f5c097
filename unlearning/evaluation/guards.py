"""What a deletion must not break: guards that can fail, and never count as evidence.

    another model     the unlearned model is not the untouched one
    skill             on test and on retained rows at least `utility` of the retrained one's skill:
                      balanced accuracy above chance, or 1 - (mean squared error / variance), so
                      that guessing has none, however uneven the classes
    over-unlearning   the attack's AUC is not well below one half and below the retrained model's:
                      rows whose loss stands out as too high are given away by that
                      (the attack that Graves et al. 2021 leave open)
    retained leakage  the AUC on retained rows is not well above that of both other models

A guard fails if the whole interval is on the wrong side. With one run of a kind the intervals are
over rows only; the margins of the policy leave room for what another seed changes.
"""

from collections.abc import Callable, Iterator

import numpy as np

from lineage_store.tensors import Array
from unlearning.evaluation.behaviour import attack_statistic, measured
from unlearning.evaluation.finding import Finding, controlled_finding
from unlearning.evaluation.intervals import Draws, Statistic, draw, ends, mean_of
from unlearning.evaluation.models_compared import (
    COMPARED,
    KINDS,
    Evaluated,
    Kind,
    ModelRun,
    RowSetName,
    identical,
)
from unlearning.evaluation.policy import Policy
from unlearning.verification.controlled import Outcome

ANOTHER, OVER, LEAKAGE = "another model", "over-unlearning", "retained leakage"


def guards(models: Evaluated, policy: Policy) -> Iterator[Finding]:
    """Yield the finding of every guard that these rows allow."""
    if models.has("forgotten"):  # else the same model may be right
        yield another_model(models)
    if not models.count("retrained"):
        return
    for rows in ("test", "retained"):
        if models.has(rows):
            yield _skill(models, rows, policy)
    if models.has("test") and not models.too_few(policy.rows):
        yield _over_unlearning(models, policy)
    if models.has("test") and models.has("retained"):
        yield _retained_leakage(models, policy)


def another_model(models: Evaluated) -> Finding:
    """Check that no unlearned run is an untouched one, byte for byte."""

    def outcome(kind: Kind) -> Outcome:
        same = any(
            identical(one, other)
            for one in models.runs.get(kind, ())[:COMPARED]
            for other in models.runs["untouched"][:COMPARED]
        )
        return "failed" if same else "passed"

    found = outcome("unlearned")
    detail = (
        "an unlearned model is the untouched one: nothing was done"
        if found == "failed"
        else "no unlearned model is an untouched one"
    )
    by_model = {kind: outcome(kind) for kind in KINDS}
    return controlled_finding(ANOTHER, "guard", by_model, detail=detail, measure=None)


def _skill(models: Evaluated, rows: RowSetName, policy: Policy) -> Finding:
    values = {kind: [_skills(models, run, rows) for run in models.runs[kind]] for kind in KINDS}
    statistic = mean_of(f"skill on {rows} rows", "share above chance", values)

    def fails(draws: Draws, kind: Kind) -> bool:
        return (
            ends(draws[kind] - policy.utility * draws["retrained"], confidence=policy.confidence)[1]
            < 0
        )

    return _guard(statistic, fails, policy, f"at least {policy.utility:.0%} of the retrained one's")


def _skills(models: Evaluated, run: ModelRun, rows: RowSetName) -> Array:
    """Return what each row adds to the skill (n,): their mean is the skill."""
    labels = models.labels[rows]
    if models.task == "regression":
        variance = float(np.var(labels))
        return 1.0 - models.losses(run, rows) / (variance if variance > 0 else 1.0)
    counts = np.bincount(labels)
    present = np.count_nonzero(counts)
    weights = len(labels) / (present * counts[labels])
    return np.asarray(models.hits(run, rows) * weights - 1.0 / present)


def _over_unlearning(models: Evaluated, policy: Policy) -> Finding:
    statistic = attack_statistic(OVER, models, "forgotten")

    def fails(draws: Draws, kind: Kind) -> bool:
        below_half = ends(draws[kind] - 0.5 + policy.margin, confidence=policy.confidence)[1] < 0
        below_twin = (
            ends(draws[kind] - draws["retrained"] + policy.margin, confidence=policy.confidence)[1]
            < 0
        )
        return below_half and below_twin

    wanted = f"not {policy.margin:g} below one half and the retrained one's"
    return _guard(statistic, fails, policy, wanted)


def _retained_leakage(models: Evaluated, policy: Policy) -> Finding:
    statistic = attack_statistic(LEAKAGE, models, "retained")

    def fails(draws: Draws, kind: Kind) -> bool:
        return all(
            ends(draws[kind] - draws[other] - policy.margin, confidence=policy.confidence)[0] > 0
            for other in KINDS
            if other != "unlearned"
        )

    return _guard(statistic, fails, policy, f"not {policy.margin:g} above both others'")


def _guard(
    statistic: Statistic, fails: Callable[[Draws, Kind], bool], policy: Policy, wanted: str
) -> Finding:
    draws = draw(statistic, count=policy.draws, seed=policy.seed)
    measure = measured(statistic, draws, policy)
    by_model: dict[Kind, Outcome] = {
        kind: "failed" if fails(draws, kind) else "passed" for kind in KINDS
    }
    figures = ", ".join(f"{kind} {measure.values[kind].value:.4g}" for kind in KINDS)
    detail = f"{figures}; wanted: {wanted}"
    return controlled_finding(statistic.name, "guard", by_model, detail=detail, measure=measure)
