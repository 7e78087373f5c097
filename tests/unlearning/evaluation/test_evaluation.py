"""The verdict, on small models that overfit: what must fail fails, and what cannot tell says so."""

import json
import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_store.canonical import canonical_json
from lineage_store.errors import BadInput
from unlearning.evaluation.distributions import ks_distance, permutation_p
from unlearning.evaluation.models_compared import Evaluated, ModelRun, identical
from unlearning.evaluation.policy import EVIDENCE, RUNGS, Policy, policy_from, read_policy
from unlearning.evaluation.verdict import evaluate

UNITS = 300
POLICY = Policy(draws=600)


@dataclass(frozen=True)
class World:
    """Rows with noisy labels, of which the first `gone` training rows are forgotten."""

    seed: int = 0
    gone: int = 60
    regression: bool = False

    @cached_property
    def rows(self):
        random = np.random.default_rng(self.seed)
        inputs = random.normal(size=(760, 4))
        signal = inputs @ [1.0, -1.0, 0.5, 0.0]
        if self.regression:
            return inputs, signal + random.normal(size=760)
        return inputs, (signal + 1.5 * random.normal(size=760) > 0).astype(int)

    @property
    def inputs(self):
        return self.rows[0]

    @property
    def labels(self):
        return self.rows[1]

    @property
    def sets(self):
        names = {"forgotten": (0, self.gone), "retained": (self.gone, 360), "test": (360, 760)}
        return {name: slice(*ends) for name, ends in names.items()}

    @cache  # noqa: B019  a few worlds, for as long as the tests run
    def train(self, seed, *, without=False):
        """Fit a ridge regression on random features, which all but learns its rows by heart."""
        random = np.random.default_rng(seed)
        project = random.normal(size=(self.inputs.shape[1], UNITS)), random.random(UNITS) * 6.3
        rows = slice(self.gone if without else 0, 360)
        features = self.features(project)[rows]
        targets = self.labels[rows] - (0 if self.regression else 0.5)
        return project, np.linalg.solve(features.T @ features + np.eye(UNITS), features.T @ targets)

    def features(self, project):
        return np.cos(self.inputs @ project[0] + project[1])

    def run(self, model):
        project, weights = model
        score = self.features(project) @ weights
        if self.regression:
            outputs = score[:, None]
        else:
            chance = 1 / (1 + np.exp(-6 * score))
            outputs = np.column_stack([1 - chance, chance])
        return ModelRun({name: outputs[where] for name, where in self.sets.items()}, {"w": weights})

    def evaluated(self, untouched, unlearned, retrained):
        """Put models together; each is what `train` gives, or a run."""
        kinds = {"untouched": untouched, "unlearned": unlearned, "retrained": retrained}
        runs = {
            kind: tuple(one if isinstance(one, ModelRun) else self.run(one) for one in models)
            for kind, models in kinds.items()
            if models
        }
        labels = {name: self.labels[where] for name, where in self.sets.items()}
        return Evaluated("regression" if self.regression else "classification", labels, runs)


def befores(here, seeds=range(5)):
    return [here.train(seed) for seed in seeds]


def twins(here, seeds=range(5)):
    return [here.train(seed, without=True) for seed in seeds]


def verdict(here, unlearned, policy=POLICY, **changed):
    models = {"untouched": befores(here), "retrained": twins(here)} | changed
    return evaluate(here.evaluated(unlearned=unlearned, **models), policy)


def outcomes(found):
    return {finding.name: finding.outcome for finding in found.findings}


@pytest.mark.parametrize("regression", [False, True])
def test_models_retrained_with_other_seeds_pass_by_behaviour(regression):
    here = World(regression=regression)
    found = verdict(here, twins(here, range(10, 15)))
    assert found.outcome == "passed" and found.accepted
    assert found.rung == "behaviour"
    assert outcomes(found)["attack by loss"] == "passed"
    by_name = {rung.name: rung for rung in found.rungs}
    assert by_name["bits"].outcome is None and by_name["bits"].values["unlearned"] == 0


@pytest.mark.parametrize("regression", [False, True])
def test_the_untouched_model_handed_in_fails(regression):
    here = World(regression=regression)
    found = verdict(here, befores(here))
    assert found.outcome == "failed" and not found.accepted
    assert outcomes(found)["another model"] == "failed"
    assert outcomes(found)["attack by loss"] == "failed"


@settings(max_examples=12, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from([2, 25, 60]), st.sampled_from([1, 3, 5]))
def test_untouched_models_of_other_seeds_never_pass(seed, gone, runs):
    here = World(seed, gone)
    found = evaluate(
        here.evaluated(
            befores(here, range(runs)),
            befores(here, range(10, 10 + runs)),
            twins(here, range(20, 20 + runs)),
        ),
        POLICY,
    )
    assert found.outcome != "passed"


@settings(max_examples=12, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from([2, 25, 60]), st.sampled_from([1, 3, 5]))
def test_retrained_models_of_other_seeds_never_fail(seed, gone, runs):
    here = World(seed, gone)
    found = evaluate(
        here.evaluated(
            befores(here, range(runs)),
            twins(here, range(10, 10 + runs)),
            twins(here, range(20, 20 + runs)),
        ),
        POLICY,
    )
    assert found.outcome != "failed", found.why


@pytest.mark.parametrize("runs", [1, 5])
@pytest.mark.parametrize("regression", [False, True])
def test_a_destroyed_model_fails_by_what_it_can_no_longer_do(regression, runs):
    here = World(regression=regression)
    random = np.random.default_rng(99)
    destroyed = [(one[0], random.normal(size=UNITS) * 0.05) for one in befores(here, range(runs))]
    found = verdict(
        here, destroyed, untouched=befores(here, range(runs)), retrained=twins(here, range(runs))
    )
    assert found.outcome == "failed"
    assert outcomes(found)["skill on test rows"] == "failed"


def test_a_model_that_answers_nan_fails_and_is_no_measure_for_others():
    here = World()
    broken = [(project, weights * np.nan) for project, weights in befores(here)]
    found = verdict(here, broken)
    assert (found.outcome, found.accepted) == ("failed", False)
    assert "answers NaN" in found.why and canonical_json(found.to_json())
    for kind in ("untouched", "retrained"):
        with pytest.raises(BadInput, match=f"The {kind} model answers NaN"):
            verdict(here, twins(here), **{kind: broken})


def test_rows_that_changed_nothing_tell_nothing():
    here = World()
    never = twins(here, range(5)), twins(here, range(5, 10)), twins(here, range(10, 15))
    found = evaluate(here.evaluated(*never), POLICY)
    assert found.outcome == "uninformative" and found.rung is None
    assert "do not tell the untouched model from the retrained" in found.why
    strict = evaluate(here.evaluated(*never), replace(POLICY, refuse_uninformative=True))
    assert found.accepted and not strict.accepted


def test_few_forgotten_rows_tell_nothing_whatever_they_show():
    here = World(gone=4)
    found = verdict(here, twins(here, range(10, 15)))
    assert found.outcome == "uninformative"
    assert "4 forgotten rows are too few" in found.why


def test_single_runs_tell_nothing_by_behaviour():
    here = World()
    found = verdict(
        here,
        twins(here, [1]),
        untouched=befores(here, [2]),
        retrained=twins(here, [3]),
    )
    assert found.outcome == "uninformative"
    assert "3 models of each kind are needed" in found.why


def test_without_a_retrained_model_behaviour_tells_nothing_and_doing_nothing_is_still_seen():
    here = World()
    found = verdict(here, twins(here), retrained=[])
    assert found.outcome == "uninformative" and found.rung is None
    assert "No model retrained" in found.missing[0]
    assert all(rung.outcome in (None, "uninformative") for rung in found.rungs)
    measured = {finding.name: finding.measure for finding in found.findings}
    values = measured["attack by loss"].values
    assert values["untouched"].low > values["unlearned"].high  # shown, and no verdict
    assert verdict(here, befores(here), retrained=[]).outcome == "failed"


def test_overdone_unlearning_fails_by_the_attack_turned_round():
    here = World()

    def wrong_on_the_forgotten(run):
        turned = run.answers["forgotten"].copy()
        worse = np.eye(2)[1 - here.labels[: here.gone]]
        return replace(run, answers=run.answers | {"forgotten": 0.1 * turned + 0.9 * worse})

    overdone = [wrong_on_the_forgotten(here.run(one)) for one in twins(here, range(10, 15))]
    found = verdict(here, overdone)
    assert found.outcome == "failed"
    assert outcomes(found)["over-unlearning"] == "failed"
    assert outcomes(found)["attack by loss"] == "failed"


def test_a_repair_that_overfits_those_who_stay_fails():
    here = World()

    def by_heart(run):
        truth = np.eye(2)[here.labels[here.sets["retained"]]]
        return replace(run, answers=run.answers | {"retained": 0.9 * truth + 0.05})

    found = verdict(here, [by_heart(here.run(one)) for one in twins(here, range(10, 15))])
    assert outcomes(found)["retained leakage"] == "failed"
    assert found.outcome == "failed"


def test_guards_that_hold_are_no_evidence():
    here = World()
    found = verdict(here, twins(here, range(10, 15)))
    held = [finding for finding in found.findings if finding.role == "guard"]
    assert len(held) == 5
    assert {finding.outcome for finding in held} == {"uninformative"}
    assert all("(no evidence of forgetting)" in finding.detail for finding in held)


def test_the_same_bits_are_the_strongest_rung():
    here = World()
    found = verdict(here, twins(here))
    assert (found.outcome, found.rung) == ("passed", "bits")
    assert found.rungs[0].values == {"untouched": 0, "unlearned": 1, "retrained": 1}
    # One run is enough for bits, and a strict policy is content.
    single = verdict(
        here,
        twins(here, [0]),
        replace(POLICY, at_least="bits", refuse_uninformative=True),
        untouched=befores(here, [0]),
        retrained=twins(here, [0]),
    )
    assert single.outcome == "passed" and single.accepted


def test_bits_that_the_untouched_model_has_too_tell_nothing():
    here = World()
    found = verdict(here, twins(here), untouched=twins(here))
    assert found.outcome == "uninformative"
    assert found.rungs[0].outcome == "uninformative"
    assert outcomes(found)["another model"] == "uninformative"


def test_a_policy_that_asks_for_more_than_there_is_is_told_so():
    here = World()
    found = verdict(here, twins(here, range(10, 15)), replace(POLICY, at_least="bits"))
    assert found.outcome == "uninformative"
    assert found.why.startswith("the policy asks for bits, and the strongest that holds is")
    named = replace(POLICY, must_pass=("attack by loss", "forgotten answers"))
    wanting = verdict(here, twins(here, range(10, 15)), named)
    assert wanting.outcome == "uninformative"
    assert "the policy wants these to pass, and they do not: forgotten answers" in wanting.why


def between(here, share):
    """Models whose weights are that share of the way from the retrained to the untouched ones."""
    return [
        (old[0], new[1] + share * (old[1] - new[1]))
        for old, new in zip(befores(here), twins(here), strict=True)
    ]


@pytest.mark.parametrize(
    ("share", "outcome"), [(0.2, "passed"), (0.8, "uninformative"), (1.3, "failed")]
)
def test_the_relative_distance_of_models_of_the_same_seeds(share, outcome):
    here = World()
    found = verdict(here, between(here, share), replace(POLICY, same_seeds=True))
    rung = found.rungs[4]
    assert (rung.name, rung.outcome) == ("relative distance", outcome)
    assert rung.values["unlearned"] / rung.values["untouched"] == pytest.approx(share)
    assert rung.values["retrained"] == 0
    if outcome == "passed":
        assert found.rung == "relative distance"


def test_one_pair_of_models_is_measured_and_is_no_pass():
    here = World()
    single = {"untouched": befores(here, [0]), "retrained": twins(here, [0])}
    near = verdict(here, between(here, 0.2)[:1], replace(POLICY, same_seeds=True), **single)
    assert near.outcome == "uninformative"
    assert near.rungs[4].detail.startswith("1 models of a kind, where 3 are needed: 0.2 of")
    worse = verdict(here, between(here, 1.3)[:1], replace(POLICY, same_seeds=True), **single)
    assert worse.outcome == "failed"


def test_other_seeds_take_weights_further_than_the_rows_do():
    here = World()
    found = verdict(here, twins(here, range(10, 15)))
    assert found.rungs[4].outcome == "uninformative"
    assert "from each other" in found.rungs[4].detail


@pytest.mark.parametrize("name", ["tolerance", "bound"])
def test_what_a_policy_claims_is_held_against_both_models(name):
    here = World()
    near = between(here, 0.01)

    def rung(unlearned, limit):
        found = verdict(here, unlearned, replace(POLICY, **{name: limit}))
        return {rung.name: rung for rung in found.rungs}[name], found

    values = rung(near, 1e9)[0].values
    middle = (values["unlearned"] + values["untouched"]) / 2
    passed, found = rung(near, middle)
    assert passed.outcome == "passed" and found.rung == name
    failed, found = rung(near, values["unlearned"] / 2)
    assert failed.outcome == "failed" and found.outcome == "failed"
    assert rung(near, 1e9)[0].outcome == "uninformative"
    assert rung(befores(here), middle)[0].outcome == "failed"


def test_a_law_is_compared_only_where_the_untouched_one_is_rejected():
    here = World()
    policy = replace(POLICY, law_runs=15)
    many = {
        "untouched": befores(here, range(15)),
        "retrained": twins(here, range(15, 30)),
    }
    passed = verdict(here, twins(here, range(30, 45)), policy, **many)
    assert passed.rungs[3].outcome == "passed" and passed.rung == "law"
    other = verdict(here, befores(here, range(30, 45)), policy, **many)
    assert other.rungs[3].outcome is None and other.outcome == "failed"
    blind = verdict(
        here,
        twins(here, range(30, 45)),
        policy,
        **(many | {"untouched": twins(here, range(45, 60))}),
    )
    assert blind.rungs[3].outcome == "uninformative"


def test_ks_by_hand_and_its_permutations():
    assert ks_distance(np.array([1, 2, 3]), np.array([1, 2, 3])) == 0
    assert ks_distance(np.array([1, 2]), np.array([3, 4])) == 1
    assert ks_distance(np.array([1, 2, 3, 4]), np.array([3, 4, 5, 6])) == 0.5
    random = np.random.default_rng(0)
    one, other = random.normal(size=100), random.normal(size=100)
    assert permutation_p(one, other, seed=1) > 0.01
    assert permutation_p(one, other + 1.0, seed=1) == pytest.approx(1 / 1001)
    with pytest.raises(ValueError, match="empty"):
        ks_distance(one, other[:0])


def test_unreadable_weights_leave_behaviour():
    here = World()

    def closed(models):
        return [replace(here.run(one), weights=None) for one in models]

    found = evaluate(
        here.evaluated(
            closed(befores(here)), closed(twins(here, range(10, 15))), closed(twins(here))
        ),
        POLICY,
    )
    assert (found.outcome, found.rung) == ("passed", "behaviour")
    assert all(rung.outcome is None for rung in found.rungs[:-1])
    assert "cannot be read" in " ".join(found.missing)
    assert identical(*closed([here.train(1), here.train(1)]))
    assert not identical(*closed([here.train(1), here.train(2)]))


def test_a_verdict_is_the_same_again_and_is_plain_json_with_all_three_columns():
    here = World()
    found = [verdict(here, twins(here, range(10, 15))).to_json() for _ in range(2)]
    assert canonical_json(found[0]) == canonical_json(found[1])
    measures = [f["measure"] for f in found[0]["findings"] if f["measure"]] + found[0]["measures"]
    assert len(measures) > 10
    for measure in measures:
        for kind in ("untouched", "unlearned", "retrained"):
            assert measure[kind]["low"] <= measure[kind]["value"] <= measure[kind]["high"]


def test_what_is_needed_is_said():
    here = World()
    with pytest.raises(BadInput, match="no unlearned model"):
        verdict(here, [])
    with pytest.raises(BadInput, match="Two of the unlearned models are the same"):
        verdict(here, twins(here, [7, 7, 8]))


def test_without_forgotten_rows_weights_still_tell_and_the_same_model_may_be_right():
    here = World(gone=0)
    rows = here.evaluated(befores(here), befores(here), [])
    found = evaluate(rows, POLICY)
    assert found.outcome == "uninformative" and "another model" not in outcomes(found)
    base = World()
    changed = here.evaluated(befores(base), twins(base), twins(base))
    assert evaluate(changed, POLICY).rung == "bits"


def test_without_test_rows_the_loss_is_still_looked_at():
    here = World()
    models = here.evaluated(befores(here), twins(here, range(10, 15)), twins(here))
    labels = {name: values for name, values in models.labels.items() if name != "test"}
    found = evaluate(replace(models, labels=labels), POLICY)
    assert "attack by loss" not in outcomes(found) and "forgotten loss" in outcomes(found)
    assert "No test rows" in " ".join(found.missing)


def test_a_policy_is_read_and_every_slip_is_told(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"at_least": "law", "must_pass": ["attack by loss"], "runs": 4}))
    read = read_policy(file)
    assert (read.at_least, read.must_pass, read.runs) == ("law", ("attack by loss",), 4)
    assert read_policy(None) == Policy()
    assert policy_from(read.to_json(), where="here") == read
    file.write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        read_policy(file)
    with pytest.raises(BadInput, match="cannot be read"):
        read_policy(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "must hold one JSON object"),
        ({"atleast": "bits"}, "no demand 'atleast'"),
        ({"at_least": "faith"}, "at_least must be one of bits"),
        ({"must_pass": "attack by loss"}, "must_pass must be a list"),
        ({"must_pass": ["faith"]}, "must_pass must be a list"),
        ({"closeness": 1}, "closeness must be a number between 0 and 1"),
        ({"closeness": True}, "closeness must be"),
        ({"runs": 1}, "runs must be a whole number from 2 on"),
        ({"runs": 2.5}, "runs must be"),
        ({"tolerance": -1}, "tolerance must be null or"),
        ({"bound": float("inf")}, "bound must be null or"),
        ({"closeness": float("nan")}, "closeness must be"),
        ({"same_seeds": 1}, "same_seeds must be true or false"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(value, told):
    with pytest.raises(BadInput, match=told):
        policy_from(value, where="here")


def test_the_docs_name_every_demand_rung_and_check():
    page = (Path(__file__).parents[3] / "docs/verification.md").read_text(encoding="utf-8")
    policy = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)[0]
    assert policy_from(json.loads(policy), where="docs/verification.md") == Policy()
    assert json.loads(policy) == Policy().to_json()
    here = World()
    found = verdict(here, twins(here, range(10, 15)))
    for name in (*RUNGS, *EVIDENCE, *(finding.name for finding in found.findings)):
        assert re.search(rf"^\| {name}\b|, on {name.removeprefix('skill on ')}", page, re.MULTILINE)
