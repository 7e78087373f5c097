"""Ridge on labels of numbers, with declared scales: forgotten to the bit, and refused by name."""

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


def rows(*, without=()):
    """Rows of people with a tiny and a huge number, texts that come and go, and a wage."""
    draw = np.random.default_rng(1)
    for number in range(240):
        person, tiny, huge = PEOPLE[number % 60], draw.normal() * 1e-6, draw.normal() * 1e12
        town = "alone" if person == "p07" else draw.choice(["Ulm", "Trier", ""])
        wage = 2e6 * tiny + huge / 1e11 + draw.normal()
        if person not in without:
            yield [person, f"{tiny:.9g}", "" if number % 7 == 0 else f"{huge:.9g}", town,
                   f"{wage:.6f}"]  # fmt: skip


@pytest.fixture
def learnt(tmp_path):
    """Return a function that learns the rows but those of some people, by some options."""
    key = tmp_path / "key"
    create_secret(key, SECRET)

    def learn(name, *, without=(), **options):
        table = tmp_path / f"{name}.csv"
        with table.open("w", newline="") as stream:
            csv.writer(stream).writerows([["who", "tiny", "huge", "town", "wage"]])
            csv.writer(stream).writerows(rows(without=without))
        project = Project(tmp_path / name, backend=DirectBackend())
        answer = project.train(
            table, label="wage", subject="who", key_file=key, model_family="ridge", **options
        )
        return Learnt(tmp_path / name), answer

    return learn


SCALES = ("tiny=1e-6", "huge=1e12")


@pytest.mark.parametrize(
    "options", [{}, {"shards": 3, "aggregate": "median", "penalty": 0.5}, {"features": 3}]
)
def test_a_regression_forgets_people_to_the_bit(learnt, options):
    gone = ["p07", "p08", "p31"]
    original, answer = learnt("original", scales=SCALES, **options)
    twin, _ = learnt("twin", scales=SCALES, without=gone, **options)
    assert answer["task"] == "regression" and answer["metrics"]["r2"] > 0.7
    before = state_of(original)
    done = original.project.forget(gone)
    assert (done["guarantee"], done["strategy"]) == ("exact", "subtract-sums")
    assert differing(state_of(original), state_of(twin)) == []
    assert differing(before, state_of(twin))


def test_without_a_scale_what_is_too_small_for_the_grid_is_not_learnt(learnt):
    _, scaled = learnt("scaled", scales=SCALES)
    _, plain = learnt("plain")
    assert plain["metrics"]["r2"] < scaled["metrics"]["r2"] - 0.2


def test_what_ridge_cannot_do_is_refused_by_name(learnt, tmp_path):
    for options, words in (
        ({"scales": ("town=2",)}, "'town' has a scale, and holds no numbers"),
        ({"scales": ("tiny",)}, "not of the form COLUMN=NUMBER"),
        (
            {"aggregate": "vote"},
            "`aggregate` vote does not fit a regression: choose mean or median",
        ),
        ({"epochs": 3, "slices": 2}, "Ridge takes no steps, and has no use for `slices`"),
        ({"penalty": 0.0}, "`penalty` is 0.0: it goes from 1e-09"),
    ):
        with pytest.raises(BadInput, match=words):
            learnt("refused", **options)
    assert not Path(tmp_path / "refused").exists()
