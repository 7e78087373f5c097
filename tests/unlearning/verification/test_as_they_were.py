"""Shards that were taken over are not read again, and whatever is not the old file is."""

import os
import shutil

import pytest

from fixtures.keeps_the_old import KeepsTheOld
from fixtures.small_table import write_people
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from unlearning.verification.as_they_were import as_they_were
from unlearning.verification.checks import Unlearned, check
from unweave.api.project import Project

SHARDS = 4
OPTIONS = {
    "label": "label", "subject": "person", "model_family": "naive-bayes", "shards": SHARDS,
}  # fmt: skip


@pytest.fixture(scope="module")
def deletion(tmp_path_factory):
    """A deletion's plan, both ledgers, and the row stores before and after it."""
    folder = tmp_path_factory.mktemp("as-they-were")
    backend = KeepsTheOld()
    root = folder / "workspace"
    project = Project(root, backend=backend)
    project.train(write_people(folder / "people.csv"), **OPTIONS)
    shutil.copytree(root / "tfx/train-m1/rows", folder / "rows", copy_function=os.link)
    person = next(
        name for name in (f"p{n}" for n in range(16))
        if any(one["action"] != "kept" for one in project.plan([name])["plans"][0]["shards"])
    )  # fmt: skip
    project.forget([person])
    (plan,) = backend.plans
    made = root / "tfx" / "forget-r1" / "m1"
    return plan, open_ledger(folder / "ledger-m1"), open_ledger(made / "ledger"), folder, made


def copied(deletion, tmp_path):
    """The two stores, in folders of this test's own, with the links that there are."""
    *_, folder, made = deletion
    for name, rows in (("before", folder / "rows"), ("after", made / "rows")):
        shutil.copytree(rows, tmp_path / name, copy_function=os.link)
    return open_rows(tmp_path / "before"), open_rows(tmp_path / "after")


def outcomes(deletion, before, after):
    plan, old, new, *_ = deletion
    asked = Unlearned(plan=plan, old=old, new=new, store=after, old_store=before)
    return {one.name: (one.outcome, one.detail) for one in check(asked).checks}


def test_all_shards_are_but_those_that_lost_rows_and_both_ways_say_the_same(deletion, tmp_path):
    plan, old, new, *_ = deletion
    before, after = copied(deletion, tmp_path)
    found = as_they_were(old, new, before=before, after=after)
    assert found == set(range(SHARDS)) - {one.shard for one in plan.shards if one.changes}
    assert 0 < len(found) < SHARDS
    assert as_they_were(old, new, before=None, after=after) == frozenset()
    assert as_they_were(old, old, before=before, after=after) == frozenset()
    shutil.copytree(tmp_path / "after", tmp_path / "copied")  # other files, all of which are read
    complete = open_rows(tmp_path / "copied")
    assert as_they_were(old, new, before=before, after=complete) == frozenset()
    assert outcomes(deletion, before, after) == outcomes(deletion, before, complete)


def test_what_is_not_the_old_file_is_read_and_its_rows_compared(deletion, tmp_path):
    _, old, new, *_ = deletion
    before, after = copied(deletion, tmp_path)
    shard = min(as_they_were(old, new, before=before, after=after))
    other = next(n for n in range(SHARDS) if n != shard)
    file = after.files(shard, 0)[0]
    file.unlink()
    shutil.copyfile(after.files(other, 0)[0], file)
    assert shard not in as_they_were(old, new, before=before, after=after)
    name = "every stage saw the retained rows and no others"
    outcome, detail = outcomes(deletion, before, after)[name]
    assert outcome == "failed" and f"shard {shard} saw other rows" in detail


def test_a_copy_with_the_same_bytes_is_not_the_old_file_and_is_read(deletion, tmp_path):
    _, old, new, *_ = deletion
    before, after = copied(deletion, tmp_path)
    shard = min(as_they_were(old, new, before=before, after=after))
    content = after.files(shard, 0)[0].read_bytes()
    before.files(shard, 0)[0].unlink()
    shutil.copyfile(after.files(shard, 0)[0], before.files(shard, 0)[0])
    assert before.files(shard, 0)[0].read_bytes() == content
    assert shard not in as_they_were(old, new, before=before, after=after)
