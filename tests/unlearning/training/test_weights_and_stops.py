"""Class weights and early stopping as a user meets them: options, answers, traces, deletions."""

import random
import shutil

import numpy as np
import pytest

from lineage_store.errors import BadInput
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from pipelines.backends.direct import DirectBackend
from unlearning.keras_learning.class_weights import balanced
from unlearning.keras_learning.make import make_learner
from unweave import Project
from unweave.text.answers import planned

# It learns so fast that its loss on rows that it did not see soon rises again.
HASTY = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.Dense(32, activation="relu")(numbers / 30.0)
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss=spec.loss)
    return model
"""

OPTIONS = {
    "label": "label",
    "subject": "person",
    "shards": 2,
    "slices": 2,
    "epochs": 18,
    "batch_size": 32,
    "record": "all",
    "class_weights": "balanced",
    "early_stop": 1,
}


def table():
    draw = random.Random(3)
    yield ["person", "age", "fare", "label"]
    for number in range(240):
        age = draw.gauss(40, 12)
        label = "old" if age + draw.gauss(0, 9) > 48 else "young"
        yield [f"p{number % 30:02d}", f"{age:.1f}", f"{draw.expovariate(0.1):.2f}", label]
    yield from ([f"single-{n}", "41", str(n), "young"] for n in range(30))


@pytest.fixture(scope="module")
def made(tmp_path_factory, write_csv):
    """A trained workspace, never written to after this, and what training said."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "model.py").write_text(HASTY, encoding="utf-8")
    (folder / "secret").write_bytes(bytes(range(32)))
    (folder / "secret").chmod(0o600)
    options = {**OPTIONS, "module": folder / "model.py", "key_file": folder / "secret"}
    project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
    return project.root, project.train(write_csv(table()), **options)


@pytest.fixture
def project(made, tmp_path):
    """A copy of it, to be changed."""
    root = tmp_path / "workspace"
    shutil.copytree(made[0], root)
    return Project(root, backend=DirectBackend(), reveal=True)


def record_of(project):
    connection = read_index(project.root / "unweave.sqlite")
    try:
        return find_model(connection)
    finally:
        connection.close()


def ledger_of(project):
    return open_ledger(project.root / record_of(project).paths["ledger"])


def placed(project, split):
    """The pseudonymous answer about somebody whose only row is in a split, and who it is."""
    for number in range(30):
        (touched,) = project.trace_subject(f"single-{number}")["models"]
        if set(touched["splits"]) == {split}:
            return f"single-{number}", touched
    raise AssertionError(f"nobody is in {split} alone")


def test_what_was_asked_for_is_told_by_every_answer(made):
    root, answer = made
    asked = Project(root, reveal=True).ask.hyperparameters()
    for config in (answer["config"], asked, Project(root, reveal=True).trace_model()["config"]):
        assert (config["class_weights"], config["early_stop"]) == ("balanced", 1)


def test_a_row_counts_in_the_loss_for_what_its_class_weighs(made):
    project = Project(made[0], reveal=True)
    ledger = ledger_of(project)
    store = open_rows(project.root / record_of(project).paths["rows"])
    learner = make_learner(HASTY, name="model.py", store=store, seed=0)
    state, rows = ledger.shard(0).checkpoint(1), store.stage_rows(0, 1)
    weights = balanced(rows.labels, 2)
    assert weights[0] != weights[1]
    right = learner.predict(state, rows)[np.arange(len(rows)), rows.labels]
    expected = np.mean(weights[rows.labels] * -np.log(right))
    learner.load(state)
    loss = learner.step(rows, shard=0, position=0, class_weights=weights)
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    learner.load(state)
    assert learner.loss(rows) == pytest.approx(np.mean(-np.log(right)), rel=1e-4)


def test_some_stage_stopped_early_and_only_steps_that_were_taken_are_traced(made):
    project = Project(made[0], reveal=True)
    ledger = ledger_of(project)
    stages = [stage for shard in ledger.shards() for stage in shard.stages()]
    assert any(stage.epochs < ledger.partition.stage_epochs for stage in stages)
    (touched,) = project.trace_subject("p07")["models"]
    assert touched["batches"]
    for batch in touched["batches"]:
        traced = project.trace_batch(batch)
        assert set(touched["row_keys"]) & set(traced["row_keys"])
    assert touched["updates_recorded"] == len(touched["batches"])


def test_the_steps_of_a_plan_are_the_most_that_there_can_be(project):
    answer = project.plan(["p07"])
    assert any("At most" in part for part in planned(answer) if isinstance(part, str))
    done = project.forget(["p07"])
    assert 0 < done["steps_recomputed"] <= done["steps_planned"] < answer["steps_full"]
    assert done["guarantee"] == "exact"
    assert {check["outcome"] for check in done["checks"]} <= {"passed", "uninformative"}


def test_an_exact_deletion_of_an_evaluation_row_is_checked_against_the_rows_that_decided(project):
    someone, _ = placed(project, "eval")
    done = project.forget([someone])
    assert len(done["affected_shards"]) == 1 and done["steps_recomputed"] > 0
    outcomes = {check["name"]: check["outcome"] for check in done["checks"]}
    assert outcomes["every stage saw the retained rows and no others"] == "passed"


def test_an_approximate_deletion_subtracts_the_steps_that_were_taken(project):
    someone, touched = placed(project, "train")
    done = project.forget([someone], strategy="amnesiac")
    assert done["updates_subtracted"] == len(touched["batches"]) > 0


def test_an_approximate_deletion_of_an_evaluation_row_lets_go_of_what_it_decided(project):
    someone, _ = placed(project, "eval")
    done = project.forget([someone], strategy="amnesiac")
    assert done["updates_subtracted"] == 0
    assert done["weights_digest_after"] == done["weights_digest_before"]
    (shard,) = done["affected_shards"]
    ledger = ledger_of(project)
    kept = [ledger.shard(shard).has_checkpoint(stage) for stage in range(2)]
    assert kept in ([True, False], [False, False])


BAD = {
    "a patience of none": ({"early_stop": 0}, "`early_stop` is 0: it goes from 1"),
    "weights by another name": (
        {"class_weights": "rare"},
        "`class_weights` is 'rare': it is one of none, balanced",
    ),
    "weights of classes for a label of numbers": (
        {"label": "fare", "class_weights": "balanced"},
        "makes this a regression, and `class_weights` balanced is for a classification",
    ),
}


@pytest.mark.parametrize("changes, words", BAD.values(), ids=BAD)
def test_options_that_do_not_fit_are_bad_input(tmp_path, write_csv, changes, words):
    project = Project(tmp_path / "workspace", backend=DirectBackend(), reveal=True)
    with pytest.raises(BadInput, match=words):
        project.train(write_csv(table()), **{**OPTIONS, **changes})
    assert not project.root.exists()
