"""Forests of rows with weights and of labels of numbers: forgotten to the bit, refused by name."""

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
    """Rows of people with a number, texts that come and go, a weight and a wage."""
    draw = np.random.default_rng(1)
    for number in range(480):
        person, years, weight = PEOPLE[number % 60], draw.integers(18, 80), draw.integers(0, 4)
        town = "alone" if person == "p07" else draw.choice(["Ulm", "Trier", ""])
        wage = 100.0 * years + (500 if town == "Ulm" else 0) + 50 * draw.normal()
        if person not in without:
            yield [person, "" if number % 7 == 0 else years, town, weight, f"{wage:.6f}",
                   "rich" if wage > 5000 else "poor"]  # fmt: skip


@pytest.fixture
def learnt(tmp_path):
    """Return a function that learns the rows but those of some people, by some options."""
    key = tmp_path / "key"
    create_secret(key, SECRET)

    def learn(name, *, without=(), label="wage", **options):
        table = tmp_path / f"{name}.csv"
        with table.open("w", newline="") as stream:
            csv.writer(stream).writerows([["who", "years", "town", "weight", "wage", "rank"]])
            csv.writer(stream).writerows(rows(without=without))
        other = {"wage": "rank", "rank": "wage"}.get(label)
        project = Project(tmp_path / name, backend=DirectBackend())
        answer = project.train(
            table, label=label, subject="who", drop=[other], key_file=key, model_family="forest",
            **options,
        )  # fmt: skip
        return Learnt(tmp_path / name), answer

    return learn


WEIGHED = {"weight_column": "weight"}


@pytest.mark.parametrize(
    "options",
    [
        {"trees": 30},
        {"shards": 2, "aggregate": "median", "scales": ["wage=100"], "tree_share": 1.0},
        {"label": "rank", "trees": 20, "tree_share": 0.5, "seed": 3},
        {"label": "rank", "trees": 10, "tree_depth": 3, "candidates": 4, **WEIGHED},
        {"trees": 10, "leaf_rows": 20, "tree_share": 0.9, **WEIGHED},
    ],
)
def test_a_forest_forgets_people_to_the_bit(learnt, options):
    gone = ["p07", "p08", "p31"]
    original, answer = learnt("original", **options)
    twin, _ = learnt("twin", without=gone, **options)
    assert answer["metrics"].get("r2", answer["metrics"].get("accuracy")) > 0.8
    before = state_of(original)
    done = original.project.forget(gone)
    assert (done["guarantee"], done["strategy"]) == ("exact", "mend-trees")
    assert differing(state_of(original), state_of(twin)) == []
    assert differing(before, state_of(twin))
    audit = original.project.audit(replay=9)
    assert audit["ok"] and audit["replay"]["replayed"] == options.get("shards", 1)
    assert "trees s" in str(original.project.trace_subject("p00")["models"][0]["why"])


def test_what_a_forest_cannot_do_is_refused_by_name(learnt, tmp_path):
    for options, words in (
        ({"scales": ("years=2",)}, "A forest has no use for the scale of 'years'"),
        ({"scales": ("wage",)}, "not of the form COLUMN=NUMBER"),
        ({"aggregate": "vote"}, "`aggregate` vote does not fit a regression"),
        ({"slices": 2}, "A forest takes no steps, and has no use for `slices`"),
        ({"trees": 0}, "`trees` is 0: it goes from 1"),
        ({"penalty": 2.0}, "has no use for `penalty`"),
    ):
        with pytest.raises(BadInput, match=words):
            learnt("refused", **options)
    assert not Path(tmp_path / "refused" / "serving").exists()
