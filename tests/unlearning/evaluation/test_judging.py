"""The evaluation within a deletion: it gates the push, is kept, and goes into the certificate."""

import base64
import json
import random
import re
import shutil
from functools import cache

import numpy as np
import pytest

import pipelines.backends.direct
from fixtures import SMALL_MODEL
from lineage_store.canonical import digest_file
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from pipelines.backends.direct import DirectBackend
from unlearning.evaluation.from_ledgers import ledgers_evaluated
from unlearning.evaluation.policy import Policy
from unlearning.evaluation.push_gate import evaluate_and_keep, past_evaluation
from unweave.api.project import Project

FORGOTTEN = [f"person-{n}" for n in range(6)]


def table(*, late_column=False):
    """Rows of forty people, whose labels are half noise."""
    draw = random.Random(1)
    yield ["person", "colour", "size", "label"]
    for n in range(400):
        size = draw.random()
        label = "yes" if draw.random() < 0.25 + size / 2 else "no"
        person = f"person-{n % 40}"
        # A column that is text because of those who leave.
        late = "about half" if late_column and person in FORGOTTEN else f"{size:.3f}"
        yield [person, draw.choice("rgb"), late, label]


@pytest.fixture(scope="module")
def workspace_of(new_folder, write_csv):
    """Return a function that gives a workspace, trained once and never written to after this."""

    @cache
    def train(late_column, record):
        folder = new_folder()
        secret = folder / "key"
        secret.write_bytes(bytes(range(32)))  # so that rows lie where they lay yesterday
        secret.chmod(0o600)
        Project(folder / "ws", backend=DirectBackend(), reveal=True).train(
            write_csv(table(late_column=late_column)),
            label="label",
            subject="person",
            shards=2,
            slices=1,
            epochs=2,
            key_file=secret,
            record=record,
            module=None if late_column else SMALL_MODEL,  # that one takes numbers alone
        )
        return folder / "ws"

    return train


@pytest.fixture
def trained(tmp_path, workspace_of):
    """Return a function that copies a workspace with a model and puts a policy into it."""

    def train(policy, *, late_column=False, record="none"):
        shutil.copytree(workspace_of(late_column, record), tmp_path / "ws")
        project = Project(tmp_path / "ws", backend=DirectBackend(), reveal=True)
        if policy is not None:
            (project.root / "evaluation.json").write_text(json.dumps(policy))
        return project

    return train


def report(project, model="m1"):
    return json.loads((project.root / f"requests/r1/evaluation-{model}.json").read_text())


def certified(answer):
    with open(answer["certificate"], encoding="utf-8") as stream:
        envelope = json.load(stream)
    return json.loads(base64.b64decode(envelope["payload"]))["predicate"]["models"][0]


def test_an_exact_result_with_a_twin_passes_by_its_bits_and_is_certified(trained):
    project = trained({"at_least": "bits", "refuse_uninformative": True})
    answer = project.forget(FORGOTTEN, replay=True)
    found = report(project)
    assert (found["outcome"], found["rung"]) == ("passed", "bits")
    assert answer["evaluated"]["rungs"][0]["values"]["untouched"] == 0
    assert found["rungs"][0]["values"] == dict.fromkeys(("untouched", "unlearned", "retrained"))
    file = project.root / "requests/r1/evaluation-m1.json"
    judgement = {"outcome": "passed", "rung": "bits", "digest": digest_file(file)}
    assert answer["evaluation"] == judgement
    assert certified(answer)["evaluation"] == judgement
    assert not any((project.root / "tmp").glob("*"))  # the twin is gone


def test_without_a_policy_nothing_is_evaluated(trained):
    project = trained(None)
    answer = project.forget(FORGOTTEN, replay=True)
    assert answer["evaluation"] is None
    assert "evaluation" not in certified(answer)
    assert not list(project.root.glob("requests/*/evaluation-*"))


def test_without_a_twin_the_verdict_tells_nothing_and_the_policy_decides(trained):
    project = trained({"refuse_uninformative": True})
    before = project.models()
    with pytest.raises(CheckFailed, match="evaluated as uninformative, and the policy") as raised:
        project.forget(FORGOTTEN)
    assert "Nothing was erased" in str(raised.value)
    assert project.models() == before and project.status()["requests"] == {}
    (project.root / "evaluation.json").write_text("{}")
    answer = project.forget(FORGOTTEN)
    assert answer["evaluation"]["outcome"] == "uninformative"
    assert "No model retrained" in report(project)["missing"][0]


def test_subtracting_updates_ends_further_from_the_twin_than_doing_nothing_and_is_stopped(trained):
    project = trained({}, record="all")
    before = project.models()
    with pytest.raises(CheckFailed, match="relative distance: no nearer than doing nothing"):
        project.forget(FORGOTTEN, strategy="amnesiac", replay=True)
    assert project.models() == before


def test_a_deletion_that_did_nothing_is_stopped_and_nothing_is_erased(trained, monkeypatch):
    project = trained({})
    before = project.models()
    seen = {}

    def lazy(workspace, **given):
        """Judge the untouched model in the new one's place: the checks have let it through."""
        seen.update(given)
        sizes = {"old": given["old_rows"], "new": given["rows"]}
        seen["rows_of"] = {name: sum(map(sum, open_rows(f).counts)) for name, f in sizes.items()}
        (models,) = ledgers_evaluated(
            old=given["old"],
            new=given["new"],
            twin=None,
            rows=given["rows"],
            old_rows=given["old_rows"],
            policy=Policy(most_rows=100),
        ).values()
        seen["labels"] = models.labels
        return evaluate_and_keep(workspace, **{**given, "new": given["old"]})

    monkeypatch.setattr(pipelines.backends.direct, "evaluate_and_keep", lazy)
    with pytest.raises(CheckFailed, match="another model: an unlearned model is the untouched one"):
        project.forget(FORGOTTEN)
    assert project.models() == before
    gone = seen["rows_of"]["old"] - seen["rows_of"]["new"]
    assert len(seen["labels"]["forgotten"]) == gone > 30
    assert 98 <= len(seen["labels"]["retained"]) <= 102  # of more, by shard
    assert 0 < len(seen["labels"]["test"]) <= 100
    monkeypatch.undo()
    assert project.forget(FORGOTTEN)["model_after"] == "m2"


def test_models_that_read_other_columns_are_not_compared(trained):
    project = trained({}, late_column=True)
    project.forget(FORGOTTEN)
    found = report(project)
    assert found["outcome"] == "uninformative"
    assert "changed classes or types of columns" in found["why"]


def test_few_forgotten_rows_leave_no_number_about_them(trained):
    project = trained({})
    project.forget(FORGOTTEN[:1])
    findings = {finding["name"]: finding for finding in report(project)["findings"]}
    assert findings["attack by loss"]["measure"] is None
    assert "too few" in findings["attack by loss"]["detail"]
    assert "over-unlearning" not in findings and report(project)["measures"] == []
    assert report(project)["charts"] is None


def test_numbers_of_the_old_model_are_told_once_and_what_stays_has_words(trained, tmp_path):
    project = trained({})
    evaluated = project.forget(FORGOTTEN, replay=True)["evaluated"]
    assert evaluated["charts"] and evaluated["measures"]
    found = report(project)
    assert found == past_evaluation(evaluated) == past_evaluation(found)
    assert (found["charts"], found["measures"]) == (None, [])
    assert {one["measure"] for one in found["findings"]} == {None}
    said = [found["why"], *(one["detail"] for one in (*found["rungs"], *found["findings"]))]
    assert not [text for text in said if re.search(r"\d", text)]
    assert [one["outcome"] for one in found["rungs"]] == [
        one["outcome"] for one in evaluated["rungs"]
    ]
    project.report("r1", out=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "How the result was judged: passed" in page
    assert "ROC" not in page


def test_what_a_stopped_deletion_was_measured_to_be_is_not_kept(trained):
    project = trained({}, record="all")
    with pytest.raises(CheckFailed, match=r"relative distance: no nearer .*\d\.\d"):
        project.forget(FORGOTTEN, strategy="amnesiac", replay=True)
    (failure,) = project.ask.failures()["failures"]
    assert "relative distance: no nearer than doing nothing" in failure["message"]
    assert not re.search(r"\d", failure["message"])


def test_a_policy_that_does_not_fit_is_told_before_anything_is_recorded(trained):
    project = trained({"atleast": "bits"})
    with pytest.raises(BadInput, match="no demand 'atleast'"):
        project.forget(FORGOTTEN)
    assert project.status()["requests"] == {}


def test_answers_of_ledgers_are_those_of_the_served_model(trained, write_csv):
    project = trained({})
    ledger = open_ledger(project.root / "tfx/train-m1/ledger")
    rows = project.root / "tfx/train-m1/rows"
    (models,) = ledgers_evaluated(
        old=ledger, new=ledger, twin=ledger, rows=rows, old_rows=rows, policy=Policy()
    ).values()
    assert len(models.labels["forgotten"]) == 0
    run = models.runs["unlearned"][0]
    assert run.weights_digest == models.runs["retrained"][0].weights_digest
    served = project.predict(write_csv(table()))["probabilities"]
    answers = np.concatenate([run.answers["retained"], run.answers["test"]])
    assert np.sort(answers[:, 0]) == pytest.approx(np.sort([p for p, _ in served]), abs=1e-6)
