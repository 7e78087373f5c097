"""What each strategy would cost, which one is taken for it, and what it took in the end."""

import csv
import json
import os
import random
import shutil

import pytest

from fixtures import SMALL_MODEL
from lineage_store.errors import BadInput
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.ledger.timings import TIMINGS_FILE, load_timings, own_bytes
from pipelines.backends.direct import DirectBackend
from unlearning.planning.estimates import Estimate, Limits
from unlearning.strategies.known_strategies import strategies_for
from unlearning.strategies.shard_cost import step_seconds
from unweave import Project

OPTIONS = {"label": "label", "subject": "person", "shards": 2, "slices": 2, "epochs": 3,
           "batch_size": 16, "record": "all", "module": SMALL_MODEL}  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "people.csv"
    draw = random.Random(5)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person", "x", "y", "label"])
        for number in range(400):
            x, y = draw.gauss(0, 1), draw.gauss(0, 1)
            writer.writerow([f"person-{number % 40}", f"{x:.3f}", f"{y:.3f}", int(x + y > 0)])
    return path


@pytest.fixture(scope="module")
def original(table, tmp_path_factory):
    """A workspace with one model; never written to after this."""
    folder = tmp_path_factory.mktemp("original")
    (folder / "key").write_bytes(bytes(range(32)))
    (folder / "key").chmod(0o600)
    project = Project(folder / "ws", backend=DirectBackend())
    project.train(table, key_file=folder / "key", **OPTIONS)
    return project.root


@pytest.fixture
def project(original, tmp_path):
    return Project(shutil.copytree(original, tmp_path / "ws"), backend=DirectBackend())


def ledger_of(root):
    connection = read_index(root / "unweave.sqlite")
    try:
        return open_ledger(root / find_model(connection).paths["ledger"])
    finally:
        connection.close()


def costs(project, *people, **options):
    (plan,) = project.plan(people, **options)["plans"]
    return plan, {one["strategy"]: one for one in plan["estimates"]}


def files_of(root):
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_plan_estimates_every_strategy_and_its_own_steps_are_those_planned(project):
    plan, found = costs(project, "person-4")
    assert list(found) == list(strategies_for("keras"))
    assert found[plan["strategy"]]["steps"] == plan["steps_planned"] > 0
    assert all(one["seconds"] > 0 and one["bytes"] > 0 for one in found.values())
    assert found["amnesiac"]["steps"] == 0
    marginal, _ = costs(project, "person-4", strategy="amnesiac-marginal")
    assert marginal["steps_planned"] == found["amnesiac-marginal"]["steps"]


def test_seconds_are_those_around_the_steps_and_the_steps_at_the_pace_of_their_stages(project):
    plan, found = costs(project, "person-4")
    ledger = ledger_of(project.root)
    (shard,) = [one for one in plan["shards"] if one["action"] == "retrained"]
    stages = ledger.shard(shard["shard"]).stages()[shard["kept_stages"] :]
    pace = sum(stage.seconds for stage in stages) / sum(stage.steps for stage in stages)
    around = load_timings(ledger.folder)
    expected = around.build + around.trace + around.finish + pace * shard["steps"] * around.factor
    assert found["retrain-shards"]["seconds"] == pytest.approx(expected, abs=1e-3)


def test_a_strategy_that_cannot_serve_says_why(table, original, tmp_path):
    project = Project(tmp_path / "ws", backend=DirectBackend())
    key = original.parent / "key"
    project.train(table, key_file=key, **{**OPTIONS, "record": "none"})
    _, found = costs(project, "person-4")
    assert found["amnesiac"]["why_not"].startswith("The strategy amnesiac needs recorded updates")
    assert found["retrain-shards"]["why_not"] is None


def test_within_limits_the_strongest_result_that_fits_is_taken(project):
    _, found = costs(project, "person-4")
    exact, marginal = (found[name]["bytes"] for name in ("retrain-shards", "amnesiac-marginal"))
    assert marginal < exact  # one state is written, and not all checkpoints and updates
    plan, _ = costs(project, "person-4", space=exact)
    assert (plan["strategy"], plan["guarantee"]) == ("retrain-shards", "exact")
    plan, _ = costs(project, "person-4", space=exact - 1)
    assert (plan["strategy"], plan["guarantee"]) == ("amnesiac-marginal", "approximate")
    assert "is the strongest that fits: exact would take" in plan["why"]
    assert f"{exact:,} bytes" in plan["why"]


@pytest.mark.parametrize(
    "options",
    [{"guarantee": "exact", "space": 1}, {"within": 1e-6}, {"strategy": "amnesiac", "space": 1}],
)
def test_where_nothing_fits_the_costs_are_told_and_nothing_is_changed(project, options):
    before = files_of(project.root)
    with pytest.raises(BadInput, match=r"No strategy fits into .* would take \d") as refused:
        project.forget(["person-4"], **options)
    assert files_of(project.root) == before
    named = [name for name in strategies_for("keras") if f"{name} would take" in str(refused.value)]
    assert named == (
        ["retrain-shards"] if "guarantee" in options
        else ["amnesiac"] if "strategy" in options
        else ["retrain-shards", "amnesiac-marginal"]
    )  # fmt: skip


@pytest.mark.parametrize("option", ["within", "space"])
def test_a_limit_of_nothing_is_refused(project, option):
    with pytest.raises(BadInput, match=f"`{option}` is 0"):
        project.plan(["person-4"], **{option: 0})


def test_an_exact_result_is_taken_where_it_takes_no_longer_than_an_approximate_one(
    table, original, tmp_path
):
    """One epoch of one slice: to take it twice costs more than to train it again."""
    project = Project(tmp_path / "ws", backend=DirectBackend())
    once = {**OPTIONS, "record": "none", "epochs": 1, "slices": 1}
    project.train(table, key_file=original.parent / "key", **once)
    everyone = [f"person-{number}" for number in range(20)]
    plan, _ = costs(project, *everyone, guarantee="approximate")
    assert (plan["strategy"], plan["guarantee"]) == ("retrain-shards", "exact")
    assert "takes no longer" in plan["why"]
    done = project.forget(everyone, guarantee="approximate", exact_by="2999-01-01")
    assert done["guarantee"] == "exact" and done["exact_by"] is None
    assert project.requests.list()["requests"] == []  # nothing is due: it is exact already


@pytest.mark.parametrize("strategy", list(strategies_for("keras")))
def test_estimate_and_what_it_took_stand_side_by_side(project, strategy):
    old = ledger_of(project.root).folder
    links = shutil.copytree(old, project.root.parent / "old", copy_function=os.link)
    done = project.forget(["person-4"], strategy=strategy)
    new = ledger_of(project.root)
    assert set(done["actual"]) < set(done["estimate"])
    assert done["actual"]["steps"] == done["steps_recomputed"] == done["estimate"]["steps"]
    timings = load_timings(new.folder)
    assert done["actual"]["seconds"] == round(timings.total, 3) > 0
    inodes = {path.stat().st_ino for path in links.rglob("*")}
    written = [p for p in new.folder.rglob("*") if p.is_file() and p.stat().st_ino not in inodes]
    served = own_bytes(project.root / "tfx" / f"forget-{done['request_id']}" / "m1" / "model")
    sizes = sum(path.stat().st_size for path in written if path.name != TIMINGS_FILE)
    assert done["actual"]["bytes"] == sizes + served


def test_a_ledger_of_an_earlier_unweave_is_estimated_by_its_steps_alone(project):
    ledger = ledger_of(project.root)
    (ledger.folder / TIMINGS_FILE).unlink()
    plan, found = costs(project, "person-4")
    (shard,) = [one for one in plan["shards"] if one["action"] == "retrained"]
    pace = step_seconds(ledger, shard["shard"], stages_from=shard["kept_stages"])
    expected = pytest.approx(pace * shard["steps"], abs=1e-3)
    assert found["retrain-shards"]["seconds"] == expected
    assert project.forget(["person-4"])["guarantee"] == "exact"


def test_the_second_of_two_models_has_what_the_first_leaves_of_a_limit(project, table, original):
    project.train(table, **OPTIONS)
    plans = project.plan(["person-4"], guarantee="exact")["plans"]
    (first, second) = (
        next(one["bytes"] for one in plan["estimates"] if one["strategy"] == plan["strategy"])
        for plan in plans
    )
    project.plan(["person-4"], guarantee="exact", space=first + second)
    with pytest.raises(BadInput, match="No strategy fits"):
        project.plan(["person-4"], guarantee="exact", space=first + second - 1)


def test_limits_leave_less_after_each_estimate():
    estimate = Estimate("a", "exact", 1, 2.0, 30)
    assert Limits(5.0, 100).less(estimate) == Limits(3.0, 70)
    assert Limits().less(estimate) == Limits() and not Limits().given
    assert estimate.fits(Limits(2.0, 30)) and not estimate.fits(Limits(1.9, None))


def test_a_plan_without_estimates_can_still_be_read(project):
    from unlearning.planning.model_plan import ModelPlan

    (plan,) = project.plan(["person-4"])["plans"]
    value = json.loads(json.dumps(plan))
    del value["estimates"]
    assert ModelPlan.from_json(value).estimate is None
