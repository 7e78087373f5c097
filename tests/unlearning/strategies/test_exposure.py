"""How much of a run a deletion touches, what the plan says of it, and how near results come."""

import json
import math
import random
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import SMALL_MODEL
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from pipelines.backends.direct import DirectBackend
from unlearning.strategies.amnesiac import HARMLESS, Amnesiac
from unlearning.strategies.amnesiac_marginal import AmnesiacMarginal
from unlearning.strategies.decision import Exposure
from unlearning.verification.twin_distance import (
    CLOSER,
    NO_PROGRESS,
    NOT_CLOSER,
    TOLD,
    UNMEASURED,
    Distances,
)
from unweave import Project, verify
from unweave.options.shared import show
from unweave.text.answers import forgotten, planned, verified

OPTIONS = {"label": "label", "subject": "person", "shards": 2, "slices": 1, "epochs": 3,
           "batch_size": 8, "record": "all", "module": SMALL_MODEL}  # fmt: skip


@pytest.fixture(scope="module")
def original(write_csv, tmp_path_factory):
    draw = random.Random(7)
    lines = [["person", "a", "b", "label"]]
    for number in range(160):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        lines.append([f"p{number % 16}", f"{a:.3f}", f"{b:.3f}", "yes" if a > b else "no"])
    root = tmp_path_factory.mktemp("exposure") / "workspace"
    Project(root, backend=DirectBackend()).train(write_csv(lines), **OPTIONS)
    return root


@pytest.fixture
def project(original, tmp_path):
    return Project(shutil.copytree(original, tmp_path / "workspace"), backend=DirectBackend())


# In numbers and words


@given(unlearned=st.floats(0, 1e6), untouched=st.floats(1e-6, 1e6))
def test_a_ratio_of_one_or_more_is_no_progress_and_a_lower_one_is_not(unlearned, untouched):
    measured = Distances(unlearned=unlearned, untouched=untouched)
    assert math.isclose(measured.relative, unlearned / untouched)
    for words in (measured.in_words, TOLD[measured.nearness]):
        assert (NO_PROGRESS in words) == (measured.relative >= 1)


def test_what_was_not_measured_is_said_to_be_unmeasured_and_a_twin_of_its_own_is_no_progress():
    for one in (Distances(), Distances(untouched=1.0), Distances(unlearned=1.0)):
        assert one.relative is None and one.nearness == UNMEASURED
        assert one.in_words == TOLD[UNMEASURED] and one.in_words.endswith(UNMEASURED)
    none = Distances(unlearned=0.1, untouched=0.0)
    assert NO_PROGRESS in none.in_words and none.nearness == NOT_CLOSER
    equal = Distances(unlearned=0.0, untouched=0.0)
    assert NO_PROGRESS not in equal.in_words and equal.nearness == NOT_CLOSER
    assert Distances(unlearned=0.0, untouched=0.1).nearness == CLOSER


def test_only_whole_subtraction_above_the_harmless_share_is_warned_of():
    most, more = Exposure(1, round(1 / HARMLESS)), Exposure(2, round(1 / HARMLESS))
    assert Amnesiac().warning("m1", most) is None
    assert "2 of the 100 updates (2.0%)" in Amnesiac().warning("m1", more)
    assert AmnesiacMarginal().warning("m1", more) is None
    assert Exposure(0, 0).share == 0.0


# In a plan


def counted(project, person):
    """Count the affected updates by the batches that the trace names, and all of these shards."""
    (touched,) = project.trace_subject(person)["models"]
    connection = read_index(project.root / "unweave.sqlite")
    try:
        ledger = open_ledger(project.root / find_model(connection).paths["ledger"])
    finally:
        connection.close()
    total = sum(s.steps for n in touched["shards"] for s in ledger.shard(n).stages())
    return len(touched["batches"]), total


def test_a_plan_tells_the_share_before_it_runs_and_warns_of_whole_subtraction(project):
    answer = project.plan(["p3"], strategy="amnesiac")
    affected, updates = counted(project, "p3")
    assert answer["plans"][0]["exposure"] == {"affected": affected, "updates": updates}
    assert affected / updates > HARMLESS
    (warning,) = answer["warnings"]
    assert f"{affected} of the {updates} updates" in warning and "amnesiac-marginal" in warning
    assert any(f"{affected} of the {updates} updates" in str(part) for part in planned(answer))


def test_an_exact_plan_and_a_marginal_one_do_not_warn(project):
    assert project.plan(["p3"])["warnings"] == []
    assert project.plan(["p3"], guarantee="approximate")["warnings"] == []


def test_without_a_name_whole_updates_are_never_subtracted_and_the_plan_says_why(project):
    (plan,) = project.plan(["p3"], guarantee="approximate")["plans"]
    assert plan["strategy"] == "amnesiac-marginal"
    assert "amnesiac is taken only by name" in plan["why"]


def test_where_no_correction_can_serve_an_unnamed_request_is_retrained_exactly(project):
    (first,) = project.trace_subject("p3")["models"]
    project.forget(["p3"], strategy="amnesiac")
    other = next(
        name for name in (f"p{n}" for n in range(16))
        if name != "p3" and project.trace_subject(name)["models"][0]["shards"] == first["shards"]
    )  # fmt: skip
    (plan,) = project.plan([other], guarantee="approximate")["plans"]
    assert (plan["strategy"], plan["guarantee"]) == ("retrain-shards", "exact")
    assert "amnesiac-marginal cannot serve here" in plan["why"]


def test_the_warning_goes_to_standard_error_and_into_the_json(project, capsys):
    answer = project.plan(["p3"], strategy="amnesiac")
    for as_json in (True, False):
        show(answer, as_json, "planned")
        printed = capsys.readouterr()
        assert printed.err == f"Warning: {answer['warnings'][0]}\n"
        assert not as_json or json.loads(printed.out)["warnings"] == answer["warnings"]


# In results


@pytest.mark.parametrize("replay", [False, True])
def test_a_result_says_how_near_it_is_to_the_twin_in_every_place(project, replay):
    answer = project.forget(["p3"], strategy="amnesiac", replay=replay)
    share = answer["relative_distance"]
    if replay:
        assert share == answer["distance_to_twin"] / answer["distance_untouched"] > 1
        assert f"{share:.4g} times" in answer["closeness"] and NO_PROGRESS in answer["closeness"]
    else:
        assert share is None and UNMEASURED in answer["closeness"]
    assert any(answer["closeness"] in str(part) for part in forgotten(answer))
    # It is said in numbers once; what stays says it in a word.
    nearness, lasting = (NOT_CLOSER if replay else UNMEASURED), TOLD[NOT_CLOSER]
    if not replay:
        lasting = answer["closeness"]
    proof = verify(answer["certificate"], public_key=answer["public_key"])
    (change,) = proof["models"]
    assert (change["distance_to_twin"], change["closeness"]) == (nearness, lasting)
    assert change["updates"]["affected"] == answer["updates_affected"]
    assert any(lasting in str(part) for part in verified(proof))
    report = json.loads((project.root / "requests" / "r1" / "checks-m1.json").read_bytes())
    assert (report["nearness"], report["closeness"]) == (nearness, lasting)
    assert report["distance"] is report["distance_untouched"] is report["relative_distance"] is None
    assert answer["warnings"]


# What is kept for later requests


@pytest.mark.parametrize(
    "strategy, what, served",
    [
        ("amnesiac", "updates", ["amnesiac", "retrain-shards"]),
        ("amnesiac-marginal", "corrected state", ["amnesiac-marginal", "retrain-shards"]),
    ],
)
def test_plan_and_certificate_say_what_is_kept_for_later_and_later_it_serves(
    project, strategy, what, served
):
    (place,) = project.trace_subject("p3")["models"]
    asked = project.plan(["p3"], strategy=strategy)
    answer = project.forget(["p3"], strategy=strategy)
    (change,) = verify(answer["certificate"], public_key=answer["public_key"])["models"]
    kept = change["kept_for_later"]
    assert kept == answer["kept_for_later"]
    assert kept["served_by"] == asked["plans"][0]["later"]["served_by"]
    connection = read_index(project.root / "unweave.sqlite")
    try:
        ledger = open_ledger(project.root / find_model(connection).paths["ledger"])
    finally:
        connection.close()
    (shard,) = [ledger.shard(number) for number in place["shards"]]
    assert kept["served_by"] == served and kept["verdict"].startswith("retained: derived until 2")
    assert kept["updates"] == (len(shard.recorded_updates()) if strategy == "amnesiac" else 0)
    assert any(what in str(part) and "Kept until" in str(part) for part in forgotten(answer))
    assert any("Kept until" in str(part) for part in planned(asked))
    other = next(
        name for name in (f"p{n}" for n in range(16))
        if name != "p3" and project.trace_subject(name)["models"][0]["shards"] == place["shards"]
    )  # fmt: skip
    assert project.plan([other], strategy=served[0])["guarantee"] == "approximate"


def test_once_all_is_erased_the_plan_says_that_exact_alone_is_left(write_csv, tmp_path):
    draw = random.Random(7)
    lines = [["person", "a", "label"]]
    lines += [[f"p{n % 16}", f"{draw.gauss(0, 1):.3f}", "no" if n % 3 else "yes"]
              for n in range(160)]  # fmt: skip
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    project.train(write_csv(lines), **{**OPTIONS, "record": "regenerate", "checkpoint_every": 10})
    answer = project.forget(["p3"], strategy="amnesiac")
    assert answer["updates_subtracted"] > 0
    assert answer["kept_for_later"]["verdict"] == "erased"
    assert answer["kept_for_later"]["served_by"] == ["retrain-shards"]
    assert any("Nothing is kept" in str(part) for part in forgotten(answer))
