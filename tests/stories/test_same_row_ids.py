"""Two tables in one workspace whose rows are numbered alike: the number alone names nobody."""

import csv
import shutil
from contextlib import closing

import pytest

from fixtures.cell_files import lines_of_data
from lineage_store.cells.snapshot import load_snapshot
from lineage_store.errors import CheckFailed
from lineage_store.index.database import read_index
from pipelines.backends.direct import DirectBackend
from unweave import Project

OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "model_family": "naive-bayes",
    "shards": 2,
}  # fmt: skip


def project_in(root):
    return Project(root, backend=DirectBackend())


def write(path, people, rows=120):
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "age", "label"])
        for n in range(rows):
            out.writerow([n, people[n % len(people)], n % 37, "ab"[n % 37 > 18]])
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Ann is in both tables, in rows 0, 3, ... and 1, 4, ...; never written to after this."""
    folder = tmp_path_factory.mktemp("tables")
    root = folder / "workspace"
    project_in(root).train(write(folder / "a.csv", ["ann", "p1", "p2"]), **OPTIONS)
    project_in(root).train(write(folder / "b.csv", ["bob", "ann", "q2"]), **OPTIONS)
    return root


@pytest.fixture
def root(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "workspace")


def rows_in(root, model):
    return sum(load_snapshot(root / "data" / model).rows.values())


def test_another_s_row_of_the_same_number_stays_and_can_be_forgotten_later(root):
    project = project_in(root)
    done = project.forget(["p1"])
    assert done["model_after"] == "m3" and rows_in(root, "m3") == 80
    assert [(m["model"], m["rows"]) for m in project.trace_subject("ann")["models"]] == [
        ("m2", 40), ("m3", 40),
    ]  # fmt: skip
    assert project.forget(["bob"])["rows_found"] == 40
    assert rows_in(root, "m4") == 80


def test_of_each_table_a_person_s_own_rows_alone_are_taken(root):
    project = project_in(root)
    project.forget(["ann"], replay=True)
    assert (rows_in(root, "m3"), rows_in(root, "m4")) == (80, 80)
    assert [m["rows"] for m in project.trace_subject("bob")["models"]] == [40]
    assert [m["rows"] for m in project.trace_subject("p1")["models"]] == [40]
    with closing(read_index(root / "unweave.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM rows").fetchone()[0] == 160


def test_a_row_left_behind_is_found_where_no_other_bears_its_number(root):
    copy = root / "notes.csv"
    copy.write_bytes(lines_of_data(root, "m1"))
    project = project_in(root)
    with pytest.raises(CheckFailed, match=r"1 file still holds .*notes\.csv"):
        project.forget(["p1"])
    copy.unlink()
    assert project.forget(["p1"])["model_after"] == "m3"
