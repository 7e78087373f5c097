"""Attacks on planted leaks whose right answer is known, and what must hold for any scores."""

from math import erf, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unlearning.attacks.before_after import (
    FEATURES,
    degradation_count,
    degradation_rate,
    exposure_scores,
    fit_pair_attack,
)
from unlearning.attacks.likelihood_ratio import confidences, likelihood_ratios, offline_scores
from unlearning.attacks.logistic import fit_logistic
from unlearning.attacks.loss_threshold import advantage, membership_scores
from unlearning.attacks.planted import backdoor_success, canary_success, exposures, ranks
from unlearning.attacks.retained_leakage import retained_leakage
from unlearning.attacks.roc import (
    auc,
    bootstrap,
    placements,
    roc_curve,
    true_positives_at,
)
from unlearning.attacks.shadow_models import fit_shadow_attack
from unlearning.metrics.prediction_error import log_losses

scores = hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(-20, 20))


def normal_below(z):
    return (1 + erf(z / sqrt(2))) / 2


def test_auc_of_hand_counted_pairs():
    # Of the 6 pairs members win 3 and tie in 1.
    assert auc(np.array([1, 3]), np.array([0, 1, 5])) == pytest.approx(3.5 / 6)
    assert auc(np.array([2.0]), np.array([1.0])) == 1
    assert auc(np.zeros(7), np.zeros(3)) == 0.5


def test_auc_of_two_normals_is_the_closed_form():
    random = np.random.default_rng(0)
    members, others = random.normal(1.0, 1.0, 20_000), random.normal(0.0, 1.0, 20_000)
    assert auc(members, others) == pytest.approx(normal_below(1 / sqrt(2)), abs=0.01)
    # TPR at an FPR of 1 %: the others' quantile is 2.326.
    assert true_positives_at(0.01, members, others) == pytest.approx(
        1 - normal_below(2.3263 - 1.0), abs=0.01
    )


@given(scores, scores)
def test_auc_is_swapped_to_its_rest(members, others):
    assert auc(members, others) + auc(others, members) == pytest.approx(1.0)


@given(scores, scores)
def test_auc_and_low_rates_know_the_order_alone(members, others):
    for monotone in (lambda x: 3 * x + 1, lambda x: x.astype(float) ** 3, lambda x: np.exp(x / 5)):
        assert auc(monotone(members), monotone(others)) == auc(members, others)
        for rate in (0.0, 0.1, 0.5):
            assert true_positives_at(rate, monotone(members), monotone(others)) == (
                true_positives_at(rate, members, others)
            )


@given(scores, scores)
def test_placements_have_the_auc_as_their_mean(members, others):
    beaten, lost = placements(members, others)
    assert beaten.mean() == pytest.approx(lost.mean())
    assert beaten.mean() == pytest.approx(auc(members, others))


@given(scores, scores)
def test_the_area_under_the_curve_is_the_auc_and_the_curve_rises(members, others):
    curve = roc_curve(members, others)
    x, y = curve.false_positive_rates, curve.true_positive_rates
    assert (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all()
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    area = float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
    assert area == pytest.approx(auc(members, others))
    for rate in (0.0, 0.1, 0.5, 1.0):
        allowed = y[x <= rate + 1e-12].max()
        assert true_positives_at(rate, members, others) == pytest.approx(allowed)


@given(scores, scores)
def test_auc_is_that_of_scikit_learn(members, others):
    metrics = pytest.importorskip("sklearn.metrics")
    truth = np.repeat([1, 0], [len(members), len(others)])
    together = np.concatenate([members, others])
    assert auc(members, others) == pytest.approx(metrics.roc_auc_score(truth, together))


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1])
def test_true_positives_at_low_rates_are_those_of_the_adversarial_robustness_toolbox(rate):
    """Of what is here it has this measure, and neither attack by loss, likelihood nor pair."""
    theirs = pytest.importorskip("art.metrics.privacy.worst_case_mia_score")
    random = np.random.default_rng(5)
    for size in (50, 2_000):
        members, others = random.normal(1, 1, size), random.normal(0, 1, size)
        truth = np.repeat([1, 0], [size, size])
        ((_, found, _),) = theirs.get_roc_for_fpr(
            attack_proba=np.concatenate([members, others]), attack_true=truth, targeted_fpr=rate
        )
        assert true_positives_at(rate, members, others) == pytest.approx(found)


def test_an_roc_wants_two_sides_and_no_nan():
    with pytest.raises(ValueError, match="members and others"):
        auc(np.array([]), np.array([1.0]))
    with pytest.raises(ValueError, match="NaN"):
        auc(np.array([np.nan]), np.array([1.0]))


def test_the_bootstrap_interval_covers_the_known_auc_about_as_often_as_it_says():
    random = np.random.default_rng(1)
    truth, covered = normal_below(0.5 / sqrt(2)), 0
    for trial in range(60):
        members, others = random.normal(0.5, 1, 80), random.normal(0, 1, 80)
        found = bootstrap(auc, members, others, seed=trial, draws=300)
        covered += found.low <= truth <= found.high
        assert found.low <= found.value <= found.high
    assert 50 <= covered <= 60  # 57 expected
    assert bootstrap(auc, members, others, seed=5) == bootstrap(auc, members, others, seed=5)


def test_the_loss_attack_sees_a_planted_gap_and_nothing_without_one():
    random = np.random.default_rng(2)
    members, others = random.exponential(0.5, 5000), random.exponential(1.0, 5000)
    # Two exponentials: P(member's loss < other's) = 2 / (2 + 1).
    assert auc(membership_scores(members), membership_scores(others)) == pytest.approx(
        2 / 3, abs=0.02
    )
    # At the mean training loss 0.5: 1 - e^-1 - (1 - e^-0.5).
    found = advantage(members, others, threshold=0.5)
    assert found == pytest.approx(np.exp(-0.5) - np.exp(-1.0), abs=0.02)
    assert abs(advantage(others[:2500], others[2500:], threshold=0.5)) < 0.05
    assert np.isnan(advantage(members[:0], others, threshold=0.5))


def test_logistic_regression_finds_the_log_odds_and_survives_separable_classes():
    random = np.random.default_rng(3)
    labels = random.random(20_000) < 0.5
    features = np.where(labels, 1.0, -1.0)[:, None] + random.normal(size=(20_000, 1))
    model = fit_logistic(features, labels, ridge=1e-9)
    # Normals at +-1 with variance 1: the log-odds are 2 x.
    assert model.scores(np.array([[0.0], [1.0]])) == pytest.approx([0.0, 2.0], abs=0.1)
    apart = fit_logistic(np.array([[-3.0], [-2.0], [2.0], [3.0]]), np.array([0, 0, 1, 1], bool))
    assert (apart.scores(np.array([[-2.0], [2.0]])) * [-1, 1] > 0).all()
    with pytest.raises(ValueError, match="members and others"):
        fit_logistic(features, np.ones(20_000, bool))


def test_logistic_regression_is_that_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(4)
    features = random.normal(size=(300, 3))
    members = features @ [1.0, -2.0, 0.0] + random.normal(size=300) > 0
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    theirs = linear.LogisticRegression(C=1 / (300 * 0.01), tol=1e-10).fit(scaled, members)
    mine = fit_logistic(features, members, ridge=0.01)
    assert mine.scores(features) == pytest.approx(theirs.decision_function(scaled), abs=1e-4)


def planted_outputs(random, labels, members, *, leak):
    """Probabilities of three classes that are sharper for members, by `leak` in the logit."""
    logits = random.normal(size=(len(labels), 3))
    logits[np.arange(len(labels)), labels] += 1.0 + leak * members
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponent / exponent.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("leak", "least", "most"), [(3.0, 0.85, 1.0), (0.0, 0.45, 0.55)])
def test_the_shadow_attack_finds_a_planted_leak_and_nothing_without_one(leak, least, most):
    random = np.random.default_rng(5)
    labels, members = random.integers(0, 3, 4000), random.random(4000) < 0.5
    outputs = planted_outputs(random, labels, members, leak=leak)
    attack = fit_shadow_attack(outputs[:2000], labels[:2000], members[:2000])
    assert sorted(attack.by_class) == [0, 1, 2]
    found = attack.scores(outputs[2000:], labels[2000:])
    truth = members[2000:]
    assert least <= auc(found[truth], found[~truth]) <= most


def test_the_shadow_attack_serves_a_class_that_no_shadow_member_had():
    random = np.random.default_rng(6)
    labels, members = random.integers(0, 3, 600), random.random(600) < 0.5
    members[labels == 2] = False
    attack = fit_shadow_attack(planted_outputs(random, labels, members, leak=2.0), labels, members)
    assert sorted(attack.by_class) == [0, 1]
    outputs = planted_outputs(random, labels, members, leak=2.0)
    assert np.isfinite(attack.scores(outputs, labels)).all()


def test_confidences_are_log_odds_and_keep_their_digits_near_one():
    found = confidences(np.array([[0.75, 0.25], [1 - 1e-6, 1e-6]]), np.array([0, 0]))
    assert found == pytest.approx([np.log(3), np.log((1 - 1e-6) / 1e-6)])


def test_the_likelihood_ratio_is_the_closed_form_of_two_normals():
    random = np.random.default_rng(7)
    had, never = random.normal(2.0, 1.0, (4000, 1)), random.normal(0.0, 1.0, (4000, 1))
    # log N(x | 2, 1) - log N(x | 0, 1) = 2 x - 2
    for x in (0.0, 1.0, 3.0):
        found = likelihood_ratios(np.array([x]), had=had, never_had=never)
        assert found == pytest.approx([2 * x - 2], abs=0.25)


def test_the_likelihood_ratio_beats_the_loss_where_rows_differ_in_difficulty():
    random = np.random.default_rng(8)
    difficulty = random.normal(0, 5, 400)
    members = np.arange(400) < 200
    had = difficulty + 1.5 + random.normal(size=(32, 400))
    never = difficulty + random.normal(size=(32, 400))
    target = difficulty + 1.5 * members + random.normal(size=400)
    ratios = likelihood_ratios(target, had=had, never_had=never)
    by_ratio = auc(ratios[members], ratios[~members])
    assert by_ratio == pytest.approx(normal_below(1.5 / sqrt(2)), abs=0.05)
    assert auc(target[members], target[~members]) < 0.65
    offline = offline_scores(target, never_had=never)
    assert auc(offline[members], offline[~members]) == pytest.approx(by_ratio, abs=0.05)
    with pytest.raises(ValueError, match="two models"):
        likelihood_ratios(target, had=had[:1], never_had=never)


def test_the_unlearning_form_is_silent_for_exact_unlearning():
    random = np.random.default_rng(9)
    unlearned, never = random.normal(size=(40, 500)), random.normal(size=(40, 500))
    forgotten = np.arange(500) < 250
    ratios = likelihood_ratios(random.normal(size=500), had=unlearned, never_had=never)
    assert auc(ratios[forgotten], ratios[~forgotten]) == pytest.approx(0.5, abs=0.08)
    lazy = unlearned + 2.0
    target = random.normal(size=500) + 2.0 * forgotten
    ratios = likelihood_ratios(target, had=lazy, never_had=never)
    assert auc(ratios[forgotten], ratios[~forgotten]) > 0.85


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_the_pair_of_models_gives_the_deleted_rows_away(name):
    random = np.random.default_rng(10)
    labels, deleted = random.integers(0, 3, 3000), random.random(3000) < 0.5
    before = planted_outputs(random, labels, np.ones(3000), leak=3.0)
    # Those who stay keep their answers but for a little noise; those who go lose them.
    other = planted_outputs(random, labels, np.zeros(3000), leak=0.0)
    mix = np.where(deleted, 1.0, 0.05)[:, None]
    after = (1 - mix) * before + mix * other
    plain = exposure_scores(before, after)
    assert auc(plain[deleted], plain[~deleted]) > 0.9
    # Features that keep the classes' order tell a linear attack something within one class.
    mine = np.arange(3000) >= 0 if name.startswith(("sorted", "distance")) else labels == 0
    learnt, target = mine & (np.arange(3000) < 1500), mine & (np.arange(3000) >= 1500)
    for later, least, most in ((after, 0.8, 1.0), (before, 0.4, 0.6)):
        features = FEATURES[name](before, later)
        attack = fit_pair_attack(features[learnt], deleted[learnt])
        found, truth = attack.scores(features[target]), deleted[target]
        assert least < auc(found[truth], found[~truth]) < most


def test_sorted_features_do_not_know_which_class_it_was():
    random = np.random.default_rng(11)
    before, after = random.dirichlet([1, 1, 1], 50), random.dirichlet([1, 1, 1], 50)
    order = [2, 0, 1]
    for name in ("sorted difference", "sorted concat", "distance"):
        turned = FEATURES[name](before[:, order], after[:, order])
        assert turned == pytest.approx(FEATURES[name](before, after))


def test_degradation_is_counted_and_averaged():
    pair, alone = np.array([0.9, 0.4, 0.6]), np.array([0.5, 0.6, 0.6])
    assert degradation_count(pair=pair, alone=alone) == pytest.approx(1 / 3)
    assert degradation_rate(pair=pair, alone=alone) == pytest.approx(0.2 / 3)


def test_retained_rows_that_are_overfitted_by_a_repair_show_as_leakage():
    random = np.random.default_rng(12)
    test, before = random.normal(0, 1, 4000), random.normal(0, 1, 4000)
    found = retained_leakage(
        retained=before + 1.0, test=test, reference_retained=before, reference_test=test
    )
    assert found == pytest.approx(normal_below(1 / sqrt(2)) - 0.5, abs=0.02)


def test_a_backdoor_counts_rows_of_other_classes_only():
    labels = np.array([0, 0, 1, 2, 7])
    predicted = np.array([7, 0, 7, 7, 7])
    assert backdoor_success(predicted, labels, target=7) == 0.75
    assert np.isnan(backdoor_success(predicted[4:], labels[4:], target=7))


def test_exposure_is_all_bits_for_a_learnt_canary_and_by_chance_little():
    random = np.random.default_rng(13)
    references = random.random(1023)
    assert exposures(np.array([-1.0]), references).tolist() == [10.0]
    assert exposures(np.array([2.0]), references).tolist() == [0.0]
    by_chance = exposures(random.random(4000), references)
    assert by_chance.mean() == pytest.approx(np.log2(np.e), abs=0.1)
    assert canary_success(random.random(4000), references, best=0.1) == pytest.approx(0.1, abs=0.02)
    assert canary_success(np.full(5, -1.0), references, best=0.01) == 1
    assert np.isnan(canary_success(references[:0], references, best=0.1))


@given(scores, scores)
def test_a_model_that_answers_all_alike_exposes_no_canary(canaries, references):
    assume(len(references) > 1)
    assert (ranks(np.zeros(3), np.zeros(len(references))) == len(references) + 1).all()
    assert (ranks(canaries, references) >= 1).all()
    assert (ranks(canaries, references) <= len(references) + 1).all()


def test_a_shadow_attack_scores_by_the_loss_where_order_tells_nothing():
    # Two rows with the same sorted outputs, one right and one wrong: they must not score alike.
    random = np.random.default_rng(14)
    labels, members = random.integers(0, 2, 400), random.random(400) < 0.5
    right = np.where(members, 0.9, 0.1)
    outputs = np.where((labels == 1)[:, None], np.c_[1 - right, right], np.c_[right, 1 - right])
    attack = fit_shadow_attack(outputs, labels, members)
    found = attack.scores(outputs, labels)
    assert auc(found[members], found[~members]) == 1
    assert np.unique(log_losses(outputs, labels).round(6)).size == 2
