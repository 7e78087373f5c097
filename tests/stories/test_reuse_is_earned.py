"""Law 3: nothing of an old ledger is taken over before units of it were taken again, bit for bit.

A model is trained here; in a process of its own, in which something was changed in between, a
person is forgotten from a copy, and the twin trained on a table that never held the rows. The
result has the twin's bits, or does not say exact.
"""

import csv
import json
import os
import random
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.warm_python import warm_python
from lineage_store.canonical import canonical_json, read_json
from lineage_store.index import models, reading_index
from lineage_store.ledger import StepRecord, open_ledger
from lineage_store.placement import Stage
from lineage_store.rows import open_rows
from lineage_store.tensors import load_state, save_state
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.fitting import learner_of
from unlearning.fitting.marks import marks_file, marks_of
from unlearning.planning.reuse import NOTHING_RECORDED, Earned, Reuse
from unlearning.strategies.shard_decision import ShardDecision
from unlearning.strategies.strategy import NOT_EARNED
from unlearning.verification import replay_run
from unlearning.verification.earned import AT_MOST, Reachable, chosen, earned
from unweave import Project, verify
from unweave.text.answers import forgotten, verified

TOP = Path(__file__).parents[2]
SECRET = bytes(range(50, 90))
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "trip", "shards": 3, "slices": 2,
    "epochs": 3, "batch_size": 16, "seed": 3,
}  # fmt: skip
MODULE = """
import os
import keras
import house_layers

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    scaled = keras.layers.Rescaling(float(os.environ.get("HOUSE_SCALE", "0.1")))(numbers)
    hidden = keras.layers.BatchNormalization()(scaled)
    hidden = keras.layers.Dense(house_layers.WIDTH, house_layers.ACTIVATION)(hidden)
    output = keras.layers.Dense(spec.outputs, spec.activation)(hidden)
    model = keras.Model(numbers, output)
    model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9), loss=spec.loss)
    return model
"""
LAYERS = "WIDTH = 5\nACTIVATION = 'relu'\n"
KERAS = {
    "floatx": "float32", "epsilon": 1e-7, "backend": "tensorflow",
    "image_data_format": "channels_last",
}  # fmt: skip
APART = """
import json, sys
from pipelines.backends.direct import DirectBackend
from unweave import Project

root, twin, given, forget = *sys.argv[1:3], *map(json.loads, sys.argv[3:])
answer = Project(root, backend=DirectBackend(), reveal=True).forget(**forget)
weights = None
if given is not None:
    weights = Project(twin, backend=DirectBackend(), reveal=True).train(**given)["weights_digest"]
print(json.dumps([answer, weights]))
"""


def person(number):
    return f"person-{number:02d}"


def write(path, *, without=()):
    draw = random.Random(11)
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["trip", "person", "miles", "fare", "label"])
        for n in range(240):
            miles = draw.gauss(3, 1)
            fare = 2 + 2 * miles + draw.gauss(0, 1)
            if person(n % 20) not in without:
                label = "yes" if fare > 8 else "no"
                out.writerow([f"t{n}", person(n % 20), f"{miles:.2f}", f"{fare:.2f}", label])
    return path


class House:
    """A folder with a trained workspace, the module, what it imports, and Keras's settings."""

    def __init__(self, folder):
        self.folder = folder

    @property
    def project(self):
        return Project(self.folder / "workspace", backend=DirectBackend(), reveal=True)

    @property
    def workspace(self):
        return open_workspace(self.folder / "workspace")

    def options(self, table):
        given = {"csv": str(table), "module": str(self.folder / "model.py")}
        return {**OPTIONS, **given, "key_file": str(self.folder / "secret")}

    def environment(self):
        paths = os.pathsep.join([str(self.folder), str(TOP)])
        return {**os.environ, "PYTHONPATH": paths}

    def forget(self, number, *, twin=True, variables=None, **options):
        """Forget a person in a process of its own, and train the twin there."""
        table = write(self.folder / "without.csv", without={person(number)})
        asked = {"ids": [person(number)], **options}
        arguments = [self.options(table) if twin else None, asked]
        done = subprocess.run(
            [*warm_python(), "-c", APART, str(self.folder / "workspace"),
             str(self.folder / "twin"), *map(json.dumps, arguments)],
            env={**self.environment(), **(variables or {})},
            cwd=TOP, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer, weights = json.loads(done.stdout.splitlines()[-1])
        return answer, answer["models"][0], weights

    def plan(self):
        """Read the plan that was carried out."""
        [file] = (self.folder / "workspace").rglob("plan.json")
        return read_json(file)[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A house in which a model was trained, in a process of its own."""
    house = House(tmp_path_factory.mktemp("house"))
    folder = house.folder
    (folder / "secret").write_bytes(SECRET)
    (folder / "secret").chmod(0o600)
    (folder / "model.py").write_text(MODULE, encoding="utf-8")
    (folder / "house_layers.py").write_text(LAYERS, encoding="utf-8")
    script = APART.splitlines()
    train = "\n".join([*script[:5], "print(Project(sys.argv[1], backend=DirectBackend())"
                       ".train(**json.loads(sys.argv[3]))['steps'])"])  # fmt: skip
    train = train.replace("root, twin, given, forget =", "#")
    given = json.dumps(house.options(write(folder / "all.csv")))
    subprocess.run(
        [*warm_python(), "-c", train, str(folder / "workspace"), "", given],
        env=house.environment(), cwd=TOP, check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return house


@pytest.fixture
def house(trained, tmp_path):
    """A copy of the house, to change things in."""
    shutil.copytree(trained.folder, tmp_path / "house")
    return House(tmp_path / "house")


def all_anew(change):
    return change["steps_recomputed"] == change["steps_full"]


def test_the_honest_case_takes_over_as_much_as_before(house):
    _, change, twin = house.forget(4)
    assert change["weights_digest_after"] == twin
    assert change["steps_recomputed"] == change["steps_planned"] < change["steps_full"]
    assert change["claim"] == {"level": "bits"}
    assert change["reuse"].startswith("replayed: ")
    assert "cannot rule out" in change["reuse"]
    reuse = house.plan()["reuse"]
    assert all(0 < one["again"] <= AT_MOST and one["failure"] is None for one in reuse["shards"])


def test_a_module_that_reads_an_environment_variable(house):
    _, change, twin = house.forget(4, variables={"HOUSE_SCALE": "0.2"})
    assert change["weights_digest_after"] == twin
    assert all_anew(change)
    shards = house.plan()["shards"]
    assert all(one["why"].startswith(NOT_EARNED) for one in shards)
    assert change["claim"] == {"level": "bits"}
    assert change["reuse"] == "nothing is taken over"
    assert not any(one["verdict"] == "proven unaffected" for one in change["verdicts"]
                   if one["kind"] in ("lineage.Checkpoint", "lineage.Batch"))  # fmt: skip


@pytest.mark.parametrize("accepted", [False, True])
def test_a_module_that_imports_a_file_that_changes(house, accepted):
    layers = LAYERS.replace("relu", "tanh")
    (house.folder / "house_layers.py").write_text(layers, encoding="utf-8")
    _, change, twin = house.forget(4, accept_bridged=accepted)
    assert change["weights_digest_after"] == twin
    assert all_anew(change)
    assert change["claim"] == {"level": "bits"}


def test_keras_is_set_otherwise_between_training_and_deletion(house):
    settings = json.dumps({**KERAS, "epsilon": 1e-2, "floatx": "float64"})
    (house.folder / "keras").mkdir()
    (house.folder / "keras" / "keras.json").write_text(settings, encoding="utf-8")
    variables = {"KERAS_HOME": str(house.folder / "keras")}
    _, change, twin = house.forget(4, variables=variables)
    assert change["weights_digest_after"] == twin
    assert all_anew(change)


@pytest.mark.parametrize("accepted", [False, True])
def test_another_instruction_set(house, accepted):
    variables = {"ONEDNN_MAX_CPU_ISA": "SSE41"}
    _, change, twin = house.forget(4, variables=variables, accept_bridged=accepted)
    assert change["weights_digest_after"] == twin or "bridged" in change["claim"]
    assert accepted or all_anew(change)


def test_where_the_replay_agrees_it_is_bridged_and_says_so(house):
    """The variable changes no bit, but nobody can know that of a variable."""
    variables = {"OMP_PROC_BIND": "true"}
    answer, change, twin = house.forget(4, variables=variables, accept_bridged=True)
    assert change["steps_recomputed"] == change["steps_planned"] < change["steps_full"]
    assert change["weights_digest_after"] == twin
    bridged = change["claim"]["bridged"]
    assert 0 < bridged["again"] <= bridged["total"]
    words = f"bits, bridged: {bridged['again']} of {bridged['total']} units taken again"
    assert words in "\n".join(map(str, forgotten(answer)))
    certificate = Path(answer["certificate"])
    verdict = verify(certificate, public_key=house.workspace.public_key)
    assert verdict["ok"]
    assert verdict["models"][0]["claim"] == change["claim"]
    assert verdict["models"][0]["verification"]["how"] == words
    assert words in "\n".join(map(str, verified(verdict)))
    page = house.project.report(answer["request_id"], out=house.folder / "report.html")
    assert words in Path(page["out"]).read_text(encoding="utf-8")
    # What came of it is no plain ground for the next deletion.
    _, later, _ = house.forget(5, twin=False, variables=variables)
    assert all_anew(later)
    assert later["claim"] == {"level": "bits"}


# One shard at a time, in this process.


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Models of a table: with what a ledger may leave behind to be taken again."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "secret").write_bytes(SECRET)
    (folder / "secret").chmod(0o600)
    text = MODULE.replace("import house_layers\n", "").replace("house_layers.WIDTH", "5")
    (folder / "model.py").write_text(text.replace("house_layers.ACTIVATION", "'relu'"))
    project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
    given = {**OPTIONS, "shards": 1, "csv": str(write(folder / "all.csv")),
             "module": str(folder / "model.py"), "key_file": str(folder / "secret")}  # fmt: skip
    project.train(**given, checkpoint_every=5)
    project.train(**given, record="all")
    return open_workspace(folder / "workspace")


KEPT = ShardDecision(0, "kept", 2, 0, "")


@pytest.fixture
def taken_again(small, tmp_path):
    """Return a function that copies a model's ledger, changes it, and takes its shard again."""

    def take(model, change=lambda shard: None, *, needed=False, decision=KEPT):
        with reading_index(small) as connection:
            paths = models.find_model(connection, model).paths
        folder = tmp_path / model
        shutil.copytree(small.absolute(paths["ledger"]), folder)
        ledger, store = open_ledger(folder), open_rows(small.absolute(paths["rows"]))
        change(ledger.shard(0))
        run = replay_run(ledger, learner_of(ledger, store)(), base=None)
        return earned(run, store, ledger, decision, base=None, needed=needed)

    return take


def without_marks(shard):
    marks_file(shard).unlink()


def change_checkpoint(shard):
    """Change the checkpoint after the first stage, and its digest with it.

    Those within stages go: among many places that can be reached a sample may pass this one over.
    """
    for position in shard.step_checkpoints():
        shard.step_checkpoint_file(position).unlink()
    state = load_state(shard.checkpoint_file(0))
    name = next(name for name in state if state[name].ndim == 2)
    state[name] = state[name] + state[name].dtype.type(1e-3)
    record = shard.stages()[0]
    changed = replace(record, checkpoint_digest=save_state(shard.checkpoint_file(0), state))
    shard.stage_file(0).write_bytes(canonical_json(changed.to_json()))


@pytest.mark.parametrize("model", ["m1", "m2"])
def test_marks_are_taken_again(taken_again, model):
    done = taken_again(model)
    assert done.failure is None
    assert 2 <= done.again <= AT_MOST < done.of


@pytest.mark.parametrize("model", ["m1", "m2"])
def test_a_checkpoint_that_was_changed_with_its_digest_is_found(taken_again, model):
    assert re.search("other bits|the update", taken_again(model, change_checkpoint).failure or "")


def test_a_mark_that_was_changed_only_makes_the_shard_be_retrained(taken_again):
    def change(shard):
        marks = {str(position): "0" * 64 for position in marks_of(shard)}
        marks_file(shard).write_bytes(canonical_json(marks))

    assert "other bits" in taken_again("m1", change).failure


def test_updates_are_taken_again_where_there_are_no_marks(taken_again):
    done = taken_again("m2", without_marks)
    assert done.failure is None
    assert done.again == 2


def test_an_update_that_differs_is_found_without_marks(taken_again):
    def change(shard):
        without_marks(shard)
        change_checkpoint(shard)

    assert "the update" in taken_again("m2", change).failure


def test_of_an_old_ledger_without_anything_nothing_can_be_taken_again(taken_again):
    done = taken_again("m1", without_marks)
    assert (done.again, done.failure) == (0, None)


def test_and_where_it_is_needed_it_is_not_taken_over(taken_again):
    done = taken_again("m1", without_marks, needed=True)
    assert done.failure == "nothing of it can be taken again"


def test_what_nobody_recorded_is_said():
    said = Reuse((Earned(0, 0, 40),), settled=True).in_words()
    assert said == f"replayed: 0 of 40 units: {NOTHING_RECORDED}"


@given(st.lists(st.tuples(st.integers(1, AT_MOST), st.integers(1, 40)), max_size=12))
def test_at_most_four_steps_are_chosen_and_the_first_and_last_if_they_fit(drawn):
    stage = Stage(0, 10, 1, 100, 0)
    there = [
        Reachable(stage, n, False, tuple(StepRecord(n, 0, n, rows, "", 0.0) for _ in range(k)), "")
        for n, (k, rows) in enumerate(drawn)
    ]
    found = chosen(there)
    assert sum(len(one.steps) for one in found) <= AT_MOST
    assert found[:1] == there[:1]
    if all(k == 1 for k, _ in drawn) and there:
        assert there[-1] in found
        assert min(one.rows for one in there) in {one.rows for one in found}
        assert max(one.rows for one in there) in {one.rows for one in found}
