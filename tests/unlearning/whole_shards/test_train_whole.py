"""Shards that are trained whole: taken over by content, never unearned, never from what varies."""

import json
import shutil
from pathlib import Path

import pytest

from lineage_store.canonical import digest_json
from lineage_store.errors import CheckFailed, Damaged, NothingToLearn
from unlearning.whole_shards import WholeShard, open_whole_ledger, train_whole_shards


class Mean:
    """Trains the mean of a shard's numbers; `code` and `environment` go into it, as they do."""

    def __init__(self, rows, *, code="1", environment="here", spoil=None):
        self.rows, self.code, self.environment, self.spoil = rows, code, environment, spoil
        self.trained = []

    def shards(self):
        return [
            WholeShard(number, len(some), {"train": digest_json(some), "code": self.code})
            for number, some in enumerate(self.rows)
        ]

    def train(self, shard, *, hash_seed, into):
        self.trained.append((shard, hash_seed))
        some = self.rows[shard]
        state = {"mean": sum(some) / len(some), "in": self.environment}
        if self.spoil:
            state |= self.spoil(shard, hash_seed, len(self.trained))
        model = Path(into, "model")
        model.mkdir()
        (model / "weights.json").write_text(json.dumps(state))
        (model / "names.txt").write_text("x y")
        Path(into, "log.txt").write_text(str(len(self.trained)))


ROWS = [[1, 2, 3], [4, 5], [], [6, 7, 8, 9]]
WITHOUT = [[1, 2, 3], [4, 5], [], [6, 7, 9]]


def weights(ledger):
    return [(one / "weights.json").read_text() for one in ledger.models()]


def test_the_first_run_trains_all_and_the_smallest_twice_with_other_hashes(tmp_path):
    trainer = Mean(ROWS)
    ledger = train_whole_shards(trainer, earlier=[], into=tmp_path / "a")
    assert trainer.trained == [(0, 0), (1, 0), (3, 0), (1, 1)]
    assert ledger.repeatable and (ledger.trial, ledger.tried) == ("trained twice", 1)
    assert [(one.number, one.rows, one.how) for one in ledger.shards] == [
        (0, 3, "trained"), (1, 2, "trained"), (3, 4, "trained")
    ]  # fmt: skip
    assert open_whole_ledger(tmp_path / "a") == ledger
    assert not (tmp_path / "a" / "again").exists()


def test_without_a_row_only_its_shard_is_trained_and_one_that_is_taken_over_again(tmp_path):
    first = train_whole_shards(Mean(ROWS), earlier=[], into=tmp_path / "a")
    trainer = Mean(WITHOUT)
    second = train_whole_shards(trainer, earlier=[first], into=tmp_path / "b")
    assert trainer.trained == [(1, 1), (3, 0)]
    assert [one.how for one in second.shards] == ["taken over", "taken over", "trained"]
    assert (second.trial, second.tried, second.repeatable) == ("taken again", 1, True)
    assert [one.changed for one in second.shards] == [(), (), ("train",)]
    twin = train_whole_shards(Mean(WITHOUT), earlier=[], into=tmp_path / "twin")
    assert weights(second) == weights(twin) != weights(first)
    shutil.rmtree(tmp_path / "a")
    assert weights(second) == weights(twin)
    assert all(second.is_as_recorded(shard) for shard in second.shards)


def test_code_that_changed_takes_nothing_over(tmp_path):
    first = train_whole_shards(Mean(ROWS), earlier=[], into=tmp_path / "a")
    trainer = Mean(ROWS, code="2")
    second = train_whole_shards(trainer, earlier=[first], into=tmp_path / "b")
    assert {one.how for one in second.shards} == {"trained"}


def test_what_no_digest_shows_is_seen_by_the_replay_and_then_all_are_trained(tmp_path):
    """The environment changed in a way that nothing looks at: bits are other ones."""
    first = train_whole_shards(Mean(ROWS), earlier=[], into=tmp_path / "a")
    trainer = Mean(WITHOUT, environment="elsewhere")
    second = train_whole_shards(trainer, earlier=[first], into=tmp_path / "b")
    assert trainer.trained == [(1, 1), (0, 0), (1, 0), (3, 0), (1, 1)]
    assert {one.how for one in second.shards} == {"trained"}
    assert second.repeatable and second.trial == "trained twice"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda shard, hash_seed, time: {"time": time},  # a clock
        lambda shard, hash_seed, time: {"order": hash_seed},  # a set that is gone through
    ],
    ids=["clock", "set"],
)
def test_what_differs_between_two_trainings_is_named_and_never_taken_over(tmp_path, spoil):
    first = train_whole_shards(Mean(ROWS, spoil=spoil), earlier=[], into=tmp_path / "a")
    assert not first.repeatable and first.differs == ("weights.json",)
    trainer = Mean(ROWS, spoil=spoil)
    second = train_whole_shards(trainer, earlier=[first], into=tmp_path / "b")
    assert {one.how for one in second.shards} == {"trained"} and len(trainer.trained) == 4


def test_a_shard_whose_files_changed_is_not_taken_over(tmp_path):
    first = train_whole_shards(Mean(ROWS), earlier=[], into=tmp_path / "a")
    (first.models()[0] / "weights.json").write_text("{}")
    second = train_whole_shards(Mean(ROWS), earlier=[first], into=tmp_path / "b")
    assert [one.how for one in second.shards] == ["trained", "taken over", "taken over"]


def test_no_rows_no_model_and_no_files_no_model(tmp_path):
    with pytest.raises(NothingToLearn, match="withdraw the model"):
        train_whole_shards(Mean([[], []]), earlier=[], into=tmp_path / "a")

    class Nothing(Mean):
        def train(self, shard, *, hash_seed, into):
            pass

    with pytest.raises(CheckFailed, match="shard 0 left no model"):
        train_whole_shards(Nothing(ROWS), earlier=[], into=tmp_path / "b")
    assert not (tmp_path / "b" / "ledger.json").exists()


def test_a_record_that_is_damaged_says_so(tmp_path):
    train_whole_shards(Mean(ROWS), earlier=[], into=tmp_path / "a")
    file = tmp_path / "a" / "ledger.json"
    whole = json.loads(file.read_text())
    shard = {**whole["shards"][0], "number": 0.5}
    for value in ({"shards": 3}, {**whole, "shards": [shard]}, {**whole, "trial": 7}):
        file.write_text(json.dumps(value))
        with pytest.raises(Damaged, match="not as unweave wrote it"):
            open_whole_ledger(tmp_path / "a")
