"""The table of default partitions, and deletions that cross one of its borders."""

import csv
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import SMALL_MODEL
from lineage_store.data.schema import Label, Schema
from lineage_store.ledger.train_options import TrainOptions
from pipelines.backends.direct import DirectBackend
from unlearning.families.default_partition import (
    SHARDS_AND_SLICES,
    next_border,
    partition_for,
    shards_and_slices,
)
from unlearning.families.keras_family import KerasFamily
from unweave import Project

BY_TABLE = KerasFamily().completed(TrainOptions())


def test_four_thousand_rows_in_thirty_classes_are_not_cut_into_twenty_pieces():
    assert shards_and_slices(4_000, classes=30) == (1, 1)
    assert shards_and_slices(13_533, classes=2) == (2, 4)
    assert shards_and_slices(100_000, classes=2) == (5, 4)


def test_more_rows_or_fewer_classes_never_mean_fewer_pieces():
    lines = [*SHARDS_AND_SLICES, *zip(*(line[::-1] for line in SHARDS_AND_SLICES), strict=True)]
    for table in (SHARDS_AND_SLICES, [line[::-1] for line in SHARDS_AND_SLICES]):
        assert [*table] == sorted(table)
    assert all(shards <= 5 and slices <= 4 for line in lines for shards, slices in line)


@given(st.integers(1, 1_000_000), st.integers(0, 100))
def test_the_next_border_is_where_the_partition_first_is_another(rows, classes):
    schema = schema_of(classes)
    border, now = next_border(BY_TABLE, rows, schema), partition_for(BY_TABLE, rows, schema)
    if border is None:
        assert partition_for(BY_TABLE, 1, schema) == now
        return
    assert border <= rows and partition_for(BY_TABLE, border, schema) == now
    assert partition_for(BY_TABLE, border - 1, schema) != now


def schema_of(classes):
    names = tuple(f"c{number}" for number in range(classes))
    label = Label("y", "classification", names) if classes else Label("y", "regression", ())
    return Schema(columns=(), labels=(label,))


@pytest.mark.parametrize("given_", [{"shards": 3}, {"slices": 2}, {"shards": 2, "slices": 2}])
def test_what_is_given_is_taken_and_crosses_nothing(given_):
    options = KerasFamily().completed(TrainOptions(**given_))
    assert next_border(options, 5_000, schema_of(2)) is None
    cut = partition_for(options, 5_000, schema_of(2))
    assert {name: getattr(cut, name) for name in given_} == given_


HEADER = ["person", "age", "fare", "label"]


def people(rows, *, classes=3, lone=None):
    """Rows of a hundred people each of whom has as many; those of `lone` are a class besides."""
    draw = random.Random(11)
    for number in range(rows):
        age, fare = draw.gauss(40, 12), draw.expovariate(0.1)
        yield [f"p{number % 100:02d}", f"{age:.1f}", f"{fare:.2f}", f"c{int(age) % classes}"]
    for _ in range(lone or 0):
        yield ["lone", "40.0", "3.00", "rare"]


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Return a function that trains on lines in a workspace of its own, by default shards."""
    key_file = tmp_path_factory.mktemp("key") / "secret"
    key_file.write_bytes(bytes(range(32)))
    key_file.chmod(0o600)

    def run(lines, *, project=None, **options):
        folder = tmp_path_factory.mktemp("partition")
        with (folder / "given.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([HEADER, *lines])
        if project is None:
            project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
        how = {
            "label": "label",
            "subject": "person",
            "key_file": key_file,
            "epochs": 1,
            "module": SMALL_MODEL,
            **options,
        }
        if "base" in how:
            del how["module"]
        return project, project.train(folder / "given.csv", **how)

    return run


def without(lines, *people):
    return [line for line in lines if line[0] not in people]


def test_a_deletion_into_fewer_slices_is_exact_and_said(train):
    given_ = list(people(1_030))
    project, made = train(given_)
    assert (made["shards"], made["slices"], made["next_border"]) == (1, 4, 1_024)
    (plan,) = project.plan(["p07"], guarantee="exact")["plans"]
    assert "1 x 1 (shards x slices) in place of 1 x 4" in plan["why"]
    assert (plan["partition"]["shards"], plan["partition"]["slices"]) == (1, 1)
    assert plan["steps_planned"] == plan["steps_full"]
    done = project.forget(["p07"], guarantee="exact", replay=True)
    _, twin = train(without(given_, "p07"))
    assert (twin["shards"], twin["slices"], twin["next_border"]) == (1, 1, None)
    assert done["weights_digest_after"] == twin["weights_digest"]
    assert done["metrics_after"] == twin["metrics"]
    assert all(check["outcome"] != "failed" for check in done["checks"])
    again = project.forget(["p08"], guarantee="exact")  # no border is there any more
    _, twin = train(without(given_, "p07", "p08"))
    assert again["weights_digest_after"] == twin["weights_digest"]
    assert project.audit()["ok"]


def test_rows_that_no_unit_saw_count_too(train):
    """All rows of p57 lack their label: nothing learnt from them, and yet the twin is cut anew."""
    given_ = [[*line[:3], "" if line[0] == "p57" else line[3]] for line in people(1_030)]
    project, made = train(given_)
    assert (made["rows_by_split"]["unlabelled"], made["slices"]) == (10, 4)
    done = project.forget(["p57"], guarantee="exact")
    _, twin = train(without(given_, "p57"))
    assert twin["slices"] == 1
    assert done["weights_digest_after"] == twin["weights_digest"] != made["weights_digest"]
    assert project.audit()["ok"]


def test_a_deletion_that_takes_a_class_into_more_shards_is_exact(train):
    """Five classes of 4,150 rows are one shard, four of them two: the old ledger has no second."""
    given_ = list(people(4_140, classes=4, lone=10))
    project, made = train(given_)
    assert (made["shards"], made["slices"]) == (1, 4)
    done = project.forget(["lone"], guarantee="exact")
    _, twin = train(without(given_, "lone"))
    assert (twin["shards"], twin["slices"]) == (2, 4)
    assert done["weights_digest_after"] == twin["weights_digest"]
    assert done["affected_shards"] == [0, 1]
    assert project.audit()["ok"]


def test_what_was_trained_from_a_model_is_cut_as_that_is(train):
    given_, other = list(people(4_120)), list(people(600))
    project, base = train(given_)
    _, made = train(other, project=project, base=base["model_id"])
    assert (base["shards"], made["shards"]) == (2, 2)
    done = project.forget(["p07"], guarantee="exact")
    twin_project, twin_base = train(without(given_, "p07"))
    _, twin = train(without(other, "p07"), project=twin_project, base=twin_base["model_id"])
    assert (twin_base["shards"], twin["shards"]) == (1, 1)
    assert [model["weights_digest_after"] for model in done["models"]] == [
        twin_base["weights_digest"],
        twin["weights_digest"],
    ]
    assert project.audit()["ok"]


def test_shards_that_were_given_stay(train):
    given_, cut = list(people(1_030)), {"shards": 2, "slices": 2}
    project, made = train(given_, **cut)
    assert not made["by_default"] and made["next_border"] is None
    (plan,) = project.plan(["p07"], guarantee="exact")["plans"]
    assert "partition" not in plan
    done = project.forget(["p07"], guarantee="exact")
    _, twin = train(without(given_, "p07"), **cut)
    assert done["weights_digest_after"] == twin["weights_digest"]
