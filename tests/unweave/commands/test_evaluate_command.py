"""`unweave evaluate`: SavedModels and CSV files in, a verdict out, with the right exit status.

Our own served models come from the direct backend, plain ones from Keras; both are real.
"""

import csv
import json
import random
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from lineage_store.data.csv_table import read_table
from lineage_store.errors import BadInput, UnweaveError
from lineage_store.sources.reading import Reading
from lineage_store.sources.source import open_source
from pipelines.backends.direct import DirectBackend
from unlearning.evaluation.from_saved_models import ToEvaluate, read_evaluated
from unlearning.evaluation.policy import Policy
from unlearning.fingerprint.determinism import pin_tensorflow
from unweave.api.project import Project
from unweave.cli import commands

HEADER = ["person", "colour", "size", "label"]


def table(count=400, seed=1):
    """Rows of forty people, whose labels are half noise; what they say is random, but the same."""
    draw = random.Random(seed)
    rows = []
    for n in range(count):
        size = draw.random()
        label = "yes" if draw.random() < 0.25 + size / 2 else "no"
        rows.append([f"person-{n % 40}", draw.choice("rgb"), f"{size:.3f}", label])
    return rows


def run(*arguments):
    done = CliRunner().invoke(commands, ["evaluate", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A model of ours before and after an exact deletion, its twin, and the files of rows."""
    folder = tmp_path_factory.mktemp("ours")
    rows = table()
    gone = {f"person-{n}" for n in range(4)}
    left = [row for row in rows if row[0] not in gone]
    everything = write(folder / "all.csv", HEADER, rows)
    settings = {"label": "label", "subject": "person", "shards": 2, "slices": 1, "epochs": 3}
    project = Project(folder / "ws", backend=DirectBackend())
    before = project.train(everything, **settings)
    shutil.copytree(before["model_path"], folder / "before")
    after = project.forget(sorted(gone))
    pushed = Project(folder / "ws").models()[-1]
    assert pushed["model_id"] == after["model_after"]
    shutil.copytree(project.root / "serving/m1/2", folder / "after")
    # The test suite trains such twins elsewhere, and finds the same bits (test_exactness).
    shutil.copytree(folder / "after", folder / "twin")
    write(folder / "forgotten.csv", HEADER, [row for row in rows if row[0] in gone])
    write(folder / "retained.csv", HEADER, left)
    write(folder / "test.csv", HEADER, table(200, seed=2))
    return folder


def files(folder):
    return [f"--{name}={folder / name}.csv" for name in ("forgotten", "retained", "test")]


def test_an_exact_result_of_ours_passes_by_its_bits(ours):
    status, told = run(
        f"--before={ours / 'before'}",
        f"--after={ours / 'after'}",
        f"--retrained={ours / 'twin'}",
        "--label=label",
        "--json",
        *files(ours),
    )
    answer = json.loads(told)
    assert (status, answer["outcome"], answer["rung"]) == (0, "passed", "bits")
    assert answer["rungs"][0]["values"] == {"untouched": 0.0, "unlearned": 1.0, "retrained": 1.0}


def test_the_untouched_model_fails_with_status_1(ours):
    status, told = run(
        f"--before={ours / 'before'}",
        f"--after={ours / 'before'}",
        f"--retrained={ours / 'after'}",
        "--label=label",
        *files(ours),
    )
    assert status == 1
    assert told.startswith("FAILED: another model: an unlearned model is the untouched one")
    assert "untouched               unlearned               retrained" in told


def test_without_a_retrained_model_the_answer_is_plain_and_the_policy_decides(ours, tmp_path):
    given = [f"--before={ours / 'before'}", f"--after={ours / 'after'}", *files(ours)]
    status, told = run(*given, "--label=label")
    assert status == 0
    assert told.startswith("UNINFORMATIVE: nothing here tells whether the rows are forgotten")
    assert "No model retrained without the rows was given" in told
    policy = tmp_path / "policy.json"
    policy.write_text('{"refuse_uninformative": true}')
    status, told = run(*given, "--label=label", f"--policy={policy}", "--json")
    assert (status, json.loads(told)["accepted"]) == (1, False)


def test_weights_of_ours_are_read_and_say_how_far_apart_they_are(ours):
    given = ToEvaluate(
        {"untouched": [ours / "before"], "unlearned": [ours / "after"]},
        {"forgotten": open_source(ours / "forgotten.csv")},
        "label",
    )
    found = read_evaluated(given, Policy())
    before, after = (found.runs[kind][0].weights for kind in ("untouched", "unlearned"))
    assert before.keys() == after.keys() and len(before) > 4
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert found.runs["untouched"][0].answers["forgotten"].shape == (40, 2)
    assert set(found.labels["forgotten"]) == {0, 1}


@pytest.fixture(scope="module")
def keras_models(tmp_path_factory):
    """Keras models of each documented signature, and a file that they take."""
    pin_tensorflow()
    import keras

    folder = tmp_path_factory.mktemp("keras")
    draw = random.Random(3)
    rows = [[f"{draw.random():.3f}", f"{draw.random():.3f}", draw.randrange(2)] for _ in range(50)]
    for name in ("forgotten", "retained", "test"):
        write(folder / f"{name}.csv", ["a", "b", "y"], rows)

    def save(name, activation, units, *, seed=1, named=False):
        keras.utils.set_random_seed(seed)
        if named:
            inputs = [keras.Input((1,), name=one) for one in "ab"]
            joined = keras.layers.Concatenate()(inputs)
        else:
            inputs = joined = keras.Input((2,))
        outputs = keras.layers.Dense(units, activation=activation)(joined)
        keras.Model(inputs, outputs).export(str(folder / name), verbose=False)

    for seed in (1, 2, 3):
        save(f"softmax-{seed}", "softmax", 2, seed=seed)
    save("softmax-2-again", "softmax", 2, seed=2)
    save("sigmoid", "sigmoid", 1)
    save("number", "linear", 1)
    save("logits", "linear", 2)
    save("named", "softmax", 2, named=True)
    return folder


def three(folder, before, after, retrained):
    models = (f"--{kind}={folder / name}" for kind, name in
              (("before", before), ("after", after), ("retrained", retrained)))  # fmt: skip
    return [*models, *files(folder)]


def test_plain_keras_models_are_judged_too(keras_models):
    given = three(keras_models, "softmax-1", "softmax-2", "softmax-2-again")
    status, told = run(*given, "--label=y", "--json")
    answer = json.loads(told)
    assert (status, answer["rung"]) == (0, "bits")
    status, told = run(*three(keras_models, "softmax-1", "softmax-2", "softmax-3"), "--label=y")
    assert status == 0 and told.startswith("UNINFORMATIVE")
    status, told = run(*three(keras_models, "softmax-1", "softmax-1", "softmax-3"), "--label=y")
    assert status == 1


@pytest.mark.parametrize(
    ("name", "task", "units"),
    [
        ("softmax-1", None, 2),
        ("named", None, 2),
        ("sigmoid", "classification", 2),
        ("number", "regression", 1),
    ],
)
def test_every_documented_signature_is_asked_right(keras_models, name, task, units):
    import tensorflow as tf

    given = ToEvaluate(
        {"untouched": [keras_models / name]},
        {"forgotten": open_source(keras_models / "forgotten.csv")},
        None if name == "named" else "y",
        task,
    )
    found = read_evaluated(given, Policy())
    answers = found.runs["untouched"][0].answers["forgotten"]
    assert answers.shape == (50, units)
    numbers = tf.constant(
        read_table(open_source(keras_models / "forgotten.csv")).numbers(["a", "b"])
    )
    serve = tf.saved_model.load(str(keras_models / name)).signatures["serving_default"]
    told = serve(a=numbers[:, :1], b=numbers[:, 1:]) if name == "named" else serve(numbers)
    wanted = next(iter(told.values())).numpy()
    assert answers[:, -1] == pytest.approx(wanted[:, -1])
    assert found.task == (task or "classification")


def test_what_does_not_fit_is_told_in_a_sentence_and_without_a_value(keras_models, ours, tmp_path):
    odd = write(tmp_path / "odd.csv", ["a", "b", "y"], [["1", "2", "0"], ["1", "2", "secret"]])
    wide = write(tmp_path / "wide.csv", ["a", "b", "c", "y"], [["1", "2", "3", "0"]])
    bare = write(tmp_path / "bare.csv", ["a", "b", "y"], [])
    text = write(tmp_path / "text.csv", ["a", "b", "y"], [["1", "2", "0"], ["1", "secret", "0"]])
    twice = write(tmp_path / "twice.csv", ["a", "a", "y"], [["1", "2", "0"]])
    (tmp_path / "empty").mkdir()
    softmax, number = keras_models / "softmax-1", keras_models / "number"
    cases = [
        (softmax, odd, "y", None, "Line 3 of .*label column 'y' does not hold a class"),
        (softmax, wide, "y", None, "3 columns besides the label, and the model takes 2"),
        (softmax, text, "y", None, "^Line 3 of .*text.csv has no number in the column 'b'"),
        (keras_models / "named", text, "y", None, "^Line 3 of .* no number in the column 'b'"),
        (softmax, twice, "y", None, "The column 'a' stands twice in .*twice.csv"),
        (softmax, odd, None, None, "Name the label column with `label`"),
        (number, odd, "y", None, "say with `task`"),
        (number, odd, "y", "regression", "Line 3 .* does not hold a number"),
        (softmax, odd, "y", "regression", "has 2 outputs: a regression has one"),
        (keras_models / "logits", odd, "y", None, "are no probabilities"),
        (keras_models / "named", wide, None, None, "2 columns that the model does not take"),
        (tmp_path / "empty", odd, "y", None, "is no SavedModel"),
        (softmax, tmp_path / "none.csv", "y", None, "cannot be read"),
        (softmax, bare, "y", None, "There are no rows in"),
        (softmax, odd, "z", None, "takes 2|no column 'z'"),
        (ours / "before", odd, "y", None, "There is no column"),
    ]
    for folder, rows, label, task, told in cases:
        source = open_source(rows, Reading(header=True))
        given = ToEvaluate({"untouched": [folder]}, {"forgotten": source}, label, task)
        with pytest.raises(BadInput, match=told) as raised:
            read_evaluated(given, Policy())
        assert "secret" not in str(raised.value)


def test_an_option_given_again_is_another_run_and_a_copy_is_none(keras_models):
    given = three(keras_models, "softmax-1", "softmax-2", "softmax-2-again")
    more = [f"--before={keras_models / 'softmax-3'}", "--label=y", "--json"]
    measures = json.loads(run(*given, *more)[1])["measures"]
    (brier,) = (one for one in measures if one["name"].startswith("Brier"))
    assert brier["untouched"]["low"] < brier["untouched"]["high"]
    assert brier["unlearned"]["low"] == brier["unlearned"]["high"]
    copy = [f"--after={keras_models / 'softmax-2-again'}", "--label=y"]
    others = three(keras_models, "softmax-1", "softmax-2", "softmax-3")
    with pytest.raises(UnweaveError, match="Two of the unlearned models are the same"):
        run(*others, *copy)


def test_a_model_is_not_compared_with_itself(keras_models):
    with pytest.raises(UnweaveError, match="compared with itself"):
        run(*three(keras_models, "softmax-1", "softmax-2", "softmax-2"), "--label=y")


def test_models_of_two_tasks_are_not_compared(keras_models):
    given = ToEvaluate(
        {"untouched": [keras_models / "sigmoid"], "unlearned": [keras_models / "softmax-1"]},
        {"forgotten": open_source(keras_models / "forgotten.csv")},
        "y",
        "classification",
    )
    assert read_evaluated(given, Policy()).task == "classification"  # a sigmoid has two classes
    with pytest.raises(BadInput, match="has 2 outputs"):
        read_evaluated(ToEvaluate(given.models, given.rows, "y", "regression"), Policy())


def test_of_many_rows_as_many_are_drawn_as_the_policy_says(keras_models, tmp_path):
    rows = [[f"{n}", "0", "1"] for n in range(500)]
    many = write(tmp_path / "many.csv", ["a", "b", "y"], rows)
    given = ToEvaluate(
        {"untouched": [keras_models / "softmax-1"]}, {"forgotten": open_source(many)}, "y"
    )
    found = read_evaluated(given, Policy(most_rows=100))
    assert len(found.labels["forgotten"]) == 100
    whole = read_table(open_source(many))
    drawn = whole.drawn(100, seed=0).strings(["a"])
    assert drawn == read_table(open_source(many)).drawn(100, seed=0).strings(["a"])
    assert drawn != whole.drawn(100, seed=1).strings(["a"])
    assert [int(text) for (text,) in drawn] == [line - 2 for line in whole.drawn(100, seed=0).lines]


def test_an_error_leaves_by_the_commands_door(keras_models):
    given = three(keras_models, "softmax-1", "softmax-2", "softmax-3")
    with pytest.raises(UnweaveError, match="`label`"):
        run(*given)
