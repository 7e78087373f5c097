"""Rows that belong together, from the table to a member of a group who is forgotten."""

import csv
import random

import numpy as np
import pytest

from fixtures import SMALL_MODEL
from fixtures.same_secret import trainer_in
from lineage_store.canonical import read_json
from lineage_store.cells import load_snapshot
from lineage_store.cells.snapshot import read_snapshot
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.index.models import models
from lineage_store.ledger import open_ledger
from lineage_store.rows import open_rows
from lineage_store.tensors import weights_digest
from lineage_store.workspace import open_workspace
from unlearning.erasure.scan import scan_folder
from unlearning.training.batches import epoch_batches, shard_schedule

HEADER = ["row", "person", "query", "size", "age", "label"]
MEMBER = "person-07"
SPELLINGS = ("{0}", " {0}", "{0}.0", "{0}e0")
OPTIONS = {"label": "label", "subject": "person", "row_id": "row", "group_column": "query"}
BAYES = {"model_family": "naive-bayes", "shards": 3}
KERAS = {"module": SMALL_MODEL, "shards": 2, "slices": 2, "epochs": 2, "batch_size": 16,
         "early_stop": 1, "checkpoint_every": 2}  # fmt: skip


def rows(without=()):
    """Rows of 40 groups of one to twelve, of 20 people; a group is spelled in several ways."""
    draw = random.Random(5)
    for number in range(260):
        group = 4_120_000 + draw.randrange(1, 8) * draw.randrange(1, 8)
        person = f"person-{draw.randrange(20):02d}"
        row = [f"{number}", person, draw.choice(SPELLINGS).format(group), f"{draw.gauss(0, 1):.3f}",
               f"{draw.randrange(80)}", draw.choice(["yes", "no"])]  # fmt: skip
        if person not in without:
            yield row


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a function that trains on rows, in a workspace of its own with the same secret."""
    return trainer_in(tmp_path_factory.mktemp("groups"), HEADER, OPTIONS)


@pytest.fixture(scope="module")
def keras(trained):
    return trained("keras", rows(), **KERAS)


def made(root):
    """The newest live model's ledger, rows and data."""
    with reading_index(open_workspace(root)) as connection:
        record = models(connection, live_only=True)[-1]
    return (
        open_ledger(root / record.paths["ledger"]),
        open_rows(root / record.paths["rows"]),
        load_snapshot(root / record.paths["data"]),
    )


def state_of(root):
    return weights_digest(made(root)[0].final_weights())


def group_of_row():
    return {row[0]: row[2].strip().removesuffix(".0").removesuffix("e0") for row in rows()}


def keys_of(root):
    """The row's number by its key."""
    keys = open_workspace(root).keys()
    return {keys.row_key(kind="id", value=row[0].encode()): row[0] for row in rows()}


def steps_of(root):
    """Yield each shard's stages with what was cut of them: (shard, stage, epoch, batch, rows)."""
    ledger, store, _ = made(root)
    for shard in range(len(store.counts)):
        for stage in shard_schedule(store, shard, ledger.partition):
            whole = store.stage_rows(shard, stage.index)
            for epoch in range(stage.epochs):
                cut = epoch_batches(whole, stage, epoch=epoch, seed=ledger.partition.seed)
                for batch, here in cut:
                    yield shard, stage.index, epoch, batch, here


def test_every_row_of_a_group_is_in_one_batch_of_each_epoch_and_numbered_there(keras):
    _, root, _, _ = keras
    names, groups = keys_of(root), group_of_row()
    where, sizes = {}, []
    for shard, stage, epoch, batch, here in steps_of(root):
        groups_here = [groups[names[key.tobytes()]] for key in here.row_keys]
        numbers = here.group_numbers
        assert numbers.dtype == np.int32
        assert len(set(zip(groups_here, numbers.tolist(), strict=True))) == len(set(groups_here))
        assert sorted(set(numbers.tolist())) == list(range(len(set(groups_here))))
        for group in groups_here:
            where.setdefault((stage, epoch, group), set()).add((shard, batch))
        sizes.append(len(here))
    assert all(len(places) == 1 for places in where.values())
    assert {group for _, _, group in where} < set(groups.values())  # some are for evaluation
    assert max(sizes) > KERAS["batch_size"]  # a mean, which no group is cut for


def test_a_group_lies_in_one_split_whoever_s_its_rows_are(trained):
    _, root, _, answer = trained("bayes", rows(), **BAYES)
    _, _, snapshot = made(root)
    names, groups = keys_of(root), group_of_row()
    found = {
        split: {groups[names[one.row_key]] for one in read_snapshot(snapshot, split)}
        for split in snapshot.splits
    }
    assert found["train"] and found["eval"] and not found["train"] & found["eval"]
    warnings = answer["understood"]["warnings"]
    assert any("since rows are placed by their groups" in one for one in warnings)


def test_what_was_understood_and_is_recorded_names_the_column_and_no_group(keras):
    project, root, _, answer = keras
    assert project.ask.data("m1")["groups"] == ["query"]
    understood = answer["understood"]
    assert understood["group_column"] == "query"
    assert understood["groups"] == len(set(group_of_row().values()))
    assert understood["biggest_group"] > KERAS["batch_size"]
    assert any("no group is cut" in one for one in understood["warnings"])
    assert "query" not in [column["name"] for column in understood["columns"]]
    ledger, store, _ = made(root)
    assert ledger.header.data["inference"]["groups"] == [["query", "string"]]
    assert ledger.header.grouped and store.slice_rows(0, 0)["group"].dtype == np.int64
    assert read_json(ledger.folder / "header.json")["spec"]["numbers"] == ["size", "age"]
    groups = [group.encode() for group in set(group_of_row().values())]
    assert not scan_folder(root, groups).found


def test_predict_neither_needs_nor_uses_groups(keras, tmp_path):
    project, _, table, _ = keras
    with table.open(newline="") as stream:
        lines = list(csv.reader(stream))
    with (tmp_path / "without.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([*row[:2], *row[3:]] for row in lines)
    assert (
        project.predict(table)["probabilities"]
        == (project.predict(tmp_path / "without.csv")["probabilities"])
    )


def test_a_trace_names_the_batches_that_saw_a_member(keras):
    project, root, _, _ = keras
    names = keys_of(root)
    mine = {row[0] for row in rows() if row[1] == MEMBER}
    saw = {
        f"s{shard}.r{stage}.e{epoch}.b{batch}"
        for shard, stage, epoch, batch, here in steps_of(root)
        if mine & {names[key.tobytes()] for key in here.row_keys}
    }
    traced = set(project.trace_subject(MEMBER)["models"][0]["batches"])
    assert traced >= saw  # those of epochs that an early stop left out are among them
    for name in sorted(saw)[:5]:
        answer = project.trace_batch(name)
        here = {names[bytes.fromhex(key)] for key in answer["row_keys"]}
        assert mine & here


@pytest.mark.parametrize("options", [BAYES, KERAS], ids=["naive-bayes", "keras"])
def test_a_member_who_is_forgotten_leaves_the_bits_of_the_twin(trained, options):
    name = options.get("model_family", "keras")
    project, root, table, _ = trained(f"{name}-forgetting", rows(), **options)
    _, twin, _, _ = trained(f"{name}-twin", list(rows([MEMBER]))[::-1], **options)
    before = state_of(root)
    planned = project.plan([MEMBER])
    done = project.forget([MEMBER], replay=True)
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert done["rows_found"] == sum(row[1] == MEMBER for row in rows())
    assert planned["steps_planned"] >= done["steps_recomputed"]  # no group may fall into a batch
    assert state_of(root) == state_of(twin) != before
    assert project.doctor()["ok"] and project.audit(replay=5)["ok"]
    project.readmit([MEMBER])
    project.train(table, **OPTIONS, **options)
    assert state_of(root) == before


@pytest.mark.parametrize("strategy", ["amnesiac", "amnesiac-marginal"])
def test_an_exact_deletion_after_an_approximate_one_comes_to_the_twin(trained, strategy):
    given = {**KERAS, "record": "all", "early_stop": None, "checkpoint_every": None}
    project, root, _, _ = trained(strategy, rows(), **given)
    assert project.forget([MEMBER], strategy=strategy)["guarantee"] == "approximate"
    assert project.forget(["person-04"], guarantee="exact")["guarantee"] == "exact"
    _, twin, _, _ = trained(f"{strategy}-twin", rows([MEMBER, "person-04"]), **given)
    assert state_of(root) == state_of(twin)


@pytest.mark.parametrize("group", ["", " ", "NA"])
def test_a_row_of_no_group_is_refused_with_its_line(trained, group):
    table = list(rows())
    table[8][2] = group
    with pytest.raises(BadInput, match=r"Line 10 of .* is of no group in column 'query'"):
        trained("none", table, **BAYES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"place_by": "row"}, "'query' stay together, .* leave out `place_by`"),
        ({"place_by": "subject"}, "'query' stay together, .* leave out `place_by`"),
        ({"risk_rules": ["age<30"], "slices": 2}, "'query' stay together, and `risk_rules`"),
        ({"drop": ["query"]}, "group column 'query' cannot be"),
        ({"weight_column": "query"}, "group column 'query' cannot be"),
        ({"group_column": "label"}, "group column 'label' cannot be"),
        ({"text_columns": ["query"]}, "'query' is an id or left out"),
        ({"group_column": "session"}, "no column 'session'"),
    ],
)
def test_what_goes_ill_with_groups_is_refused(trained, options, message):
    given = {**KERAS, **options}
    with pytest.raises(BadInput, match=message):
        trained("refused", rows(), **given)


def test_the_people_may_be_the_groups(trained):
    project, root, _, answer = trained("people", rows(), **BAYES, group_column="person")
    assert answer["understood"]["groups"] == 20
    assert answer["understood"]["on_both_sides"] == 0
    shards = {
        len(project.trace_subject(f"person-{n:02d}")["models"][0]["slices"]) for n in range(20)
    }
    assert shards <= {0, 1}
    assert state_of(root)
