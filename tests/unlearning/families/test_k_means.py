"""k-means on a table without a label: learnt, told of, forgotten to the bit, refused by name."""

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
HEADER = ["who", "spent", "visits", "town"]
KINDS = {"regular": (80.0, 12), "rare": (15.0, 1), "often": (9.0, 40)}


def rows(*, without=()):
    """Rows of people of three kinds; what they are is no column."""
    draw = np.random.default_rng(1)
    for number in range(300):
        person, kind = f"p{number % 75:02d}", list(KINDS)[number % 3]
        spent, visits = KINDS[kind]
        town = "alone" if person == "p07" else draw.choice(["Ulm", "Trier", ""])
        cells = [f"{spent + 4 * draw.normal():.2f}", f"{visits + draw.normal():.1f}", town]
        if person not in without:
            yield [person, *cells]


@pytest.fixture
def learnt(tmp_path):
    """Return a function that learns the rows but those of some people, by some options."""
    key = tmp_path / "key"
    create_secret(key, SECRET)

    def learn(name, *, without=(), **options):
        table = tmp_path / f"{name}.csv"
        with table.open("w", newline="") as stream:
            csv.writer(stream).writerows([HEADER, *rows(without=without)])
        project = Project(tmp_path / name, backend=DirectBackend())
        answer = project.train(
            table, subject="who", key_file=key, model_family="k-means", **options
        )
        return Learnt(tmp_path / name), answer

    return learn


SCALED = {"clusters": 3, "scales": ("spent=10", "visits=5")}


@pytest.mark.parametrize("shards", [1, 2])
def test_three_kinds_of_people_are_found_and_forgotten_to_the_bit(learnt, tmp_path, shards):
    gone = ["p07", "p08", "p31"]
    original, answer = learnt("original", shards=shards, **SCALED)
    twin, _ = learnt("twin", without=gone, shards=shards, **SCALED)
    assert answer["task"] is None and answer["metrics"]["explained"] > 0.8
    answers = original.project.predict(tmp_path / "original.csv")["predictions"]
    kinds = {number % 3: answers[number] for number in range(3)}
    assert len(set(kinds.values())) == 3
    right = [answers[number] == kinds[number % 3] for number in range(len(answers))]
    assert np.mean(right) > 0.95
    before = state_of(original)
    done = original.project.forget(gone, replay=True)
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert differing(state_of(original), state_of(twin)) == []
    assert differing(before, state_of(twin))
    assert original.project.audit(replay=5)["ok"] and original.project.doctor()["ok"]


def test_what_k_means_cannot_do_is_refused_by_name(learnt, tmp_path):
    for options, words in (
        ({"label": "town"}, "k-means tells no label, and the column 'town' was named as one"),
        ({"scales": ("town=2",)}, "'town' has a scale, and holds no numbers"),
        ({"aggregate": "vote"}, "has no use for `aggregate`"),
        ({"slices": 2}, "k-means takes no steps, and has no use for `slices`"),
        ({"clusters": 0}, "`clusters` is 0: it goes from 1"),
    ):
        with pytest.raises(BadInput, match=words):
            learnt("refused", **options)
    assert not Path(tmp_path / "refused").exists()
