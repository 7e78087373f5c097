"""What is kept of steps, by the thread that keeps it: whatever happens there, training is told."""

import threading

import numpy as np
import pytest

from lineage_store.canonical import digest
from lineage_store.errors import BadInput
from lineage_store.ledger.shards import ShardLedger
from lineage_store.ledger.update_codecs import SUMMABLE, decode
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.training.recorders import WAITING, KeepUpdates

STEPS = 3 * WAITING


class Walker:
    """A learner of which a recorder sees all that it looks at: weights that a step changes."""

    def __init__(self):
        self.weights = {"weights/a": np.zeros((40, 30), np.float32), "weights/b": np.float32([1])}
        self.draw = np.random.default_rng(3)

    def trainable(self):
        """Return copies, as a Keras learner does."""
        return {name: np.array(array) for name, array in self.weights.items()}

    def step(self):
        """Take a step of a random walk."""
        for name, array in self.weights.items():
            step = self.draw.normal(size=array.shape, scale=1e-3).astype(np.float32)
            self.weights[name] = array + step


def recorder_of(learner, folder, codec="float32", chosen=None):
    return KeepUpdates(learner, ShardLedger(folder), codec, chosen)


def batch(position):
    """Two rows that no other step sees, keyed by the step."""
    keys = np.zeros((2, 16), np.uint8)
    keys[:, 0], keys[1, 1] = position, 1
    return keras_rows(keys, np.zeros((2, 0), np.float32), np.zeros((2, 0), np.int32), np.zeros(2))


def walk(learner, recorder, positions):
    """Take steps; return the weights before each, and after it."""
    seen = []
    for position in positions:
        recorder.before(batch(position))
        before = learner.trainable()
        learner.step()
        recorder.after(position)
        seen.append((position, before, learner.trainable()))
    return seen


@pytest.mark.parametrize("codec", SUMMABLE)
def test_every_step_is_kept_with_its_digest_stage_by_stage(codec, tmp_path):
    learner, shard = Walker(), ShardLedger(tmp_path)
    with recorder_of(learner, tmp_path, codec) as recorder:
        seen, digests = [], {}
        for stage in (range(STEPS), range(STEPS + 2, STEPS + 7), range(0)):
            seen += walk(learner, recorder, stage)
            digests |= recorder.finish()
            # A stage's updates are there as soon as it has ended.
            assert shard.recorded_updates() == {position for position, *_ in seen} == set(digests)
    assert len(list((tmp_path / "updates").iterdir())) == 2
    kept = dict(shard.updates.read(digests))
    for position, before, after in seen:
        assert digest(kept[position]) == digests[position]
        for name, change in decode(kept[position]).items():
            error = np.abs(change - (after[name] - before[name])).max()
            assert error == 0 if codec == "float32" else error < 1e-4


def test_only_steps_that_see_a_chosen_row_are_kept_and_each_whole(tmp_path):
    chosen = [2, 3, 9, 10, 11, STEPS - 1]
    keys = frozenset(batch(position).row_keys[1].tobytes() for position in chosen)
    learner, shard = Walker(), ShardLedger(tmp_path)
    with recorder_of(learner, tmp_path, chosen=keys) as recorder:
        seen = walk(learner, recorder, range(STEPS))
        assert sorted(recorder.finish()) == chosen
    kept = dict(shard.updates.load(chosen))
    for position, before, after in seen:
        if position in chosen:
            for name, change in kept[position].items():
                assert np.array_equal(change, after[name] - before[name])


def test_the_same_steps_give_the_same_files(tmp_path):
    for number in range(2):
        learner = Walker()
        with recorder_of(learner, tmp_path / str(number), "int8") as recorder:
            walk(learner, recorder, range(STEPS))
            recorder.finish()
    one, other = (tmp_path / name / "updates" / "00000000.zip" for name in "01")
    assert one.read_bytes() == other.read_bytes()


def test_what_fails_in_the_thread_is_raised_in_the_training_and_nothing_is_left(tmp_path):
    learner = Walker()
    threads = threading.active_count()
    with pytest.raises(BadInput, match="float64"), recorder_of(learner, tmp_path) as recorder:
        walk(learner, recorder, range(3))
        learner.weights["weights/a"] = np.zeros((40, 30))
        walk(learner, recorder, range(3, STEPS))
    assert not list((tmp_path / "updates").iterdir())
    assert threading.active_count() == threads


def test_a_full_disk_reaches_the_training_as_itself(tmp_path, monkeypatch):
    learner = Walker()

    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"), recorder_of(learner, tmp_path) as recorder:
        walk(learner, recorder, range(3))
        monkeypatch.setattr("lineage_store.ledger.update_files.UpdateWriter.add", full)
        walk(learner, recorder, range(3, 5))
        recorder.finish()
    assert not list((tmp_path / "updates").iterdir())


def test_a_training_that_fails_leaves_no_archive_and_no_thread(tmp_path):
    learner = Walker()
    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt), recorder_of(learner, tmp_path) as recorder:
        walk(learner, recorder, range(STEPS))
        raise KeyboardInterrupt
    assert not list((tmp_path / "updates").iterdir())
    assert threading.active_count() == threads


def test_weights_of_another_type_are_refused_before_the_first_step(tmp_path):
    learner = Walker()
    learner.weights["weights/b"] = np.zeros(2)
    with pytest.raises(BadInput, match="train with `record` none"), recorder_of(learner, tmp_path):
        raise AssertionError("it was entered")
    assert not (tmp_path / "updates").exists()


def test_never_more_than_a_few_steps_wait(tmp_path, monkeypatch):
    learner, slow = Walker(), threading.Event()
    real = KeepUpdates._write
    begun = []

    def write(self, writer, position, before, after):
        begun.append(position)
        slow.wait()
        return real(self, writer, position, before, after)

    monkeypatch.setattr(KeepUpdates, "_write", write)
    with recorder_of(learner, tmp_path) as recorder:
        walk(learner, recorder, range(WAITING))
        training = threading.Thread(target=walk, args=(learner, recorder, [WAITING]))
        training.start()
        training.join(timeout=0.3)
        assert training.is_alive() and begun == [0]
        slow.set()
        training.join()
        assert sorted(recorder.finish()) == list(range(WAITING + 1))
