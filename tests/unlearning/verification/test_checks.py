"""Law 6: a check must be able to fail, and says so of a model that was never unlearned."""

import re
import shutil
import sqlite3

import pytest

from fixtures import SMALL_MODEL
from fixtures.keeps_the_old import KeepsTheOld
from lineage_store.canonical import canonical_json, digest_file, read_json
from lineage_store.cells.snapshot import load_snapshot
from lineage_store.errors import BadInput, CheckFailed, MissingVerdict
from lineage_store.graph.node import LineageNode
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from lineage_store.tensors import load_state, save_state, weights_digest
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from pipelines.runs.find_rows import ForgetRequest, find
from unlearning.fitting.fit import fit_twin
from unlearning.planning.choice import WantedResult
from unlearning.planning.plan import AffectedModel, Fingerprints, plan_model
from unlearning.strategies.amnesiac import Amnesiac
from unlearning.strategies.strategy import Situation
from unlearning.verification.checks import Unlearned, check
from unweave.api.project import Project

ROWS = [["person", "x", "y", "label"]]
ROWS += [[f"p{n % 23}", f"{n % 11}.5", ("a", "b", "c")[n % 3], str(n % 2)] for n in range(400)]
OPTIONS = {"label": "label", "subject": "person", "shards": 3, "slices": 2, "epochs": 6,
           "batch_size": 4, "module": SMALL_MODEL}  # fmt: skip


@pytest.fixture(scope="module")
def original(tmp_path_factory, write_csv):
    folder = tmp_path_factory.mktemp("checks")
    root, key = folder / "workspace", folder / "key"
    key.write_bytes(b"always the same places in the same shards")
    key.chmod(0o600)
    project = Project(root, backend=DirectBackend(), reveal=True)
    project.train(write_csv(ROWS), record="all", key_file=key, **OPTIONS)
    return root


@pytest.fixture
def workspace(original, tmp_path):
    return shutil.copytree(original, tmp_path / "workspace")


def forget(workspace, guarantee, **options):
    if guarantee == "approximate":
        options["strategy"] = "amnesiac"
    backend = KeepsTheOld()
    project = Project(workspace, backend=backend, reveal=True)
    answer = project.forget(["p3"], guarantee=guarantee, **options)
    (plan,) = backend.plans
    folder = workspace / "tfx" / "forget-r1" / "m1"
    old = open_ledger(workspace.parent / "ledger-m1")
    return answer, plan, old, open_ledger(folder / "ledger"), folder / "rows"


@pytest.mark.parametrize("guarantee", ["exact", "approximate"])
def test_every_check_passes_on_the_result_and_none_on_the_untouched_model(workspace, guarantee):
    answer, plan, old, new, rows = forget(workspace, guarantee)
    outcomes = {item["name"]: item["outcome"] for item in answer["checks"]}
    assert list(outcomes.values()) == ["passed"] * (3 if guarantee == "exact" else 2)
    untouched = check(Unlearned(plan=plan, old=old, new=old, store=open_rows(rows)))
    assert not untouched.passed
    assert [item.outcome for item in untouched.checks][1] == "failed"
    assert check(Unlearned(plan=plan, old=old, new=new, store=open_rows(rows))).passed


def test_the_twin_passes_every_check_of_an_exact_result(workspace, tmp_path):
    _, plan, old, new, rows = forget(workspace, "exact")
    twin = fit_twin(plan, old=old, rows=rows, folder=tmp_path / "twin")
    report = check(Unlearned(plan=plan, old=old, new=new, store=open_rows(rows)), twin=twin)
    assert [item.outcome for item in report.checks] == ["passed"] * 4
    assert (report.basis, report.distance) == ("by replay", 0.0)
    assert report.distance_untouched > 0
    against_old = check(Unlearned(plan=plan, old=old, new=old, store=open_rows(rows)), twin=twin)
    assert [item.outcome for item in against_old.checks][1:] == ["failed"] * 3


def test_a_replay_says_how_far_an_approximate_result_is(workspace):
    answer, *_ = forget(workspace, "approximate", replay=True)
    assert answer["distance_to_twin"] > 0
    assert answer["distance_untouched"] > 0
    assert answer["basis"] is None


def test_a_deletion_without_a_trained_row_is_uninformative_and_never_verified(tmp_path, write_csv):
    project = Project(tmp_path / "workspace", backend=DirectBackend(), reveal=True)
    lone = [[f"lone{n}", "1.5", "a", "1"] for n in range(60)]
    project.train(write_csv([*ROWS, *lone]), **OPTIONS)
    name = next(
        f"lone{n}"
        for n in range(60)
        if project.trace_subject(f"lone{n}")["models"][0]["splits"] == {"eval": 1}
    )
    answer = project.forget([name])
    assert answer["weights_digest_before"] == answer["weights_digest_after"]
    assert answer["rows_found"] == 1
    assert answer["learnt"] is False
    assert "uninformative" in [item["outcome"] for item in answer["checks"]]


def tampered(path):
    loaded = load_state(path)
    name = next(key for key in loaded if key.endswith("bias"))
    loaded[name] = loaded[name] + 1
    path.unlink()
    return save_state(path, loaded)


def test_a_changed_checkpoint_stops_the_run_and_nothing_is_erased(workspace):
    project = Project(workspace, backend=DirectBackend(), reveal=True)
    plan = project.plan(["p3"])["plans"][0]
    kept = next(d["shard"] for d in plan["shards"] if d["action"] == "kept")
    ledger = workspace / "tfx" / "train-m1" / "ledger"
    tampered(ledger / "shards" / f"{kept:03d}" / "stage-01.safetensors")
    before = project.models()
    with pytest.raises(CheckFailed, match=r"checkpoint of stage 1 of shard"):
        project.forget(["p3"])
    assert project.models() == before
    assert project.trace_subject("p3")["models"][0]["rows"] > 0
    assert project.status()["unfinished"] == []


def test_a_ledger_rewritten_to_fit_a_changed_checkpoint_is_not_the_signed_one(workspace):
    project = Project(workspace, backend=DirectBackend(), reveal=True)
    shard = workspace / "tfx" / "train-m1" / "ledger" / "shards" / "000"
    record = read_json(shard / "stage-01.json")
    record["checkpoint_digest"] = tampered(shard / "stage-01.safetensors")
    assert record["checkpoint_digest"] == digest_file(shard / "stage-01.safetensors")
    (shard / "stage-01.json").write_bytes(canonical_json(record))
    with pytest.raises(CheckFailed, match="not the one that was recorded"):
        project.forget(["p3"])


def test_an_edited_event_log_stops_the_run(workspace):
    with sqlite3.connect(workspace / "unweave.sqlite") as connection:
        connection.execute("DROP TRIGGER events_never_change")
        connection.execute("UPDATE events SET time = 'yesterday' WHERE seq = 1")
    with pytest.raises(CheckFailed):
        Project(workspace, backend=DirectBackend(), reveal=True).forget(["p3"])


def test_a_descendant_that_nobody_decides_on_stops_the_run_before_anything_changes(workspace):
    class WithAStranger(DirectBackend):
        def descendants(self, workspace, record):
            known = super().descendants(workspace, record)
            return [*known, LineageNode(999, "somebody.Report", "", record.id)]

    before = {p: digest_file(p) for p in workspace.rglob("*") if p.is_file()}
    with pytest.raises(MissingVerdict, match=r"somebody\.Report"):
        Project(workspace, backend=WithAStranger(), reveal=True).forget(["p3"])
    assert before == {p: digest_file(p) for p in workspace.rglob("*") if p.is_file()}


def test_every_node_of_the_lineage_has_exactly_one_verdict(workspace):
    project = Project(workspace, backend=DirectBackend(), reveal=True)
    plan = project.plan(["p3"])
    opened = open_workspace(workspace)
    connection = read_index(opened.index_file)
    nodes = DirectBackend().descendants(opened, find_model(connection))
    connection.close()
    assert sum(item["count"] for item in plan["verdicts"]) == len(nodes)


def test_a_dry_run_changes_no_byte(workspace):
    before = {p: digest_file(p) for p in workspace.rglob("*") if p.is_file()}
    project = Project(workspace, backend=DirectBackend(), reveal=True)
    assert project.plan(["p3"])["steps_planned"] > 0
    assert project.plan(["p3"], strategy="amnesiac")["steps_planned"] == 0
    assert before == {p: digest_file(p) for p in workspace.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("code", "environment", "words"),
    [
        ("another", {}, "the code that trains is not the code that trained this model"),
        (None, {"threads": 7}, "environment differs from the one .* \\(threads\\)"),
    ],
)
def test_other_code_or_another_environment_retrains_all_shards_and_says_why(
    workspace, code, environment, words
):
    ledger = open_ledger(workspace / "tfx" / "train-m1" / "ledger")
    found = rows_to_delete(workspace)
    model = AffectedModel(
        id="m1",
        ledger=ledger,
        snapshot=load_snapshot(workspace / "data" / "m1"),
        store=open_rows(workspace / "tfx" / "train-m1" / "rows"),
        descendants=[],
    )
    today = Fingerprints(code or ledger.header.code, {**ledger.header.environment, **environment})
    plan = plan_model(
        model, model_after="m2", deleted=found, asked=WantedResult(), today=today, derived_until=""
    )
    assert re.search(words, plan.why)
    assert plan.affected_shards == [0, 1, 2]
    assert plan.steps_planned == plan.steps_full
    with pytest.raises(BadInput, match="ask for `guarantee` exact"):
        Amnesiac().decide(Situation(ledger, {}, [[1, 1]] * 3, fresh_start=plan.why))


def rows_to_delete(workspace):
    opened = open_workspace(workspace)
    connection = read_index(opened.index_file)
    try:
        request = ForgetRequest(("p3",))
        return find(connection, opened, request, opened.keys()).rows["m1"]
    finally:
        connection.close()


def test_subtraction_without_recorded_updates_is_refused_with_what_to_do(tmp_path, write_csv):
    project = Project(tmp_path / "workspace", backend=DirectBackend(), reveal=True)
    project.train(write_csv(ROWS), **OPTIONS)
    with pytest.raises(BadInput, match="`record` all or regenerate, or ask for `guarantee` exact"):
        project.forget(["p3"], strategy="amnesiac")
    assert project.status()["requests"] == {}


def test_no_update_is_subtracted_twice(workspace):
    project = Project(workspace, backend=DirectBackend(), reveal=True)
    first = project.forget(["p3"], strategy="amnesiac")
    shard = first["affected_shards"][0]
    other = next(
        f"p{n}"
        for n in range(23)
        if n != 3 and project.trace_subject(f"p{n}")["models"][0]["shards"] == [shard]
    )
    plan = project.plan([other], strategy="amnesiac")["plans"][0]
    fresh = {p for d in plan["shards"] if d["shard"] == shard for p in d["positions"]}
    ledger = open_ledger(workspace / "tfx" / "forget-r1" / "m1" / "ledger")
    before = ledger.shard(shard).subtracted()
    assert before and fresh
    assert not fresh & before
    project.forget([other], strategy="amnesiac")
    after = open_ledger(workspace / "tfx" / "forget-r2" / "m2" / "ledger").shard(shard).subtracted()
    assert after == before | fresh


def test_a_start_that_was_adapted_to_a_later_slice_is_not_kept(workspace, tmp_path):
    """Shard 1 has no rows in slice 0: its start was adapted to slice 1, which loses rows."""
    store = open_rows(workspace / "tfx" / "train-m1" / "rows")
    assert store.counts[1][0] == 0 < store.counts[1][1], "the fixed key no longer gives this case"
    answer, plan, old, new, rows = forget(workspace, "exact")
    assert answer["affected_shards"] == [1]
    assert plan.shards[1].kept_stages == 0
    twin = fit_twin(plan, old=old, rows=rows, folder=tmp_path / "twin")
    assert weights_digest(new.final_weights()) == weights_digest(twin.final_weights())
