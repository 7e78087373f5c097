"""An approximate result is called approximate on every surface, and exact on none.

A chain is tried: a model whose first deletion is approximate and whose second one is too while
another shard stays corrected, and a model that was trained from it before. What an exact deletion
afterwards gives has no approximate part left, and may be called exact.
"""

import io
import json
import random
import shutil

import pytest

from fixtures import SMALL_MODEL
from lineage_store.canonical import read_json
from lineage_store.errors import BadInput, NothingFound
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model, models
from lineage_store.ledger.shards import open_ledger
from lineage_store.log import events as eventlog
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.verification.report_file import load_reports
from unweave import Project, verify
from unweave.text import answers as text
from unweave.text.lineage_answers import traced_model

OPTIONS = {"label": "label", "subject": "person", "slices": 2, "epochs": 4, "batch_size": 8,
           "record": "all", "module": SMALL_MODEL}  # fmt: skip
STRATEGIES = ("amnesiac", "amnesiac-marginal")
EACH = [pytest.param(STRATEGIES[0]), STRATEGIES[1]]


def lines(seed):
    draw = random.Random(seed)
    yield ["person", "a", "b", "label"]
    for number in range(240):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        yield [f"p{number % 24}", f"{a:.3f}", f"{b:.3f}", "yes" if a > b else "no"]


@pytest.fixture(scope="module")
def given(write_csv):
    return write_csv(list(lines(1)))


@pytest.fixture(scope="module")
def original(given, write_csv, tmp_path_factory):
    """A model, and one that was trained from it on rows of other people."""
    folder = tmp_path_factory.mktemp("never")
    (folder / "key").write_bytes(bytes(range(32)))
    (folder / "key").chmod(0o600)
    project = Project(folder / "workspace", backend=DirectBackend())
    project.train(given, shards=2, key_file=folder / "key", **OPTIONS)
    others = [[f"q{row[0]}", *row[1:]] if row[0] != "person" else row for row in lines(2)]
    project.train(write_csv(others), base="m1", **OPTIONS)
    return project.root


@pytest.fixture(scope="module", params=EACH)
def approximate(original, tmp_path_factory, request):
    """Two approximate deletions in different shards, with the base's descendant replaced too.

    Never written to after this.
    """
    root = shutil.copytree(original, tmp_path_factory.mktemp("approximate") / "workspace")
    project = Project(root, backend=DirectBackend())
    answers = [project.forget([someone(project, shard)], strategy=request.param)
               for shard in (0, 1)]  # fmt: skip
    return project, answers


@pytest.fixture
def copied(approximate, tmp_path):
    """A copy to change."""
    root = shutil.copytree(approximate[0].root, tmp_path / "workspace")
    return Project(root, backend=DirectBackend())


def someone(project, shard):
    """Name someone with trained rows in the first slice of a shard of the base."""
    for number in range(24):
        try:
            (touched,) = project.trace_subject(f"p{number}")["models"]
        except NothingFound:
            continue
        places = [(one["shard"], one["slice"]) for one in touched["slices"]]
        if places == [(shard, 0)] and touched["batches"]:
            return f"p{number}"
    raise AssertionError("nobody has such a place")


def records(project):
    connection = read_index(project.root / "unweave.sqlite")
    try:
        return models(connection)
    finally:
        connection.close()


def shown(parts):
    """Return an answer's text as it is printed."""
    from rich.console import Console

    console = Console(width=400, record=True, file=io.StringIO())
    for part in parts:
        console.print(part, markup=False)
    return console.export_text()


def says_approximate(answer):
    """Check that something told speaks of an approximate result, and of none that is exact."""
    answer = answer if isinstance(answer, str) else json.dumps(answer)
    assert "approximate" in answer, answer
    for claim in ('"exact"', "is exact", "exact, by", "retrained exactly"):
        assert claim not in answer, answer
    return True


def test_the_answer_and_the_text_of_forget(approximate):
    for answer in approximate[1]:
        assert [one["guarantee"] for one in answer["models"]] == ["approximate"] * 2
        assert answer["guarantee"] == "approximate"
        assert all(one["basis"] is None for one in answer["models"])
        says_approximate({k: v for k, v in answer.items() if k != "verdicts"})
        says_approximate(shown(text.forgotten(answer)))


def test_the_plan_and_its_text(original, tmp_path):
    project = Project(shutil.copytree(original, tmp_path / "ws"), backend=DirectBackend())
    for strategy in STRATEGIES:
        answer = project.plan([someone(project, 0)], strategy=strategy)
        assert {one["guarantee"] for one in answer["plans"]} == {"approximate"}
        says_approximate(shown(text.planned(answer)))


def test_the_lists_of_models_and_the_status(approximate):
    project, _ = approximate
    listed = project.models()
    live = [one for one in listed if one["state"] == "live"]
    assert [one["guarantee"] for one in live] == ["approximate"] * 2
    assert {one["guarantee"] for one in listed} == {"approximate", "trained"}
    says_approximate(shown(text.models({"models": live, "all": False})))
    status = project.status()
    assert {one["model"] for one in status["derived"]} == {one["model_id"] for one in live}
    says_approximate(status["derived"])
    says_approximate(shown(text.status(status)))


def test_the_trace_of_a_model_and_the_questions(approximate):
    project, _ = approximate
    for record in records(project):
        if record.state != "live":
            continue
        answer = project.trace_model(record.id)
        assert answer["guarantee"] == "approximate"
        says_approximate(shown(traced_model(answer)))
        free = project.ask.free(record.id)
        assert free["free"] is False
        says_approximate(free)
        deployed = project.ask.deployed(record.id)
        assert {one["guarantee"] for one in deployed["versions"]} <= {"approximate", "trained"}


def test_a_prediction_says_which_guarantee_its_model_has(approximate, given, capsys):
    project, _ = approximate
    answer = project.predict(given)
    assert answer["guarantee"] == "approximate"
    from unweave.options.shared import show

    show(answer, False, "predicted")
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    says_approximate(printed.err)
    assert printed.out.startswith("line,prediction,probability_")  # and nothing that is no CSV


def test_the_certificate_the_receipt_and_what_verify_says(approximate):
    project, answers = approximate
    for answer in answers:
        proof = verify(answer["certificate"], public_key=answer["public_key"])
        assert proof["ok"]
        for change in proof["models"]:
            assert change["guarantee"] == "approximate" and "basis" not in change
            assert change["distance_to_twin"] == "unmeasured"
        says_approximate(shown(text.verified(proof)))
        receipts = open_workspace(project.root).receipts()
        receipt = receipts.read(answer["request_id"], today="2026-11-30")
        assert set(receipt["guarantees"].values()) == {"approximate"}


def test_the_check_reports(approximate):
    project, answers = approximate
    workspace = open_workspace(project.root)
    for answer in answers:
        reports = load_reports(workspace, answer["request_id"])
        assert reports and all(one.guarantee == "approximate" for one in reports.values())
        for before in reports:
            file = workspace.request(answer["request_id"]).checks(before)
            says_approximate(read_json(file))


def test_the_event_log(approximate):
    project, _ = approximate
    connection = read_index(project.root / "unweave.sqlite")
    try:
        events = list(eventlog.events(connection))
    finally:
        connection.close()
    made = {e.body["model"]: e.body["guarantee"] for e in events if e.kind == "model made"}
    assert made == {"m1": "trained", "m2": "trained", **dict.fromkeys(
        ("m3", "m4", "m5", "m6"), "approximate")}  # fmt: skip
    for event in events:
        if event.kind == "rows deleted":
            assert set(event.body["guarantees"].values()) == {"approximate"}


def test_nothing_can_be_trained_from_it_and_no_strategy_of_its_kind_be_asked_for_as_exact(
    approximate, given
):
    project, _ = approximate
    with pytest.raises(BadInput, match="is approximate, and nothing exact could be trained"):
        project.train(given, base="m5", **OPTIONS)
    for strategy in STRATEGIES:
        with pytest.raises(BadInput, match="gives approximate results, not exact ones"):
            project.forget([someone(project, 0)], strategy=strategy, guarantee="exact")


def test_with_a_twin_trained_it_stays_approximate_whatever_the_distance(original, tmp_path):
    project = Project(shutil.copytree(original, tmp_path / "ws"), backend=DirectBackend())
    answer = project.forget([someone(project, 0)], guarantee="approximate", replay=True, repair=1)
    assert [one["guarantee"] for one in answer["models"]] == ["approximate"] * 2
    # The descendant's twin would start from the twin base, which there is not.
    base, descendant = answer["models"]
    assert base["relative_distance"] is not None and base["basis"] is None
    assert descendant["relative_distance"] is None and "unmeasured" in descendant["closeness"]
    says_approximate(shown(text.forgotten(answer)))


def test_an_approximate_deletion_elsewhere_leaves_what_was_corrected_approximate(approximate):
    """Only one shard changes in the second deletion, and the whole is still approximate."""
    project, (_, second) = approximate
    (base, _) = second["models"]
    assert len(base["affected_shards"]) == 1
    connection = read_index(project.root / "unweave.sqlite")
    try:
        record = find_model(connection, base["model_after"])
    finally:
        connection.close()
    ledger = open_ledger(project.root / record.paths["ledger"])
    assert all(shard.subtracted() for shard in ledger.shards())
    assert record.guarantee == "approximate"


def test_an_exact_deletion_of_a_row_of_any_shard_ends_all_that_is_approximate(copied):
    project = copied
    answer = project.forget([someone(project, 0)])
    assert [one["guarantee"] for one in answer["models"]] == ["exact", "exact"]
    for record in records(project):
        if record.state == "live":
            ledger = open_ledger(project.root / record.paths["ledger"])
            assert not any(shard.subtracted() for shard in ledger.shards())
    assert project.status()["derived"] == []


def test_a_row_of_the_descendant_alone_makes_its_base_exact_too(copied):
    project = copied
    answer = project.forget(["qp3"])
    assert {one["model_before"] for one in answer["models"]} == {"m5", "m6"}
    assert {one["guarantee"] for one in answer["models"]} == {"exact"}
