"""Data in several files, appended later, with rows of several people: snapshots and deletions."""

import csv
import random
import shutil
from contextlib import closing

import pytest

from lineage_store.errors import NothingFound
from lineage_store.index import row_index
from lineage_store.index.database import read_index
from pipelines.backends.direct import DirectBackend
from unweave import Project

OPTIONS = {
    "label": "passed",
    "subject": ("student", "lecturer"),
    "row_id": "id",
    "model_family": "naive-bayes",
    "shards": 4,
}
HEADER = ["id", "student", "lecturer", "points", "passed"]


def ratings(first, last):
    draw = random.Random(first)
    for number in range(first, last):
        points = draw.random()
        yield [
            str(number),
            f"student-{number % 20}",
            f"lecturer-{number % 3}",
            f"{points:.3f}",
            "yes" if points + draw.random() / 4 > 0.6 else "no",
        ]


def write(path, *parts):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *(row for part in parts for row in part)])
    return path


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A workspace trained on one file, and again with a second file."""
    folder = tmp_path_factory.mktemp("grown")
    first = write(folder / "first.csv", ratings(0, 160))
    second = write(folder / "second.csv", ratings(160, 200))
    project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
    project.train(first, **OPTIONS)
    project.train([first, second], **OPTIONS)
    return folder


def count(root, table):
    with closing(read_index(root / "unweave.sqlite")) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_more_data_is_a_new_snapshot_whose_old_rows_are_the_same(grown):
    project = Project(grown / "workspace", backend=DirectBackend(), reveal=True)
    before, after = project.trace_subject("student-7")["models"]
    assert (before["rows"], after["rows"]) == (8, 10)
    assert set(before["row_keys"]) < set(after["row_keys"])
    assert before["shards"] == after["shards"]
    assert before["slices"][0]["slice"] == after["slices"][0]["slice"]
    assert project.trace_subject("lecturer-2")["models"][1]["rows"] == len(range(2, 200, 3))
    # What both snapshots hold is stored once.
    assert count(grown / "workspace", "rows") == 200
    assert count(grown / "workspace", "row_subjects") == 400


def test_a_table_in_two_files_gives_the_bits_of_one(grown, tmp_path):
    whole = write(tmp_path / "whole.csv", ratings(0, 160), ratings(160, 200))
    key_file = grown / "workspace/keys/secret"
    made = Project(tmp_path / "other", backend=DirectBackend(), reveal=True).train(
        whole, key_file=key_file, **OPTIONS
    )
    models = Project(grown / "workspace", backend=DirectBackend(), reveal=True).models()
    assert made["weights_digest"] == models[1]["weights_digest"] != models[0]["weights_digest"]


def test_a_lecturer_is_forgotten_in_both_models_with_the_ratings_of_others(grown, tmp_path):
    root = tmp_path / "workspace"
    shutil.copytree(grown / "workspace", root)
    project = Project(root, backend=DirectBackend(), reveal=True)
    answer = project.forget(["lecturer-1"])
    assert answer["rows_found"] == len(range(1, 200, 3))
    with pytest.raises(NothingFound, match="forgotten"):
        project.trace_subject("lecturer-1")
    left = {n for n in range(200) if n % 20 == 7 and n % 3 != 1}
    assert project.trace_subject("student-7")["models"][-1]["rows"] == len(left)
    twins = []
    for number, last in enumerate((160, 200)):
        rows = [row for row in [*ratings(0, 160), *ratings(160, 200)][:last]]
        file = write(tmp_path / f"{number}.csv", [r for r in rows if r[2] != "lecturer-1"])
        twins.append(
            Project(tmp_path / f"twin-{number}", backend=DirectBackend(), reveal=True).train(
                file, key_file=root / "keys/secret", **OPTIONS
            )["weights_digest"]
        )
    live = [m["weights_digest"] for m in project.models() if m["state"] == "live"]
    assert live == twins
    # And the old files give the rows no way back, by whichever column they name her.
    files = [grown / "first.csv", grown / "second.csv"]
    assert project.train(files, **OPTIONS)["weights_digest"] == twins[1]
    with closing(read_index(root / "unweave.sqlite")) as connection:
        newest = max(row[0] for row in connection.execute("SELECT snapshot FROM models"))
        assert sum(n for _, n in row_index.subjects(connection, newest)) == 2 * (200 - 67)
    assert count(root, "rows") == 200 - 67


def test_a_table_that_changed_a_little_costs_what_changed_and_forgets_in_both(grown, tmp_path):
    root = shutil.copytree(grown / "workspace", tmp_path / "workspace")
    changed = [list(row) for row in [*ratings(0, 160), *ratings(160, 200)] if row[0] != "9"]
    for row in changed[20:24]:  # of student-1 to student-4, since row 9 is not there any more
        row[2] = "lecturer-9"
    file = write(tmp_path / "changed.csv", changed)
    project = Project(root, backend=DirectBackend(), reveal=True)
    made = project.train(file, **OPTIONS)
    assert (count(root, "rows"), count(root, "lacking")) == (204, 5)
    key = root / "keys/secret"
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True)
    assert twin.train(file, key_file=key, **OPTIONS)["weights_digest"] == made["weights_digest"]
    models = project.trace_subject("student-9")["models"]
    assert [one["rows"] for one in models] == [8, 10, 9]

    project.forget(["student-2"])
    assert count(root, "rows") == 204 - 10 - 1
    assert project.doctor()["differences"] == []
    project.forget(["student-9"])
    assert (count(root, "rows"), count(root, "lacking")) == (204 - 11 - 10, 3)
    assert project.doctor()["differences"] == []
    with pytest.raises(NothingFound, match="forgotten"):
        project.trace_subject("student-9")
