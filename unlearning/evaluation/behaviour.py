"""Where behaviour tells the untouched model from the retrained one: which is the unlearned like?

For a statistic s, with D = s(untouched) - s(retrained) and d = s(unlearned) - s(retrained):

    informative   the interval of D excludes 0; there are enough forgotten rows, and runs of each
                  kind
    passed        |d| < closeness |D|, at the confidence asked: shown, not just not refuted
    failed        |d| > closeness |D|, at that confidence, on either side: too much is as wrong as
                  too little
    otherwise     uninformative: there are too few rows or runs to say

d = D is doing nothing. The intervals are of linear combinations of draws (`intervals`), not of
the ratio d / D, which has none where D is uncertain. The statistics are the loss and the accuracy
on the forgotten rows, the AUC of the attack by loss against test rows, and the distance of the
answers to the retrained model's.
"""

from collections.abc import Iterator

import numpy as np

from lineage_store.tensors import Array
from unlearning.attacks.loss_threshold import membership_scores
from unlearning.attacks.roc import placements
from unlearning.evaluation.finding import Finding, Measure, controlled_finding
from unlearning.evaluation.intervals import Draws, Statistic, draw, ends, interval, mean_of
from unlearning.evaluation.models_compared import (
    KINDS,
    Evaluated,
    Kind,
    ModelRun,
    RowSetName,
    identical,
)
from unlearning.evaluation.policy import EVIDENCE, Policy
from unlearning.verification.controlled import Outcome

LOSS, ATTACK, ACCURACY, ANSWERS = EVIDENCE


def evidence(models: Evaluated, policy: Policy) -> Iterator[Finding]:
    """Yield the finding of every statistic that these rows and runs allow."""
    if few := models.too_few(policy.rows):
        for name in EVIDENCE:
            yield Finding(name, "evidence", "uninformative", few)
        return
    for statistic in statistics(models):
        yield _judged(statistic, models, policy)


def statistics(models: Evaluated) -> Iterator[Statistic]:
    """Yield the statistics on the forgotten rows, of the kinds that there are."""
    squared = "the label's units squared"
    unit = "nats" if models.task == "classification" else squared
    present = [kind for kind in KINDS if models.count(kind)]
    losses = {k: [models.losses(r, "forgotten") for r in models.runs[k]] for k in present}
    yield mean_of(LOSS, unit, losses)
    if models.has("test"):
        yield attack_statistic(ATTACK, models, "forgotten")
    if models.task == "classification":
        right = {k: [models.hits(r, "forgotten") for r in models.runs[k]] for k in present}
        yield mean_of(ACCURACY, "share", right)
    if models.count("retrained") >= 2:
        unit = "bits" if models.task == "classification" else "the label's units"
        apart = {k: [_from_retrained(models, r) for r in models.runs[k]] for k in present}
        yield mean_of(ANSWERS, unit, apart)


def attack_statistic(name: str, models: Evaluated, members: RowSetName) -> Statistic:
    """Return the AUC of the attack by loss that tells a set of rows from the test rows."""
    estimates: dict[Kind, Array] = {}
    beaten: dict[Kind, Array] = {}
    lost: dict[Kind, Array] = {}
    for kind in KINDS:
        if not models.count(kind):
            continue
        found = [
            placements(
                membership_scores(models.losses(run, members)),
                membership_scores(models.losses(run, "test")),
            )
            for run in models.runs[kind]
        ]
        estimates[kind] = np.array([one.mean() for one, _ in found])
        beaten[kind] = np.mean([one for one, _ in found], axis=0)
        lost[kind] = np.mean([other for _, other in found], axis=0)
    return Statistic(name, "AUC", estimates, [beaten, lost])


def measured(statistic: Statistic, draws: Draws, policy: Policy) -> Measure:
    """Return a statistic of each kind with its interval."""
    values = {
        kind: interval(found, statistic.value(kind), confidence=policy.confidence)
        for kind, found in draws.items()
    }
    return Measure(statistic.name, statistic.unit, values)


def _from_retrained(models: Evaluated, run: ModelRun) -> Array:
    """Return how far a run's answers are from the retrained runs', but for those that it is."""
    others = [other for other in models.twins() if not identical(run, other)]
    if not others:
        return np.zeros(len(models.labels["forgotten"]))
    return np.asarray(np.mean([models.apart(run, one, "forgotten") for one in others], axis=0))


def _judged(statistic: Statistic, models: Evaluated, policy: Policy) -> Finding:
    draws = draw(statistic, count=policy.draws, seed=policy.seed)
    measure = measured(statistic, draws, policy)
    lacking = _lacking(models, policy)
    if lacking is None and not _separated(draws, policy):
        lacking = (
            "these rows and runs do not tell the untouched model from the retrained one: "
            f"{_text(measure, 'untouched')} and {_text(measure, 'retrained')}"
        )
    if lacking is not None:
        return Finding(statistic.name, "evidence", "uninformative", lacking, measure)
    by_model = {kind: _outcome(draws, kind, policy) for kind in KINDS}
    whole = statistic.value("untouched") - statistic.value("retrained")
    off = (statistic.value("unlearned") - statistic.value("retrained")) / whole
    detail = (
        f"untouched {_text(measure, 'untouched')}, unlearned {_text(measure, 'unlearned')}, "
        f"retrained {_text(measure, 'retrained')}: {off:.0%} of the way from the retrained to the "
        f"untouched model, where {policy.closeness:.0%} is allowed either way"
    )
    if by_model["unlearned"] == "uninformative":
        detail = f"too few rows or runs to decide: {detail}"
    return controlled_finding(statistic.name, "evidence", by_model, detail=detail, measure=measure)


def _lacking(models: Evaluated, policy: Policy) -> str | None:
    if not models.count("retrained"):
        return "there is no retrained model to compare with"
    if models.fewest() < policy.runs:
        return (
            f"{policy.runs} models of each kind are needed, to know how far other seeds take them; "
            f"of one there are {models.fewest()}"
        )
    return None


def _separated(draws: Draws, policy: Policy) -> bool:
    low, high = ends(draws["untouched"] - draws["retrained"], confidence=policy.confidence)
    return low > 0 or high < 0


def _outcome(draws: Draws, kind: Kind, policy: Policy) -> Outcome:
    """Judge a model in the unlearned one's place."""
    whole = draws["untouched"] - draws["retrained"]
    whole, off = (
        part * np.sign(np.median(whole)) for part in (whole, draws[kind] - draws["retrained"])
    )
    rooms = [
        ends(policy.closeness * whole - side * off, confidence=policy.confidence)
        for side in (1, -1)
    ]
    if any(high < 0 for _, high in rooms):
        return "failed"
    return "passed" if all(low > 0 for low, _ in rooms) else "uninformative"


def _text(measure: Measure, kind: Kind) -> str:
    one = measure.values[kind]
    return f"{one.value:.4g} [{one.low:.4g}, {one.high:.4g}]"
