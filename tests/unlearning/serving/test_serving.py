"""The pushed model: plain TensorFlow, equal to the shards' aggregate, wherever it is loaded."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lineage_store.errors import BadInput
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from lineage_store.rows.slice_set import SortedRows
from pipelines.backends.direct import DirectBackend
from unlearning.families.keras_parts import KerasParts
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.make import make_learner
from unlearning.keras_models.encoding import first_values
from unlearning.serving import evaluate as serving_evaluate
from unlearning.serving.aggregation import AGGREGATIONS
from unlearning.serving.evaluate import aggregated, evaluate
from unlearning.serving.predict import Predictions, ToPredict
from unlearning.training.config import config_of, module_source
from unweave.api.project import Project

HEADER = ["age (years)", "town", "score", "label"]
TOWNS = ["Ulm", "", "São Paulo", "'5", "007", "two\nlines"]

# Nothing of the project can be imported: only TensorFlow, and what the test hands over as JSON.
STRANGER = """
import json, sys


OURS = ("unweave", "pipelines", "components", "unlearning", "lineage_store")

class Stranger:
    def find_spec(self, name, *_):
        if name.split(".")[0] in OURS:
            raise ImportError(name)

sys.meta_path.insert(0, Stranger())
import tensorflow as tf

def example(row):
    features = {}
    for name, value in row["numbers"].items():
        if value is not None:
            features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        elif row["empty"]:
            features[name] = tf.train.Feature()
    for name, value in row["strings"].items():
        if value:
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()

nan = float("nan")

def answers(folder, rows):
    served = tf.saved_model.load(folder).signatures
    numbers = [[nan if v is None else v for v in r["numbers"].values()] for r in rows]
    strings = [list(r["strings"].values()) for r in rows]
    by_example = served["serving_default"](examples=tf.constant([example(r) for r in rows]))
    by_column = served["columns"](numbers=tf.constant(numbers), strings=tf.constant(strings))
    for found in (by_example, by_column):
        yield {name: [v.decode() if isinstance(v, bytes) else v for v in t.numpy().tolist()]
               for name, t in found.items()}

asked = json.load(sys.stdin)
print(json.dumps([list(answers(*one)) for one in asked]))
"""


def rows_of(kind):
    lines = []
    for n in range(160):
        number = "" if n % 7 == 0 else f"{20 + n % 50}.5"
        label = f"{n % 13}.25" if kind == "regression" else ("no", "yes", "maybe")[n % 3]
        lines.append([number, TOWNS[n % 6], str(n % 9), label])
    return lines


KINDS = [("classification", "mean"), ("classification", "vote"), ("regression", "median")]


@pytest.fixture(scope="module")
def served_of(tmp_path_factory, write_csv):
    """Return a function that gives a trained project of a task, with its file."""
    return cache(lambda kind: train(*kind, tmp_path_factory, write_csv))


@pytest.fixture(params=KINDS)
def served(request, served_of):
    """Each of them."""
    return served_of(request.param)


def train(task, aggregate, tmp_path_factory, write_csv):
    source = write_csv([HEADER, *rows_of(task)])
    folder = tmp_path_factory.mktemp("served")
    (folder / "key").write_bytes(bytes(range(32)))  # the same rows are for evaluation every time
    (folder / "key").chmod(0o600)
    project = Project(folder / "workspace", backend=DirectBackend())
    answer = project.train(
        source,
        key_file=folder / "key",
        label="label",
        shards=3,
        slices=2,
        epochs=2,
        batch_size=16,
        aggregate=aggregate,
    )
    assert answer["task"] == task and answer["config"]["aggregate"] == aggregate
    return project, answer, source


def opened(project):
    """The learner, the shards' weights, the row store and the aggregation of a project's model."""
    root = project.root
    ledger = open_ledger(root / "tfx" / "train-m1" / "ledger")
    store = open_rows(root / "tfx" / "train-m1" / "rows")
    config = config_of(ledger)
    learner = make_learner(
        module_source(ledger), name=config.module, store=store, seed=config.partition.seed
    )
    return learner, ledger.final_weights(), store, AGGREGATIONS[config.options.aggregate]


def expected_outputs(project):
    """The shards' aggregate, computed with the learner from the ledger, for the eval rows."""
    learner, weights, store, rule = opened(project)
    rows = store.evaluation()
    return *aggregated(KerasParts(learner), weights, rows, aggregate=rule), rows


def given_rows(project):
    """The same rows as a client would send them, from the gate's file, in row-key order."""
    from lineage_store.cells.snapshot import load_snapshot, read_snapshot
    from lineage_store.data.record import EVAL

    snapshot = load_snapshot(project.root / "data" / "m1")
    kinds = {column.name: column.kind for column in snapshot.schema.columns}
    found = []
    for number, record in enumerate(sorted(read_snapshot(snapshot, EVAL), key=lambda r: r.row_key)):
        values = dict(zip(kinds, record.values, strict=False))  # without the label
        found.append(
            {
                "numbers": {
                    n: float(v) if v else None for n, v in values.items() if kinds[n] == "number"
                },
                "strings": {n: v for n, v in values.items() if kinds[n] == "text"},
                "empty": number % 2 == 0,
            }
        )
    return found


def test_a_process_that_never_heard_of_the_project_serves_the_aggregate_of_the_shards(served_of):
    all_served = [served_of(kind) for kind in KINDS]
    asked = [(answer["model_path"], given_rows(project)) for project, answer, _ in all_served]
    done = subprocess.run(
        [sys.executable, "-I", "-c", STRANGER],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd="/",
        env={"TF_CPP_MIN_LOG_LEVEL": "3", "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    for (_, rows), (project, answer, _), ways in zip(asked, all_served, answers, strict=True):
        outputs, scores, evaluation = expected_outputs(project)
        assert len(rows) == len(evaluation) > 5
        for found in ways:
            if answer["task"] == "regression":
                np.testing.assert_allclose(found["values"], outputs[:, 0], rtol=1e-5, atol=1e-5)
            else:
                chosen = [["maybe", "no", "yes"][k] for k in scores.argmax(axis=1)]
                np.testing.assert_allclose(found["probabilities"], outputs, atol=1e-6)
                assert found["classes"] == chosen


def test_predict_gives_what_the_model_serves(served):
    project, answer, source = served
    predicted = project.predict(source)
    assert len(predicted["predictions"]) == 160
    if answer["task"] == "classification":
        assert predicted["classes"] == ["maybe", "no", "yes"]
        np.testing.assert_allclose(np.sum(predicted["probabilities"], axis=1), 1, atol=1e-5)
        chosen = [predicted["classes"].index(name) for name in predicted["predictions"]]
        probabilities = np.array(predicted["probabilities"])
        assert np.array_equal(probabilities[np.arange(160), chosen], probabilities.max(axis=1))
    else:
        assert np.std(predicted["predictions"]) > 0


def test_the_metrics_are_those_of_the_aggregate_on_the_evaluation_rows(served):
    project, answer, _ = served
    outputs, scores, evaluation = expected_outputs(project)
    assert answer["metrics"]["rows"] == len(evaluation)
    if answer["task"] == "classification":
        right = np.mean(scores.argmax(axis=1) == evaluation.labels)
        assert answer["metrics"]["accuracy"] == pytest.approx(right)
    else:
        rmse = np.sqrt(np.mean((outputs[:, 0] - evaluation.labels) ** 2))
        assert answer["metrics"]["rmse"] == pytest.approx(rmse)


def test_the_metrics_are_the_same_when_the_rows_are_read_in_pieces(served, monkeypatch):
    project, answer, _ = served
    learner, weights, store, rule = opened(project)
    rows = replace(store, read_whole=0).evaluation()
    assert isinstance(rows, SortedRows) and len(rows) > 8
    monkeypatch.setattr(serving_evaluate, "ASKED_AT_ONCE", 4)
    found = evaluate(KerasParts(learner), weights, rows, aggregate=rule)
    assert flat(found) == pytest.approx(flat(answer["metrics"]), rel=1e-5)


def flat(metrics):
    """Metrics by the way to each number in them."""
    if not isinstance(metrics, dict | list):
        return {"": metrics}
    pairs = metrics.items() if isinstance(metrics, dict) else enumerate(metrics)
    return {f"{name} {way}": one for name, some in pairs for way, one in flat(some).items()}


def test_a_model_needs_its_columns_to_predict(served, write_csv):
    from lineage_store.errors import BadInput

    project, _, _ = served
    with pytest.raises(BadInput, match="There is no column 'town'"):
        project.predict(write_csv([["age (years)", "score"], ["3", "4"]]))


def test_a_served_model_that_does_not_name_its_columns_is_told_so(tmp_path, write_csv):
    with pytest.raises(BadInput, match="does not say which columns it takes"):
        Predictions(tmp_path, ToPredict(data=write_csv([["a"], ["1"]])))


def ragged(tf, lists):
    return tf.ragged.constant(lists, dtype=tf.float32, ragged_rank=1)


def test_the_first_values_of_all_columns_are_read_by_the_same_few_operations():
    pin_tensorflow()
    import tensorflow as tf

    columns = [[[1.0], [], [3.0, 9.0]], [[], [], []], [[4.0], [5.0], [6.0]]]
    found = first_values([ragged(tf, column) for column in columns], float("nan")).numpy()
    assert np.array_equal(
        found, [[1, np.nan, 4], [np.nan, np.nan, 5], [3, np.nan, 6]], equal_nan=True
    )
    none = [ragged(tf, []) for _ in range(2)]
    assert first_values(none, float("nan")).shape == (0, 2)

    def operations(count):
        shape = tf.RaggedTensorSpec([None, None], tf.float32, ragged_rank=1)
        graph = tf.function(lambda columns: first_values(columns, float("nan")))
        built = graph.get_concrete_function([shape] * count).graph
        return sum(op.type != "Placeholder" for op in built.get_operations())

    # Some for each of hundreds of columns once made a model slow to write and to load.
    assert operations(203) - operations(3) < 2 * 200
