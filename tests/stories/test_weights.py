"""Rows that count for more or for less, from the table to a person who is forgotten."""

import csv
import random
from functools import partial

import pytest

from fixtures import SMALL_MODEL
from fixtures.same_secret import trainer_in
from lineage_store.canonical import read_json
from lineage_store.index import reading_index
from lineage_store.index.models import models
from lineage_store.ledger import open_ledger
from lineage_store.rows import open_rows
from lineage_store.tensors import weights_digest
from lineage_store.workspace import open_workspace
from unlearning.erasure.scan import scan_folder

HEADER = ["row", "person", "town", "size", "times", "label"]
NOTHING = "counts-for-nothing"
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "weight_column": "times",
    "model_family": "naive-bayes", "shards": 2,
}  # fmt: skip


def rows(without=()):
    draw = random.Random(11)
    for number in range(120):
        person = f"person-{number % 30:02d}"
        row = [f"{number}", person, draw.choice(["Ulm", "Trier"]), f"{draw.gauss(5, 2):.2f}",
               draw.choice("0123"), draw.choice(["yes", "no"])]  # fmt: skip
        if person not in without:
            yield row
    if NOTHING not in without:
        yield ["999", NOTHING, "Atlantis", "1234.5", "0", "yes"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a function that trains on rows, in a workspace of its own with the same secret."""
    return trainer_in(tmp_path_factory.mktemp("weights"), HEADER, OPTIONS)


@pytest.fixture(scope="module")
def weighed(trained):
    return trained("weighed", rows())


def state_of(root):
    with reading_index(open_workspace(root)) as connection:
        (record,) = models(connection, live_only=True)
    return weights_digest(open_ledger(root / record.paths["ledger"]).final_weights())


def test_a_row_of_weight_n_is_n_rows_to_a_family_of_sums(trained, weighed):
    repeated = [
        [f"{row[0]}-{copy}", *row[1:4], "1", row[5]]
        for row in rows()
        for copy in range(int(row[4]))
    ]
    _, root, _, answer = trained("repeated", repeated)
    assert state_of(root) == state_of(weighed[1])
    metrics, others = weighed[3]["metrics"], answer["metrics"]
    assert {**metrics, "rows": 0} != metrics
    for name in ("accuracy", "log_loss", "auc", "balanced_accuracy"):
        assert metrics[name] == pytest.approx(others[name])


def test_weights_of_one_everywhere_are_as_none(trained):
    ones = [[*row[:4], "1", row[5]] for row in rows()]
    (_, with_ones, _, one), (_, without, _, none) = (
        trained("ones", ones),
        trained("none", ones, weight_column=None, drop=["times"]),
    )
    assert state_of(with_ones) == state_of(without)
    assert one["metrics"] == none["metrics"]


def test_weights_of_one_everywhere_train_a_network_as_none(trained):
    ones = [[*row[:4], "1", row[5]] for row in rows()]
    given = {"model_family": "keras", "module": SMALL_MODEL, "slices": 2, "epochs": 3,
             "class_weights": "balanced", "early_stop": 1, "batch_size": 16}  # fmt: skip
    _, with_ones, _, one = trained("network-ones", ones, **given)
    _, without, _, none = trained("network-none", ones, **given, weight_column=None, drop=["times"])
    assert state_of(with_ones) == state_of(without)
    assert one["metrics"] == none["metrics"] and one["steps"] == none["steps"]


def test_a_network_forgets_weighed_rows_to_the_bits_of_the_twin(trained):
    given = {"model_family": "keras", "module": SMALL_MODEL, "slices": 2, "epochs": 3,
             "class_weights": "balanced", "early_stop": 1, "batch_size": 16}  # fmt: skip
    project, root, _, _ = trained("network", rows(), **given)
    _, twin, _, _ = trained("network-twin", list(rows([NOTHING, "person-04"]))[::-1], **given)
    before = state_of(root)
    done = project.forget([NOTHING, "person-04"], replay=True)
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert state_of(root) == state_of(twin) != before


def test_what_was_understood_and_is_recorded_names_the_column(weighed):
    project, root, _, answer = weighed
    assert project.ask.data("m1")["weights"] == ["times"]
    assert answer["understood"]["weight_column"] == "times"
    assert "times" not in [column["name"] for column in answer["understood"]["columns"]]
    with reading_index(open_workspace(root)) as connection:
        (record,) = models(connection, live_only=True)
    header = read_json(root / record.paths["ledger"] / "header.json")
    assert header["data"]["inference"]["weights"] == [["times", "number"]]
    store = open_rows(root / record.paths["rows"])
    assert store.slice_rows(0, 0).weights.dtype == "int64"


def test_a_table_to_predict_for_needs_no_weights_and_may_have_them(weighed, tmp_path):
    project, _, table, _ = weighed
    with table.open(newline="") as stream:
        lines = list(csv.reader(stream))
    place = lines[0].index("times")
    with (tmp_path / "without.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([*row[:place], *row[place + 1 :]] for row in lines)
    assert (
        project.predict(table)["probabilities"]
        == (project.predict(tmp_path / "without.csv")["probabilities"])
    )


def test_who_counts_for_nothing_is_planned_forgotten_erased_and_searched_for(trained):
    project, root, _, answer = trained("forgetting", rows())
    _, twin, _, _ = trained("twin", rows(without=[NOTHING, "person-04"]))
    before = state_of(root)
    planned = project.plan([NOTHING])
    assert (planned["rows_found"], planned["strategy"]) == (1, "subtract-sums")
    found = partial(scan_folder, root, [b"Atlantis", b"1234.5"])
    assert found().found
    done = project.forget([NOTHING])
    assert (done["guarantee"], done["rows_found"], done["learnt"]) == ("exact", 1, True)
    assert state_of(root) == before  # it added nothing, so nothing is taken away
    assert done["model_before"] != done["model_after"]
    assert not found().found
    project.forget(["person-04"])
    assert state_of(root) == state_of(twin) != before
    assert project.doctor()["ok"] and project.audit(replay=5)["ok"]
    assert answer["excluded"] == 0


def test_a_part_whose_rows_all_count_for_nothing_is_a_part_all_the_same(trained):
    nothing = [[*row[:4], "0" if n > 3 else row[4], row[5]] for n, row in enumerate(rows())]
    project, root, table, answer = trained("mostly-nothing", nothing, shards=9)
    assert answer["rows"] == 121
    project.predict(table)
    for person in ("person-05", "person-06", NOTHING):
        assert project.forget([person])["guarantee"] == "exact"
    gone = ["person-05", "person-06", NOTHING]
    left = [row for row in nothing if row[1] not in gone]
    _, twin, _, _ = trained("mostly-nothing-twin", left, shards=9)
    assert state_of(root) == state_of(twin)


def test_who_is_let_in_again_counts_as_before(trained):
    project, root, table, _ = trained("again", rows())
    before = state_of(root)
    project.forget(["person-07"])
    project.readmit(["person-07"])
    project.train(table, **OPTIONS)
    with reading_index(open_workspace(root)) as connection:
        record = models(connection, live_only=True)[-1]
    assert weights_digest(open_ledger(root / record.paths["ledger"]).final_weights()) == before
