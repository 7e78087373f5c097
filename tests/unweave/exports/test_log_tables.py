"""The tables: read back as a spreadsheet and a warehouse read them, and counted against the log."""

import csv
import json
from collections import Counter
from datetime import timezone

import pytest
from pyarrow.parquet import read_table

from fixtures.lived import NOON, counted, logged
from fixtures.run_here import run_here

TABLES = ("events", "models", "deletions", "edges")


@pytest.fixture(scope="module")
def folders(lived, tmp_path_factory):
    out = tmp_path_factory.mktemp("tables")
    for kind in ("csv", "parquet"):
        lived.export(kind, out=out / kind)
        assert (out / kind).stat().st_mode & 0o777 == 0o700
    return out


@pytest.fixture(scope="module")
def tables(folders):
    found = {}
    for name in TABLES:
        with (folders / "csv" / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
            found[name] = list(csv.DictReader(stream))
    return found


def test_models_deletions_and_edges_are_those_of_the_log(tables, lived):
    expected = counted(lived.root)
    assert len(tables["models"]) == expected["models"]
    assert len(tables["deletions"]) == expected["deletions"]
    relations = Counter(one["relation"] for one in tables["edges"])
    assert relations == {one: expected[one] for one in relations} and len(relations) == 5
    assert len({one["run"] for one in tables["edges"]}) == expected["runs"]
    states = [(one["model"], one["state"], one["made_by"]) for one in tables["models"]]
    assert states == [
        ("m1", "ended", ""), ("m2", "ended", "r1"), ("m3", "ended", ""), ("m4", "live", "r2")
    ]  # fmt: skip
    assert [one["model"] for one in tables["models"] if one["data"]] == ["m4"]
    ends = [(one["deletion"], one["models_ended"], one["models_made"])
            for one in tables["deletions"]]  # fmt: skip
    assert ends == [("r1", "m1", "m2"), ("r2", "m2", "m4")]


def test_events_are_those_of_the_log_but_for_counts_of_people_and_numbers_of_staff(tables, lived):
    log = logged(lived.root)
    assert [one["kind"] for one in tables["events"]] == [kind for kind, _ in log]
    for line, (_, body) in zip(tables["events"], log, strict=True):
        left_out = body.keys() & {"ids", "size", "by", "user"}
        assert json.loads(line["body"]) == {
            name: one for name, one in body.items() if name not in left_out
        }
    assert sum("ids" in body for _, body in log) and sum("by" in body for _, body in log)


def test_both_formats_say_the_same(folders, tables):
    for name in TABLES:
        read = read_table(folders / "parquet" / f"{name}.parquet").to_pylist()
        assert [{key: text_of(cell) for key, cell in row.items()} for row in read] == tables[name]
    assert read_table(folders / "parquet" / "events.parquet").schema.field("seq").type == "int64"


def text_of(cell):
    if cell is None:
        return ""
    if hasattr(cell, "astimezone"):
        assert cell == NOON
        return cell.astimezone(timezone.utc).isoformat()
    return str(cell)


def test_the_log_on_the_terminal_is_the_same_table_whole(lived, tables, tmp_path):
    asked = ("log", "show", "--csv", "--workspace", str(lived.root))
    status, output, _ = run_here(*asked, folder=tmp_path)
    rows = list(csv.DictReader(output.splitlines()))
    assert status == 0 and [*rows[0]] == [*tables["events"][0]]
    assert [json.loads(one["body"]) for one in rows] == [body for _, body in logged(lived.root)]


def test_a_file_in_the_place_of_the_folder_is_refused(lived, tmp_path):
    (tmp_path / "tables").write_text("mine")
    asked = ("export", "csv", "--workspace", str(lived.root), "--out", "tables")
    status, _, errors = run_here(*asked, folder=tmp_path)
    assert status == 2 and "cannot be written" in errors and errors.count("\n") == 1
    assert (tmp_path / "tables").read_text() == "mine"
