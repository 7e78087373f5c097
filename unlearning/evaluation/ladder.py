"""The ladder of verification, strongest rung first; the strongest that tells something is used.

    bits               every unlearned run equals a retrained one, byte for byte
    tolerance          no weight differs from a retrained run's by more than the policy's tolerance
    bound              the L2 distance to a retrained run is at most the policy's bound
    law                thousands of runs: the unlearned's are not told from the retrained's, and the
                       untouched's are
    relative distance  ||unlearned - retrained|| / ||untouched - retrained||, against the distance
                       of retrained runs from each other
    behaviour          what the models answer: `behaviour`

Each rung is put to the untouched model too, and one that it passes is uninformative. Other weights
than the retrained model's are no failure in themselves, as another seed gives those too: bits and
law then do not apply, and the next rung is asked. What the policy claims (tolerance, bound) and
what is worse than doing nothing fails.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unlearning.evaluation.distributions import permutation_p
from unlearning.evaluation.models_compared import KINDS, Evaluated, Kind, ModelRun, identical
from unlearning.evaluation.policy import RUNGS, Policy
from unlearning.metrics.weight_distance import (
    comparable,
    l2_distance,
    largest_difference,
    relative_distance,
)
from unlearning.verification.controlled import Outcome

BITS, TOLERANCE, BOUND, LAW, RELATIVE, BEHAVIOUR = RUNGS

SIGNIFICANT = 0.01
CLEARLY = 1.25  # times the distance of retrained runs: a largest of few distances is uncertain

NO_TWIN = "there is no retrained model to compare with"
NO_WEIGHTS = "the weights cannot be read, or are of other shapes"


@dataclass(frozen=True)
class Rung:
    """One rung; `outcome` is None where it does not apply, and `values` are by kind of model."""

    name: str
    outcome: Outcome | None
    detail: str
    values: Mapping[Kind, float | None]

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "detail": self.detail,
            "values": {kind: self.values.get(kind) for kind in KINDS},
        }


def weight_rungs(models: Evaluated, policy: Policy) -> Iterator[Rung]:
    """Yield the rungs above behaviour, strongest first."""
    if not models.count("retrained"):
        for name in RUNGS[:-1]:
            yield Rung(name, None, NO_TWIN, {})
        return
    readable = _comparable(models)
    yield _bits(models) if readable else Rung(BITS, None, NO_WEIGHTS, {})
    for name, limit, measure in (
        (TOLERANCE, policy.tolerance, largest_difference),
        (BOUND, policy.bound, l2_distance),
    ):
        if limit is None:
            yield Rung(name, None, "the policy claims none", {})
        elif not readable:
            yield Rung(name, None, NO_WEIGHTS, {})
        else:
            yield _within(models, name, limit, measure)
    yield _law(models, policy)
    yield _relative(models, policy) if readable else Rung(RELATIVE, None, NO_WEIGHTS, {})


def _bits(models: Evaluated) -> Rung:
    twins = {twin.weights_digest for twin in models.runs["retrained"]}
    shares: dict[Kind, float | None] = {
        kind: float(np.mean([run.weights_digest in twins for run in runs]))
        for kind, runs in models.runs.items()
    }
    if shares["unlearned"] != 1:
        return Rung(BITS, None, "the unlearned weights are not a retrained model's", shares)
    if shares["untouched"] == 1:
        same = "the untouched weights are a retrained model's too: the rows changed nothing"
        return Rung(BITS, "uninformative", same, shares)
    detail = "all weights equal a retrained model's, byte for byte; the untouched model's do not"
    return Rung(BITS, "passed", detail, shares)


def _within(
    models: Evaluated,
    name: str,
    limit: float,
    measure: Callable[[Mapping[str, Any], Mapping[str, Any]], float],
) -> Rung:
    twins = models.twins()
    worst: dict[Kind, float | None] = {}
    holds: dict[Kind, bool] = {}
    for kind, runs in models.runs.items():
        found = max(min(measure(_w(run), _w(twin)) for twin in twins) for run in runs)
        worst[kind], holds[kind] = found, found <= limit
    detail = f"at most {worst['unlearned']:.4g} from a retrained model, where {limit:g} is claimed"
    if not holds["unlearned"]:
        return Rung(name, "failed", detail, worst)
    if holds["untouched"]:
        too = f"the untouched model is within it too, with {worst['untouched']:.4g}: {detail}"
        return Rung(name, "uninformative", too, worst)
    return Rung(name, "passed", f"{detail}; the untouched model, {worst['untouched']:.4g}", worst)


def _law(models: Evaluated, policy: Policy) -> Rung:
    if few := models.too_few(policy.rows):
        return Rung(LAW, None, few, {})
    if models.fewest() < policy.law_runs:
        there = f"of one there are {models.fewest():,}"
        few = f"{policy.law_runs:,} models of each kind are needed; {there}"
        return Rung(LAW, None, few, {})
    means = {
        kind: np.array([models.losses(run, "forgotten").mean() for run in runs])
        for kind, runs in models.runs.items()
    }
    found: dict[Kind, float | None] = {
        kind: permutation_p(means[kind], means["retrained"], seed=policy.seed)
        for kind in ("untouched", "unlearned")
    }
    detail = (
        f"p = {found['unlearned']:.3g} that the forgotten rows' mean loss has the law of the "
        f"retrained models, and {found['untouched']:.3g} for the untouched ones"
    )
    if (found["untouched"] or 0.0) >= SIGNIFICANT:
        return Rung(LAW, "uninformative", f"the untouched are not told apart: {detail}", found)
    if (found["unlearned"] or 0.0) < SIGNIFICANT:
        return Rung(LAW, None, f"it is another law: {detail}", found)
    return Rung(LAW, "passed", detail, found)


def _relative(models: Evaluated, policy: Policy) -> Rung:
    twins = models.twins()
    if not policy.same_seeds and len(twins) < 2:
        few = "two retrained models at least are needed, to know how far other seeds take them"
        return Rung(RELATIVE, None, few, {})
    if policy.same_seeds and len({len(runs) for runs in models.runs.values()}) > 1:
        uneven = "the policy says that the models come in pairs, and there are not as many of each"
        return Rung(RELATIVE, None, uneven, {})
    away: dict[Kind, float | None] = {
        kind: _away(models, kind, same_seeds=policy.same_seeds) for kind in KINDS
    }
    unlearned, untouched = away["unlearned"] or 0.0, away["untouched"] or 0.0
    floor = 0.0
    if not policy.same_seeds:
        floor = max(l2_distance(_w(a), _w(b)) for n, a in enumerate(twins) for b in twins[:n])
    if untouched <= CLEARLY * floor or untouched == 0:
        near = (
            f"the untouched model is {untouched:.4g} from the retrained ones, and those are up to "
            f"{floor:.4g} from each other"
        )
        return Rung(RELATIVE, "uninformative", near, away)
    ratio = relative_distance(unlearned=unlearned, untouched=untouched)
    detail = (
        f"{ratio:.3g} of the untouched model's distance to the retrained one "
        f"({unlearned:.4g} of {untouched:.4g}), where {policy.relative_distance:g} is allowed"
    )
    if ratio >= 1 and unlearned > CLEARLY * floor:
        return Rung(RELATIVE, "failed", f"no nearer than doing nothing: {detail}", away)
    if ratio > policy.relative_distance and unlearned > floor:
        return Rung(RELATIVE, "uninformative", f"part of the way: {detail}", away)
    if models.fewest() < policy.runs:
        few = f"{models.fewest()} models of a kind, where {policy.runs} are needed: {detail}"
        return Rung(RELATIVE, "uninformative", few, away)
    return Rung(RELATIVE, "passed", detail, away)


def _away(models: Evaluated, kind: Kind, *, same_seeds: bool) -> float:
    """Return how far a kind's runs are from the retrained ones, on average, itself left out."""
    runs, twins = models.runs[kind], models.runs["retrained"]
    if same_seeds:
        return float(np.mean([l2_distance(_w(r), _w(t)) for r, t in zip(runs, twins, strict=True)]))
    found = [
        l2_distance(_w(run), _w(twin)) for run in runs for twin in twins if not identical(run, twin)
    ]
    return float(np.mean(found)) if found else 0.0


def _comparable(models: Evaluated) -> bool:
    first = models.runs["retrained"][0].weights
    return first is not None and all(
        run.weights is not None and comparable(run.weights, first)
        for runs in models.runs.values()
        for run in runs
    )


def _w(run: ModelRun) -> Mapping[str, Any]:
    assert run.weights is not None  # _comparable has seen them all
    return run.weights
