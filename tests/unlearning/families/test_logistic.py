"""Logistic regression on a table of three classes: forgotten to the bit, and refused by name."""

import csv
from pathlib import Path

import numpy as np
import pytest

from lineage_store.errors import BadInput
from lineage_store.keys.secret import create_secret
from pipelines.backends.direct import DirectBackend
from tests.unlearning.families.contract_cases import Learnt
from tests.unlearning.families.contract_states import differing, state_of
from unweave import Project

SECRET = bytes(range(32))
PEOPLE = [f"p{n:02d}" for n in range(60)]
HEADER = ["who", "small", "large", "town", "count", "kind"]


def rows(*, without=()):
    """Rows of people with a small and a large number, texts that come and go, and a class."""
    draw = np.random.default_rng(1)
    for number in range(240):
        person, small, large = PEOPLE[number % 60], draw.normal() / 100, draw.normal() * 1e7
        town = "alone" if person == "p07" else draw.choice(["Ulm", "Trier", ""])
        score = 300 * small + large / 5e6 + draw.normal()
        kind = "high" if score > 2 else "low" if score < -1 else "mid"
        if person not in without:
            yield [person, f"{small:.9g}", "" if number % 7 == 0 else f"{large:.9g}", town,
                   f"{number % 3}", kind]  # fmt: skip


@pytest.fixture
def learnt(tmp_path):
    """Return a function that learns the rows but those of some people, by some options."""
    key = tmp_path / "key"
    create_secret(key, SECRET)

    def learn(name, *, without=(), label="kind", **options):
        table = tmp_path / f"{name}.csv"
        with table.open("w", newline="") as stream:
            csv.writer(stream).writerows([HEADER, *rows(without=without)])
        project = Project(tmp_path / name, backend=DirectBackend())
        answer = project.train(
            table, label=label, subject="who", key_file=key, model_family="logistic", **options
        )
        return Learnt(tmp_path / name), answer

    return learn


def test_three_classes_are_forgotten_to_the_bit_by_weight_and_shard(learnt):
    options = {"scales": ("large=1e7",), "shards": 2, "aggregate": "vote", "weight_column": "count"}
    gone = ["p07", "p08", "p31"]
    original, answer = learnt("original", **options)
    twin, _ = learnt("twin", without=gone, **options)
    assert answer["metrics"]["accuracy"] > 0.6
    before = state_of(original)
    done = original.project.forget(gone, replay=True)
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert (done["strategy"], done["claim"]["level"]) == ("reconverge", "bits")
    assert differing(state_of(original), state_of(twin)) == []
    assert differing(before, state_of(twin))
    assert original.project.audit(replay=5)["ok"] and original.project.doctor()["ok"]


def test_what_is_too_large_for_the_grid_of_weights_is_not_learnt_without_a_scale(learnt):
    original, _ = learnt("plain")
    state = original.ledger.shard(0).checkpoint(0)
    small, large = np.abs(state["weights/numbers"][:2]).max(axis=1)
    assert small > 10 and large < 2e-6  # multiples of 2^-24, of numbers of 10,000,000
    scaled, _ = learnt("scaled", scales=("large=1e7",))
    assert np.abs(scaled.ledger.shard(0).checkpoint(0)["weights/numbers"][1]).max() > 1


def test_what_logistic_regression_cannot_do_is_refused_by_name(learnt, tmp_path):
    for options, words in (
        ({"label": "small"}, "tells classes, and the label 'small' holds numbers: take the family"),
        ({"scales": ("town=2",)}, "'town' has a scale, and holds no numbers"),
        ({"aggregate": "median"}, "`aggregate` median does not fit classes: choose mean or vote"),
        ({"slices": 2}, "Logistic regression takes no steps, and has no use for `slices`"),
        ({"penalty": 0.0}, "`penalty` is 0.0: it goes from 1e-09"),
        ({"features": 3}, "has no use for `features`"),
    ):
        with pytest.raises(BadInput, match=words):
            learnt("refused", **options)
    assert not Path(tmp_path / "refused").exists()
