"""What parts answered is taken over by a deletion, and what comes of it is what all parts, asked
anew, come to; what is not as it was is asked again."""

import os
import shutil

import numpy as np
import pytest

from lineage_store.canonical import read_json
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from pipelines.backends.direct import DirectBackend
from unlearning.fitting.fit import METRICS_FILE
from unlearning.fitting.shard_task import learner_of
from unlearning.serving.aggregation import aggregation_or_default
from unlearning.serving.evaluate import evaluate
from unlearning.serving.kept_answers import FOLDER, known_answers
from unweave.api.project import Project

ROWS = [["person", "x", "y", "label"]]
ROWS += [[f"p{n}", f"{n % 11}.5", ("a", "b", "c")[n % 3], str(n * n % 2)] for n in range(300)]
OF_EVALUATION, OF_TRAINING = "p0", "p1"
SECRET = b"a secret by which some people are of the evaluation split"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, write_csv):
    folder = tmp_path_factory.mktemp("answers")
    key = folder / "key"
    key.write_bytes(SECRET)
    key.chmod(0o600)
    Project(folder / "ws", backend=DirectBackend()).train(
        write_csv(ROWS), label="label", subject="person", model_family="naive-bayes", shards=3,
        key_file=key,
    )  # fmt: skip
    return folder / "ws"


@pytest.fixture
def workspace(trained, tmp_path):
    """A copy in which what was trained is links: with the inodes that are written down."""
    return shutil.copytree(trained, tmp_path / "ws", copy_function=linked)


def linked(source, target):
    """Link what is never written to again, and copy the rest."""
    (os.link if f"{os.sep}tfx{os.sep}" in source else shutil.copy2)(source, target)


def ledger_in(root, run):
    (header,) = (root / "tfx" / run).rglob("header.json")
    return open_ledger(header.parent)


def forgotten(root, person):
    """Forget a person; return the metrics that the run wrote, and those of all parts asked anew."""
    Project(root, backend=DirectBackend()).forget([person])
    ledger = ledger_in(root, "forget-r1")
    (rows,) = (root / "tfx" / "forget-r1").rglob("rows.json")
    store = open_rows(rows.parent)
    learner = learner_of(ledger, store)()
    rule = aggregation_or_default("mean", task=learner.task)
    anew = evaluate(learner, ledger.final_weights(), store.evaluation(), aggregate=rule)
    return read_json(ledger.folder / METRICS_FILE), anew


@pytest.mark.parametrize("person", [OF_TRAINING, OF_EVALUATION])
def test_what_is_told_of_kept_answers_is_what_all_parts_say_anew(workspace, person):
    was = read_json(ledger_in(workspace, "train-m1").folder / METRICS_FILE)
    metrics, anew = forgotten(workspace, person)
    assert metrics == anew
    assert metrics["rows"] == was["rows"] - (person == OF_EVALUATION)
    assert len(known_answers(ledger_in(workspace, "forget-r1").folder / FOLDER)) == 3


@pytest.mark.parametrize("touched", [False, True])
def test_answers_of_parts_that_did_not_change_are_not_asked_for_again(workspace, touched):
    """Wrong ones are believed if their files are those that there were: inode, size and time."""
    for file in (ledger_in(workspace, "train-m1").folder / FOLDER).glob("*.npy"):
        before, content = file.stat(), np.load(file)
        with file.open("r+b") as stream:
            stream.seek(-content.nbytes, os.SEEK_END)
            stream.write(content[:, ::-1].tobytes())
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + touched))
    metrics, anew = forgotten(workspace, OF_TRAINING)
    assert (metrics == anew) == touched
