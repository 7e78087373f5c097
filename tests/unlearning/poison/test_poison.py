"""The poison detectors: known poison is found, clean data accuses nobody, nothing is deleted."""

import csv
import json
import math
import random
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fixtures.warm_python import warm_python
from lineage_store.errors import BadInput
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.poison.example_loss import CLIPPED, example_losses, held_out
from unlearning.poison.provenance import LEVEL, judge_sources, sign_test
from unlearning.poison.ranking import highest, highest_of_each
from unlearning.poison.spectral_signature import spectral_scores
from unweave import Project

SCORES = arrays(np.float64, st.integers(1, 60), elements=st.floats(-5, 5).map(lambda x: x + 0.0))
OF_STEPS = {"slices": 1, "epochs": 8, "batch_size": 16}
OPTIONS = {"label": "label", "row_id": "ref", **OF_STEPS}
POISONED = frozenset(f"ref-{n:04d}" for n in range(0, 600, 20))
BAD_SOURCE = "Vendor-Quernmoor"


@given(SCORES, st.floats(0.01, 0.5))
def test_the_highest_are_as_many_as_the_share_and_none_left_out_is_higher(scores, share):
    found = highest(scores, share)
    assert len(found) == int(share * len(scores)) == len(set(found.tolist()))
    left = np.delete(scores, found)
    assert not len(found) or scores[found].min() >= left.max()
    assert np.all(np.diff(scores[found]) <= 0)


@pytest.mark.parametrize("share", [0, -0.1, 0.6, math.nan])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(BadInput):
        highest(np.zeros(4), share)


def test_of_each_class_its_own_highest_are_taken():
    classes = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32)
    scores = np.array([1, 9, 2, 3, 100, 400, 200, 300.0])
    assert highest_of_each(scores, classes, 0.25).tolist() == [1, 5]


def test_a_loss_is_the_logarithm_of_the_labels_probability():
    answers = np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]])
    losses = example_losses(answers, np.array([0, 0, 0], np.int32))
    assert losses == pytest.approx([math.log(2), math.log(4), -math.log(CLIPPED)])


def test_a_held_out_answer_does_not_hang_on_the_member_that_saw_the_rows():
    draw = np.random.default_rng(0)
    answers = [draw.dirichlet([1, 1, 1], 20) for _ in range(4)]
    before = held_out(answers, own=2)
    answers[2] = draw.dirichlet([1, 1, 1], 20)
    assert np.array_equal(held_out(answers, own=2), before)
    assert not np.array_equal(held_out(answers, own=1), before)
    assert np.array_equal(held_out(answers[:1], own=0), answers[0])


def planted(seed, *, gap):
    """Two classes of points; of the second, 20 of 400 lie apart by `gap` standard deviations."""
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(800, 12)) * 0.7
    classes = np.repeat([0, 1], 400).astype(np.int32)
    direction = draw.normal(size=12)
    points[780:] += gap * direction / np.linalg.norm(direction)
    return points, classes


@pytest.mark.parametrize("seed", range(5))
def test_spectral_signatures_find_what_lies_apart_within_its_class(seed):
    points, classes = planted(seed, gap=8)
    found = set(highest_of_each(spectral_scores(points, classes), classes, 0.05).tolist())
    assert found >= set(range(780, 800))
    control, _ = planted(seed, gap=0)  # the same points where none lies apart
    found = set(highest_of_each(spectral_scores(control, classes), classes, 0.05).tolist())
    assert len(found & set(range(780, 800))) < 8


@given(st.integers(0, 10_000))
def test_spectral_scores_hang_neither_on_the_axes_nor_on_the_origin(seed):
    draw = np.random.default_rng(seed)
    points, classes = planted(seed, gap=6)
    turned, _ = np.linalg.qr(draw.normal(size=(12, 12)))
    moved = points @ turned + draw.normal(size=12)
    assert np.allclose(spectral_scores(points, classes), spectral_scores(moved, classes), rtol=1e-6)


def test_spectral_scores_are_those_of_the_singular_vector():
    points, classes = planted(3, gap=6)
    for one in (0, 1):
        centred = points[classes == one] - points[classes == one].mean(axis=0)
        vector = np.linalg.svd(centred, full_matrices=False)[2][0]
        wanted = (centred @ vector) ** 2
        found = spectral_scores(points, classes)[classes == one]
        assert np.allclose(found, wanted / wanted.mean())


def test_the_sign_test_is_the_binomial_tail():
    assert sign_test(0, 0) == 1
    assert sign_test(5, 0) == 1 / 32
    assert sign_test(1, 1) == 0.75
    assert sign_test(1500, 1000) == pytest.approx(math.erfc(9.98 / math.sqrt(2)) / 2, rel=0.05)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_and_its_mirror_cover_all_outcomes(gained, lost):
    both = sign_test(gained, lost) + sign_test(lost + 1, gained - 1) if gained else 1.0
    assert both == pytest.approx(1)


def test_chance_seldom_accuses_a_source_and_harm_does():
    draw = np.random.default_rng(1)
    accused = 0
    for _ in range(200):
        with_all = draw.random(300) < 0.9
        fair = [
            np.where(draw.random(300) < 0.05, draw.random(300) < 0.5, with_all) for _ in range(5)
        ]
        accused += any(v.suspect for v in judge_sources(with_all, fair, [60] * 5))
    assert accused <= 200 * LEVEL + 6
    with_all = draw.random(300) < 0.8
    better = with_all | (draw.random(300) < 0.3)
    verdicts = judge_sources(with_all, [with_all, better, with_all], [60] * 3)
    assert [one.suspect for one in verdicts] == [False, True, False]
    assert verdicts[1].accuracy_without > verdicts[1].accuracy_with


def table(*, flipped=(), number=600):
    """Rows whose label follows from two numbers, but for those that are flipped."""
    draw = random.Random(7)
    yield ["ref", "vendor", "a", "b", "place", "label"]
    for row in range(number):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        label = a + b > 0
        ref = f"ref-{row:04d}"
        vendor = BAD_SOURCE if row % 5 < 2 else f"Vendor-{row % 5}"
        if ref in flipped:
            label = not label
        place = draw.choice(["Ulm", "Bonn", "Hof"])
        yield [ref, vendor, f"{a:.4f}", f"{b:.4f}", place, "high" if label else "low"]


def write(path, lines):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines)
    return path


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory):
    """A model of three shards on rows of which one in twenty has a flipped label."""
    here = tmp_path_factory.mktemp("poisoned")
    file = write(here / "rows.csv", table(flipped=POISONED))
    project = Project(here / "ws", backend=DirectBackend())
    project.train(file, shards=3, drop=["vendor"], **OPTIONS)
    return project, file


def test_flipped_labels_are_proposed_and_nothing_else_happens(poisoned, tmp_path):
    project, file = poisoned
    before = {p: p.read_bytes() for p in project.root.rglob("*") if p.is_file()}
    answer = project.detect(file, row_id="ref", share=0.06, propose=tmp_path / "proposed.json")
    proposal = json.loads((tmp_path / "proposed.json").read_text())
    assert set(proposal) == {"rows", "reason"}
    found = set(proposal["rows"])
    assert len(found) == answer["proposed"] == int(0.06 * answer["rows"])
    keys, held = open_workspace(project.root).keys(), keys_of(project)
    trained = {one for one in POISONED if keys.row_key(kind="id", value=one.encode()) in held}
    assert len(found & trained) >= 0.8 * len(trained)
    assert stat.S_IMODE((tmp_path / "proposed.json").stat().st_mode) == 0o600
    assert "ref-" not in json.dumps(answer)
    after = {p: p.read_bytes() for p in project.root.rglob("*") if p.is_file()}
    assert {p: b for p, b in after.items() if "sqlite-" not in p.name} == before


def test_what_is_filed_waits_for_somebody_unless_the_policy_lets_it_run(poisoned, tmp_path):
    original, file = poisoned
    root = shutil.copytree(original.root, tmp_path / "ws")
    project = Project(root, backend=DirectBackend())
    answer = project.detect(file, row_id="ref", share=0.06, queue=True)
    assert (answer["request"], answer["state"]) == ("q1", "proposal")
    assert project.requests.run()["runs"] == []
    project.requests.set_policy(replace(project.requests.policy, detectors_run=True))
    again = project.detect(file, row_id="ref", share=0.05, queue=True)
    assert (again["request"], again["state"]) == ("q2", "waiting")
    (run,) = project.requests.run()["runs"]
    assert run["requests"] == ["q2"] and run["rows_found"] == again["proposed"]
    assert project.requests.show("q1")["state"] == "proposal"


def keys_of(project):
    workspace, record = open_workspace(project.root), record_of(project)
    store = open_rows(workspace.absolute(record.paths["rows"]))
    return {k.tobytes() for shard in range(3) for k in store.stage_rows(shard, 0).row_keys}


def record_of(project):
    connection = read_index(open_workspace(project.root).index_file)
    try:
        return find_model(connection)
    finally:
        connection.close()


def test_the_last_hidden_layer_is_what_the_last_layer_is_given(poisoned):
    from unlearning.keras_learning.last_hidden import last_hidden
    from unlearning.keras_learning.make import make_learner
    from unlearning.training.config import config_of, module_source

    project, _ = poisoned
    workspace, record = open_workspace(project.root), record_of(project)
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    store = open_rows(workspace.absolute(record.paths["rows"]))
    learner = make_learner(
        module_source(ledger), name=config_of(ledger).module, store=store, seed=0
    )
    rows, weights = store.slice_rows(1, 0), ledger.final_weights()[1]
    hidden = last_hidden(learner, weights, rows)
    kernel, bias = [weights[name] for name in sorted(weights)][-2:]
    if kernel.ndim == 1:
        kernel, bias = bias, kernel
    scores = np.exp(hidden @ kernel + bias)
    shares = scores / scores.sum(axis=1, keepdims=True)
    assert np.allclose(shares, learner.predict(weights, rows), atol=1e-5)


def test_the_spectral_method_proposes_rows_of_every_class(poisoned, tmp_path):
    project, file = poisoned
    answer = project.detect(
        file, row_id="ref", method="spectral", share=0.04, propose=tmp_path / "p.json"
    )
    refs = set(json.loads((tmp_path / "p.json").read_text())["rows"])
    labels = {line[5] for line in table(flipped=POISONED) if line[0] in refs}
    assert labels == {"high", "low"}
    assert 0 < answer["proposed"] <= 0.06 * answer["rows"]


def test_a_model_that_takes_no_steps_is_asked_what_it_can_answer(tmp_path):
    """Naive Bayes has losses and can be learnt again; there is nothing in it to look at besides."""
    file = write(tmp_path / "rows.csv", table(flipped=POISONED))
    trusted = write(tmp_path / "trusted.csv", table(number=300))
    project = Project(tmp_path / "ws", backend=DirectBackend())
    options = {"label": "label", "row_id": "ref", "drop": ["vendor"]}
    project.train(file, model_family="naive-bayes", shards=3, **options)
    proposed = tmp_path / "proposed.json"
    assert project.detect(file, row_id="ref", share=0.1, propose=proposed)["held_out"]
    refs = set(json.loads(proposed.read_text())["rows"])
    assert len(refs & POISONED) > 5 * len(POISONED) * 0.1  # by chance a tenth
    with pytest.raises(BadInput, match="makes nothing of a row before it answers"):
        project.detect(file, row_id="ref", method="spectral")
    asked = {"method": "provenance", "trusted": trusted, "source": "vendor"}
    sources = project.detect(file, row_id="ref", **asked)["sources"]
    assert len(sources) == 4 and all(one["accuracy_with"] > 0.7 for one in sources)


@pytest.mark.parametrize("bad", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"model_family": "naive-bayes"}, id="sums"),
        pytest.param(OF_STEPS, id="keras"),
    ],
)
def test_provenance_accuses_the_source_that_harms_and_no_other(tmp_path, bad, options):
    harmed = {line[0] for line in table() if line[1] == BAD_SOURCE and line[5] == "high"}
    flipped = harmed if bad else ()
    file = write(tmp_path / "rows.csv", table(flipped=flipped))
    head, *more = table(number=900)
    trusted = write(tmp_path / "trusted.csv", [head, *more[600:]])
    project = Project(tmp_path / "ws", backend=DirectBackend())
    project.train(file, label="label", row_id="ref", shards=2, drop=["vendor"], **options)
    arguments = ["detect", "--workspace", tmp_path / "ws", "--csv", file, "--row-id-column", "ref",
                 "--method", "provenance", "--trusted", trusted, "--source-column", "vendor",
                 "--propose", tmp_path / "p.json"]  # fmt: skip
    done = subprocess.run(
        [*warm_python(), "-W", "ignore", "-m", "unweave", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.returncode == (0 if bad else 3), done.stderr
    assert "Vendor" not in done.stdout + done.stderr
    assert done.stdout.count("  suspect") == bad
    assert (tmp_path / "p.json").exists() == bad
    assert not (tmp_path / "ws" / "tmp" / "detect").exists()
    if bad:
        refs = json.loads((tmp_path / "p.json").read_text())["rows"]
        assert set(refs) <= {line[0] for line in table() if line[1] == BAD_SOURCE}
        assert len(refs) > 180
        assert project.forget(refs, rows=True)["guarantee"] == "exact"


def test_what_does_not_fit_is_refused(poisoned, tmp_path):
    project, file = poisoned
    for options, message in (
        ({"method": "guess"}, "no method"),
        ({"method": "provenance"}, "needs `trusted`"),
        ({"trusted": file}, "go with `method` provenance"),
        ({"share": 0.7}, "at most 0.5"),
        ({"propose": tmp_path / "none" / "p.json"}, "make it first"),
        ({"row_id": "a"}, "not in the files given"),
        ({"row_id": "nothing"}, "no column"),
    ):
        with pytest.raises(BadInput, match=message):
            project.detect(file, **{"row_id": "ref", **options})
    with pytest.raises(BadInput, match="trusted file"):
        empty = write(tmp_path / "empty.csv", [["a", "b", "place", "label"]])
        project.detect(file, row_id="ref", method="provenance", source="vendor", trusted=empty)
