"""What a hold does to a restriction, what is begun is ended, and a row that two people share."""

import csv
import shutil
from datetime import datetime, timedelta, timezone

import pytest

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput, NothingFound, OnHold
from lineage_store.index.database import read_index
from lineage_store.index.queue import find
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.text.queue import shown

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    here = tmp_path_factory.mktemp("holds")
    at(here / "workspace").train(write_people(here / "people.csv"), **OPTIONS)
    return here


@pytest.fixture
def root(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    shutil.copy(trained / "people.csv", tmp_path / "people.csv")
    return shutil.copytree(trained / "workspace", tmp_path / "workspace")


def test_a_hold_on_a_restriction_lets_nobody_end_it_and_takes_nothing_from_the_person(
    root, tmp_path
):
    desk = at(root).requests
    desk.add(["p3"], right="objection", only=True, keep_rows=True)
    desk.run()
    answer = desk.hold("q1", reason="a lawsuit", until="2026-06-01")
    assert answer["state"] == "held" and answer["restricted_since"]
    said = "\n".join(map(str, shown(desk.show("q1"))))
    assert "No training takes the rows in" in said
    assert "Nobody may end that, or take them out, until 2026-06-01" in said
    # What is written to the person is what is so: it is restricted.
    assert desk.letter("q1", out=tmp_path / "held")["letter"] == "restricted"
    for what in (
        lambda: desk.uphold("q1"),
        lambda: desk.announce_lift("q1", because="taken back", on="2026-05-21", out=tmp_path / "n"),
    ):
        with pytest.raises(OnHold, match="on hold until 2026-06-01: it restricts"):
            what()
    assert not (tmp_path / "n").exists() and not (tmp_path / "n.partial").exists()
    assert (root / "keys" / "restricted" / "q1.json").exists()
    at(root).train(tmp_path / "people.csv", **OPTIONS)
    desk.release("q1")
    desk.announce_lift("q1", because="taken back", on="2026-05-21", out=tmp_path / "told")
    later = at(root, days=1).requests
    later.hold("q1", reason="a lawsuit", until="2026-06-01")
    with pytest.raises(OnHold):
        later.lift("q1", put_back=tmp_path / "back.csv")
    assert not (tmp_path / "back.csv").exists()
    # A hold that has passed by itself holds up nothing.
    assert at(root, days=13).requests.lift("q1", put_back=tmp_path / "back.csv")["rows"] == 5


def test_a_restriction_whose_hold_passes_by_itself_is_in_effect_before_anything_is_trained(
    root, tmp_path
):
    desk = at(root).requests
    desk.add(["P 3"], right="restriction", ground="18(1)(a)")
    desk.hold("q1", reason="x", until="2026-05-21")
    desk.answer("q1", also=["1"])
    assert desk.show("q1")["restricted_since"] is None
    at(root, days=2).train(tmp_path / "people.csv", **OPTIONS)
    answer = at(root, days=2).requests.show("q1")
    assert answer["state"] == "restricted" and answer["restricted_since"][:10] == "2026-05-22"
    with read_index(root / "unweave.sqlite") as connection:
        (rows,) = connection.execute(
            "SELECT json_extract(report, '$.excluded') FROM models ORDER BY ordinal DESC LIMIT 1"
        ).fetchone()
    assert rows == 5


def test_a_rectification_whose_rows_are_out_is_neither_taken_back_nor_refused(root, tmp_path):
    desk = at(root).requests
    desk.add(["p3"], right="rectification", only=True)
    without = tmp_path / "without.csv"
    lines = (tmp_path / "people.csv").read_text().splitlines(keepends=True)
    without.write_text("".join(line for line in lines if not line.startswith("p3,")))
    with pytest.raises(NothingFound):  # the rows are out, and are in no new model
        at(root).train(without, **OPTIONS, rectifies="q1")
    with pytest.raises(BadInput, match="taken out by r1, to be corrected"):
        desk.cancel("q1")
    with pytest.raises(BadInput, match="taken out by r1"):
        desk.refuse("q1", ground="16", reason="they are right", out=tmp_path / "no")
    assert not (tmp_path / "no").exists()
    at(root).train(tmp_path / "people.csv", **OPTIONS, rectifies="q1")
    assert desk.show("q1")["state"] == "done"
    desk.add(["p4"], right="rectification", only=True)
    assert desk.cancel("q2")["state"] == "cancelled"


def test_a_row_of_two_that_was_kept_comes_back_with_its_table_and_is_both_s(tmp_path):
    """Whose the other is nobody knows here: a row without them could never be forgotten of them."""
    table, root = tmp_path / "loans.csv", tmp_path / "workspace"
    lines = [f"a{n % 10},b{n % 6},{'ABC'[n % 3]},{'xy'[n % 2]}" for n in range(60)]
    lines += ["a1,,A,x"]
    table.write_text("\n".join(["one,two,town,label", *lines]))
    options = {**OPTIONS, "subject": ["one", "two"]}
    at(root).train(table, **options)
    desk = at(root).requests
    desk.add(["a1"], right="restriction", ground="18(1)(a)", only=True, keep_rows=True)
    desk.run()
    desk.announce_lift("q1", because="verified", on="2026-05-21", out=tmp_path / "told")
    answer = at(root, days=1).requests.lift("q1", put_back=tmp_path / "back.csv", beside=table)
    assert (answer["rows"], answer["rows_left_out"]) == (1, 6)
    with (tmp_path / "back.csv").open() as stream:
        assert [(row["one"], row["two"]) for row in csv.DictReader(stream)] == [("a1", "")]
    at(root, days=1).train(table, **options)  # the table has them as it had
    assert at(root, days=1).plan(["a1"])["rows_found"] == 7
    assert at(root, days=1).plan(["b1"])["others"] == len(
        {line.split(",")[0] for line in lines if line.split(",")[1] == "b1"}
    )
    with read_index(root / "unweave.sqlite") as connection:
        assert find(connection, "q1").outcome == "lifted"
