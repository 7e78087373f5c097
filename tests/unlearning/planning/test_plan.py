"""Plans: a verdict for every artifact, decided before anything is changed, and kept to."""

import csv
import hashlib
import json
import random
import shutil
from collections import Counter

import pytest

from fixtures import SMALL_MODEL
from lineage_store.canonical import canonical_json
from lineage_store.cells.snapshot import load_snapshot
from lineage_store.claim import BITS
from lineage_store.errors import BadInput, CheckFailed, MissingVerdict
from lineage_store.graph.node import LineageNode
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.index.row_index import rows_of_subject
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.families.keras_family import KerasFamily
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment
from unlearning.planning.choice import WantedResult
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.plan import AffectedModel, Fingerprints, plan_model
from unlearning.planning.verdicts import verdicts
from unlearning.strategies.retrain_shards import RetrainShards
from unlearning.strategies.shard_decision import ShardDecision
from unweave import Project

# Batches so large that none of them is empty: then steps planned are steps taken.
OPTIONS = {
    "label": "label",
    "subject": "person",
    "shards": 3,
    "slices": 2,
    "epochs": 3,
    "batch_size": 64,
    "record": "all",
    "module": SMALL_MODEL,
}
UNTIL = "2031-06-01"


def lines(*, rows=400, people=40):
    draw = random.Random(8)
    yield ["person", "age", "fare", "city", "label"]
    for number in range(rows):
        age = draw.gauss(40, 12)
        yield [
            f"person-{number % people}",
            f"{age:.1f}",
            f"{draw.expovariate(0.1):.2f}",
            draw.choice(["Ulm", "Bonn", "Hof"]),
            "old" if age + draw.gauss(0, 4) > 40 else "young",
        ]
    yield ["rare", "50", "3", "Ulm", "ancient"]
    for number in range(5):
        yield [f"single-{number}", "30", str(number), "Ulm", "young"]


@pytest.fixture(scope="module")
def given_csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("given") / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines())
    return path


@pytest.fixture(scope="module")
def original(given_csv, tmp_path_factory):
    """A workspace with one model; never written to after this."""
    folder = tmp_path_factory.mktemp("original")
    (folder / "secret").write_bytes(bytes(range(32)))
    (folder / "secret").chmod(0o600)
    project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
    project.train(given_csv, key_file=folder / "secret", **OPTIONS)
    return project.root


@pytest.fixture
def project(original, tmp_path):
    """A copy of it, to be changed."""
    root = tmp_path / "workspace"
    shutil.copytree(original, root)
    return Project(root, backend=DirectBackend(), reveal=True)


def files_of(root):
    """The digest of every file below a folder, by its name."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def record_of(root):
    connection = read_index(root / "unweave.sqlite")
    try:
        return find_model(connection)
    finally:
        connection.close()


def nodes_of(root):
    return DirectBackend().descendants(open_workspace(root), record_of(root))


def planned(root, person="person-3", *, asked=None, code=None, settings=None):
    """Plan straight from the parts, so that code and environment can be others."""
    workspace, record = open_workspace(root), record_of(root)
    pseudonyms = Pseudonyms(workspace.pseudonym_file, workspace.keys())
    connection = read_index(workspace.index_file)
    try:
        deleted = rows_of_subject(connection, pseudonyms.find(person), record.snapshot)
    finally:
        connection.close()
        pseudonyms.close()
    model = AffectedModel(
        id="m1",
        ledger=open_ledger(workspace.absolute(record.paths["ledger"])),
        snapshot=load_snapshot(workspace.absolute(record.paths["data"])),
        store=open_rows(workspace.absolute(record.paths["rows"])),
        descendants=nodes_of(root),
    )
    return plan_model(
        model,
        model_after="m2",
        deleted=deleted,
        asked=asked or WantedResult("exact"),
        today=Fingerprints(code or code_digest(), settings or environment()),
        derived_until=UNTIL,
    )


def by_kind(plan):
    """For each kind the number of artifacts by verdict."""
    found = {}
    for verdict in plan.verdicts:
        found.setdefault(verdict.kind, Counter())[verdict.verdict] += verdict.count
    return found


# Verdicts


@pytest.mark.parametrize("asked", [WantedResult("exact"), WantedResult("approximate", "amnesiac")])
@pytest.mark.parametrize("person", ["person-3", "person-11"])
def test_every_artifact_downstream_of_the_rows_gets_a_verdict(original, asked, person):
    plan = planned(original, person, asked=asked)
    counted = {kind: sum(counts.values()) for kind, counts in by_kind(plan).items()}
    nodes = nodes_of(original)
    assert counted == Counter(node.kind for node in nodes)
    assert {"lineage.Checkpoint", "lineage.Batch", "lineage.Update", "PushedModel"} <= set(counted)
    assert sum(counted.values()) > 50


def shard_of(plan):
    (decision,) = [d for d in plan.shards if d.action in ("retrained", "subtracted")]
    return decision


def test_an_exact_plan_retrains_what_saw_the_rows_and_proves_the_rest_unaffected(original):
    plan = planned(original)
    changed = shard_of(plan)
    found = by_kind(plan)
    stages = [node for node in nodes_of(original) if node.kind == "lineage.Checkpoint"]
    seen = [
        node for node in stages if node.shard == changed.shard and node.stage >= changed.kept_stages
    ]
    assert found["lineage.Checkpoint"] == {
        "retrained": len(seen),
        "proven unaffected": len(stages) - len(seen),
    }
    assert found["lineage.Shard"] == {"regenerated": 1, "proven unaffected": 2}
    assert found["components.Ledger"] == found["Model"] == {"retrained": 1}
    assert found["PushedModel"] == {"erased": 1}
    assert found["components.Rows"] == {"regenerated": 1}


def test_an_approximate_plan_says_what_is_kept_although_it_came_after_the_rows(original):
    # A person of one row, who is in one batch an epoch: the others of the stage stay.
    plans = (
        planned(original, f"single-{n}", asked=WantedResult("approximate", "amnesiac"))
        for n in range(5)
    )
    plan = next(plan for plan in plans if plan.rows_by_split.get("train"))
    changed = shard_of(plan)
    updates = [
        node
        for node in nodes_of(original)
        if node.kind == "lineage.Update"
        and node.shard == changed.shard
        and node.stage >= changed.kept_stages
    ]
    held = [node for node in updates if node.position in changed.positions]
    assert 0 < len(held) < len(updates)
    found = by_kind(plan)
    assert found["lineage.Update"]["erased"] == len(held)
    assert found["lineage.Update"][f"retained: derived until {UNTIL}"] == len(updates) - len(held)
    assert found["components.Ledger"] == found["Model"] == {"updated": 1}


def test_a_withdrawn_model_and_all_that_was_made_for_it_is_erased(project):
    done = project.forget(sorted({row[0] for row in lines()} - {"person"}), guarantee="exact")
    assert done["model_after"] is None
    found = {}
    for verdict in done["verdicts"]:
        found.setdefault(verdict["kind"], set()).add(verdict["verdict"])
    for kind in ("components.Ledger", "Model", "PushedModel", "lineage.Checkpoint",
                 "lineage.Batch", "lineage.Update"):  # fmt: skip
        assert found[kind] == {"erased"}, kind


class WithAnotherArtifact(DirectBackend):
    """The same backend in a lineage where somebody else has put something."""

    def descendants(self, workspace, record):
        return [*super().descendants(workspace, record), LineageNode(4711, "someone.Embeddings")]


def test_an_artifact_that_nobody_decides_on_stops_the_run_before_anything_is_changed(project):
    before = files_of(project.root)
    curious = Project(project.root, backend=WithAnotherArtifact(), reveal=True)
    for run in (curious.plan, curious.forget):
        with pytest.raises(MissingVerdict, match="artifact 4711 of type someone.Embeddings"):
            run(["person-3"], guarantee="exact")
    assert files_of(project.root) == before
    assert project.forget(["person-3"], guarantee="exact")["request_id"] == "r1"


def test_a_node_of_a_shard_that_there_is_not_has_no_verdict():
    decisions = (ShardDecision(0, "kept", 2, 0, ""),)
    node = LineageNode(5, "lineage.Checkpoint", shard=1, stage=0)
    with pytest.raises(MissingVerdict):
        verdicts(
            [node],
            decisions=decisions,
            strategy=RetrainShards(),
            found={},
            claim=BITS,
            derived_until=UNTIL,
            slices=2,
        )


def test_a_plan_can_be_written_down_and_read_again(original):
    for asked in (WantedResult("exact"), WantedResult("approximate", "amnesiac")):
        plan = planned(original, asked=asked)
        assert ModelPlan.from_json(json.loads(canonical_json(plan.to_json()))) == plan


# What changed since the model was trained


def test_other_code_than_the_model_was_trained_with_retrains_all_shards_and_says_so(original):
    plan = planned(original, code="0" * 64)
    assert [decision.action for decision in plan.shards] == ["retrained"] * 3
    assert all(decision.kept_stages == 0 for decision in plan.shards)
    assert plan.steps_planned == plan.steps_full
    assert plan.why == "the code that trains is not the code that trained this model"


def test_another_environment_retrains_all_shards_and_names_what_differs(original):
    other = {**environment(), "threads": 16, "onednn": "0"}
    plan = planned(original, settings=other)
    assert [decision.kept_stages for decision in plan.shards] == [0, 0, 0]
    assert "environment differs" in plan.why and "(onednn, threads)" in plan.why


@pytest.mark.parametrize("change", [{"code": "0" * 64}, {"settings": {"python": "2.7"}}])
def test_an_approximate_result_is_refused_where_the_updates_belong_to_another_run(original, change):
    with pytest.raises(BadInput, match="cannot serve here, since the .* ask for `guarantee` exact"):
        planned(original, asked=WantedResult("approximate", "amnesiac"), **change)


def test_without_a_class_all_shards_retrain_and_the_plan_says_why(original):
    plan = planned(original, "rare")
    assert plan.inference_changed and plan.steps_planned == plan.steps_full
    assert plan.why == "without the rows a column type, the task or the classes change"


def test_after_a_change_of_environment_forgetting_gives_the_weights_of_a_fresh_run(
    project, original, monkeypatch
):
    """The change is pretended, so the twin is what the unchanged environment gives."""
    root = project.root.parent / "twin"
    shutil.copytree(original, root)
    expected = Project(root, backend=DirectBackend(), reveal=True).forget(
        ["person-3"], guarantee="exact"
    )
    other = {**environment(), "threads": 2}
    monkeypatch.setattr(KerasFamily, "environment", lambda self, module: other)
    done = project.forget(["person-3"], guarantee="exact")
    assert done["affected_shards"] == [0, 1, 2] and len(expected["affected_shards"]) == 1
    assert done["steps_recomputed"] == done["steps_full"] > expected["steps_recomputed"]
    assert done["weights_digest_after"] == expected["weights_digest_after"]


def test_a_ledger_that_was_changed_on_disk_is_not_planned_from(project):
    header = project.root / record_of(project.root).paths["ledger"] / "header.json"
    value = json.loads(header.read_bytes())
    header.write_bytes(canonical_json({**value, "code": "0" * 64}))
    before = files_of(project.root)
    with pytest.raises(CheckFailed, match="ledger of m1 is not the one that was recorded"):
        project.forget(["person-3"], guarantee="exact")
    assert files_of(project.root) == before


# Planned and done


def test_the_planned_steps_are_the_steps_taken_when_no_batch_is_empty(project):
    plan = project.plan(["person-3", "person-11"], guarantee="exact")
    done = project.forget(["person-3", "person-11"], guarantee="exact")
    ledger = open_ledger(project.root / record_of(project.root).paths["ledger"])
    stages = [stage for shard in ledger.shards() for stage in shard.stages()]
    assert all(stage.steps == stage.epochs * stage.batches for stage in stages)
    assert plan["steps_planned"] == done["steps_planned"] == done["steps_recomputed"] > 0
    assert plan["steps_full"] == done["steps_full"] == sum(stage.steps for stage in stages)
    assert plan["affected_shards"] == done["affected_shards"]
    counts = [(one["kind"], one["verdict"], one["count"]) for one in plan["verdicts"]]
    assert counts == [(one["kind"], one["verdict"], one["count"]) for one in done["verdicts"]]


@pytest.mark.parametrize("guarantee", ["exact", "approximate"])
def test_a_dry_run_leaves_every_byte_of_the_workspace_as_it_was(project, guarantee):
    before = files_of(project.root)
    answer = project.plan(["person-3"], guarantee=guarantee)
    assert answer["dry_run"] is True and answer["rows_found"] == 10
    assert files_of(project.root) == before


def test_each_model_of_a_workspace_gets_its_own_plan_and_successor(project, given_csv):
    project.train(given_csv, **{**OPTIONS, "shards": 2, "record": "none"})
    answer = project.plan(["person-3"], guarantee="exact")
    pairs = [(plan["model_before"], plan["model_after"]) for plan in answer["plans"]]
    assert pairs == [("m1", "m3"), ("m2", "m4")]
    assert [len(plan["shards"]) for plan in answer["plans"]] == [3, 2]
    assert answer["steps_planned"] == sum(plan["steps_planned"] for plan in answer["plans"])
