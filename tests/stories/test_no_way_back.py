"""No way back: who was forgotten does not come in again with the same file read otherwise."""

import csv
import json
import shutil
import subprocess
from contextlib import closing

import pytest

from fixtures.warm_python import warm_python
from lineage_store.cells.snapshot import load_snapshot
from lineage_store.errors import BadInput, NothingFound, NothingToLearn
from lineage_store.index.database import open_index, read_index
from pipelines.backends.direct import DirectBackend
from unweave import Project

FAMILY = {"label": "label", "model_family": "naive-bayes", "shards": 2}
WITH_IDS = {"subject": "person", "row_id": "id"}
FORGOTTEN, ROWS, ALL = "17850.0", 4, 80
COLUMNS = ["id", "person", "household", "age", "label"]


def project_in(root):
    return Project(root, backend=DirectBackend())


def table():
    """Eighty rows of twenty people, four each; ids of people as a program writes floats."""
    return [
        [f"{n}.0", f"{17849 + n % 20}.0", f"h{n % 7}", f"{n % 37}", "ab"[n % 37 > 18]]
        for n in range(ALL)
    ]


def write(path, rows, columns=COLUMNS):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


@pytest.fixture(scope="module", params=[WITH_IDS, {"subject": "person"}], ids=["ids", "text"])
def forgotten(request, tmp_path_factory):
    """A workspace in which one of twenty people was forgotten; its rows had ids, or had none."""
    folder = tmp_path_factory.mktemp("back")
    project = project_in(folder / "workspace")
    project.train(write(folder / "t.csv", table()), **FAMILY, **request.param)
    assert project.forget([FORGOTTEN])["rows_found"] == ROWS
    return folder


@pytest.fixture
def root(forgotten, tmp_path):
    return shutil.copytree(forgotten / "workspace", tmp_path / "workspace")


def rows_in(root, model):
    return sum(load_snapshot(root / "data" / model).rows.values())


READ_OTHERWISE = {
    "as before": {"subject": "person", "row_id": "id"},
    "no subject column": {"row_id": "id", "drop": ["person"]},
    "no subject column, and no ids": {"drop": ["person"]},
    "another subject column": {"subject": "household", "row_id": "id", "drop": ["person"]},
    "another subject column, and no ids": {"subject": "household", "drop": ["person", "id"]},
    "ids of rows alone": {"row_id": "id"},
    "people as a feature": {},
    "the person as the id of a row's household": {"subject": ["household", "person"]},
}


@pytest.mark.parametrize("options", READ_OTHERWISE.values(), ids=READ_OTHERWISE)
def test_the_same_file_read_otherwise_keeps_the_forget_set_out(root, forgotten, options):
    project = project_in(root)
    made = project.train(forgotten / "t.csv", **FAMILY, **options)
    assert (made["excluded"], rows_in(root, made["model_id"])) == (ROWS, ALL - ROWS)
    known = "person" in options.get("subject", ())
    answer = project.ask.free(made["model_id"])
    assert answer["free"] is (True if known else None)
    if not known:
        (reason,) = answer["reasons"]
        assert reason.startswith("1 forgotten subject was known by the column person, which its ")


@pytest.mark.parametrize("spelled", ["17850", "17850.00", " 17850.0", "1.785e4", "17850 "])
def test_an_id_that_is_spelled_otherwise_keeps_its_person_out(root, tmp_path, spelled):
    rows = [[n, spelled if who == FORGOTTEN else who, *rest] for n, who, *rest in table()]
    project = project_in(root)
    made = project.train(write(tmp_path / "u.csv", rows), **FAMILY, subject="person")
    assert made["excluded"] == ROWS
    assert project.ask.free(made["model_id"])["free"] is True
    with pytest.raises(NothingFound, match="forgotten"):
        project.trace_subject(spelled)
    with pytest.raises(NothingFound, match=r"already forgotten on .* \(request r1\)"):
        project.forget([spelled])


def test_an_id_with_a_leading_zero_is_another_person(root, tmp_path):
    rows = [[n, "0" + who, *rest] for n, who, *rest in table()]
    made = project_in(root).train(write(tmp_path / "u.csv", rows), **FAMILY, subject="person")
    assert made["excluded"] == 0


@pytest.mark.parametrize("first", ["{}", "{}.0"])
def test_ids_of_rows_that_are_spelled_otherwise_keep_the_rows_out(tmp_path, first):
    numbered = [[first.format(number), *rest] for number, (_, *rest) in enumerate(table())]
    project = project_in(tmp_path / "workspace")
    project.train(write(tmp_path / "t.csv", numbered), **FAMILY, **WITH_IDS)
    project.forget([FORGOTTEN])
    for then in ("{}", "{}.0", " {}"):
        rows = [[then.format(number), *rest] for number, (_, *rest) in enumerate(table())]
        source = write(tmp_path / "u.csv", rows)
        made = project.train(source, **FAMILY, row_id="id", drop=["person"])
        assert made["excluded"] == ROWS
        assert project.ask.free(made["model_id"])["free"] is None


def test_rows_whose_text_has_changed_come_in_and_are_never_called_free_of(root, tmp_path):
    rows = [[f"n-{number}", *rest[1:]] for number, *rest in table()]
    columns = ["id", *COLUMNS[2:]]
    project = project_in(root)
    made = project.train(write(tmp_path / "u.csv", rows, columns), **FAMILY, row_id="id")
    assert made["excluded"] == 0
    assert project.ask.free(made["model_id"])["free"] is None


def test_who_is_known_by_the_same_column_is_told_by_the_id_and_not_by_a_row_s_number(
    root, tmp_path
):
    others = [[n, f"x{n}", *rest] for n, _, *rest in table()]
    project = project_in(root)
    made = project.train(write(tmp_path / "other.csv", others), **FAMILY, **WITH_IDS)
    assert made["excluded"] == 0
    assert project.ask.free(made["model_id"])["free"] is True


def test_rows_that_were_forgotten_by_their_ids_stay_out_of_every_reading(tmp_path):
    source, project = write(tmp_path / "t.csv", table()), project_in(tmp_path / "workspace")
    project.train(source, **FAMILY, **WITH_IDS)
    project.forget(["7.0", "8.0"], rows=True)
    respelled = [[number.removesuffix(".0"), *rest] for number, *rest in table()]
    again = write(tmp_path / "u.csv", respelled)
    for file, options, free in [
        (source, WITH_IDS, True), (again, WITH_IDS, True), (source, {"subject": "person"}, None),
        (again, {"subject": "person"}, None), (source, {}, None), (again, {}, None),
    ]:  # fmt: skip
        made = project.train(file, **FAMILY, **options)
        assert made["excluded"] == 2
        assert project.ask.free(made["model_id"])["free"] is free


def test_what_was_trained_before_somebody_was_forgotten_cannot_know_either(tmp_path):
    source, project = write(tmp_path / "t.csv", table()), project_in(tmp_path / "workspace")
    project.train(source, **FAMILY, **WITH_IDS)
    project.train(source, **FAMILY, drop=["person"])
    assert project.ask.free("m2")["free"] is True
    project.forget([FORGOTTEN])
    answer = project.ask.free("m2")
    assert answer["free"] is None and len(answer["reasons"]) == 1
    assert project.ask.free("m3")["free"] is True


def test_who_agreed_anew_comes_in_by_every_reading(root, forgotten):
    project = project_in(root)
    project.readmit(["17850"])
    for options in ({"subject": "person"}, {"row_id": "id"}, {}):
        made = project.train(forgotten / "t.csv", **FAMILY, **options)
        assert made["excluded"] == 0
        assert project.ask.free(made["model_id"])["free"] is True
    with closing(read_index(root / "unweave.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM excluded_rows").fetchone()[0] == 0


def test_a_deletion_that_is_taken_back_leaves_nothing_in_the_manifest(tmp_path):
    source, root = write(tmp_path / "t.csv", table()), tmp_path / "workspace"
    project_in(root).train(source, **FAMILY, **WITH_IDS)

    class Failing(DirectBackend):
        def delete(self, job):
            raise BadInput("Before anything was changed.")

    with pytest.raises(BadInput, match="Before"):
        Project(root, backend=Failing()).forget(["17851.0"])
    with closing(read_index(root / "unweave.sqlite")) as connection:
        for name in ("exclusions", "excluded_rows"):
            assert connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == 0


# --- what an earlier unweave wrote


@pytest.fixture
def older(root):
    """The workspace as an earlier unweave left it: ids as given alone, no row keys, no columns."""
    with closing(open_index(root / "unweave.sqlite")) as connection, connection:
        keys = project_in(root)._session.workspace().keys()
        given = keys.commitment(kind="subject", value=FORGOTTEN.encode())
        connection.execute("UPDATE exclusions SET commitment = ?", (given,))
        connection.execute("DELETE FROM excluded_rows")
        connection.execute("DELETE FROM excluded_alike")
        connection.execute("UPDATE models SET report = json_remove(report, '$.columns')")
    return root


def test_an_older_manifest_keeps_out_whom_it_names_and_says_what_it_cannot_know(older, forgotten):
    project = project_in(older)
    made = project.train(forgotten / "t.csv", **FAMILY, subject="person")
    assert made["excluded"] == ROWS
    assert project.ask.free("m2")["free"] is True, "its own line"
    answer = project.ask.free(made["model_id"])
    assert answer["free"] is None
    assert "an earlier unweave" in answer["reasons"][0]
    assert project.readmit([FORGOTTEN])["readmitted"] == 1


def test_who_is_forgotten_of_an_older_model_is_kept_out_by_row_keys_too(older, forgotten, request):
    project = project_in(older)
    project.forget(["17851.0"])
    with_ids = "ids" in request.node.callspec.id
    made = project.train(
        forgotten / "t.csv", **FAMILY, drop=["person"], row_id="id" if with_ids else None
    )
    assert made["excluded"] == ROWS, "of the first, an earlier unweave kept no row key"
    answer = project.ask.free(made["model_id"])
    assert answer["free"] is None and "of 2 forgotten subjects" in answer["reasons"][0]


def test_who_came_back_under_another_spelling_can_be_forgotten_for_good(older, tmp_path):
    rows = [[n, who.removesuffix(".0"), *rest] for n, who, *rest in table()]
    source, project = write(tmp_path / "u.csv", rows), project_in(older)
    made = project.train(source, **FAMILY, subject="person")
    assert made["excluded"] == 0, "it was entered as it was given"
    done = project.forget(["17850"])
    assert done["rows_found"] == ROWS
    assert project.train(source, **FAMILY, subject="person")["excluded"] == ROWS


# --- one person in several spellings


def test_who_is_spelled_in_two_ways_is_forgotten_in_both(tmp_path):
    rows = [
        [number, who.removesuffix(".0") if n % 3 else who, *rest]
        for n, (number, who, *rest) in enumerate(table())
    ]
    project = project_in(tmp_path / "workspace")
    source = write(tmp_path / "t.csv", rows)
    project.train(source, **FAMILY, subject="person")
    assert [one["rows"] for one in project.trace_subject("1.785e4")["models"]] == [ROWS]
    done = project.forget(["17850"])
    assert (done["rows_found"], done["subjects"], done["alike"]) == (ROWS, 1, [])
    for spelled in ("17850", "17850.0"):
        with pytest.raises(NothingFound, match="forgotten"):
            project.trace_subject(spelled)
    assert project.train(source, **FAMILY, subject="person")["excluded"] == ROWS


def test_the_command_line_says_that_it_is_unknown_and_why(root, forgotten):
    project_in(root).train(forgotten / "t.csv", **FAMILY, drop=["person"])

    def run(*arguments):
        return subprocess.run(
            [*warm_python(), "-m", "unweave", "query", "free", *arguments, "--workspace", root],
            capture_output=True, text=True,
        )  # fmt: skip

    done = run("m3", "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["free"] is None
    text = run("m3")
    assert text.returncode == 1
    assert "Whether m3 is free of all deleted rows is unknown, because" in text.stdout
    assert run("m2").returncode == 0
    ended = run("m1")
    assert ended.returncode == 0 and "has ended" in ended.stdout


OTHERWISE = {"p003": "P003", "Anna Müller": "MUELLER, Anna ", "Zoë": "zoe"}


def of_people(names):
    return [[f"{n}", names[n % len(names)], f"{n % 37}", "ab"[n % 37 > 18]] for n in range(ALL)]


def test_who_comes_back_spelled_otherwise_is_kept_out_unless_it_is_said_to_be_another(
    tmp_path,
):
    names, columns = ["p003", "Anna Müller", "Zoë", "Tom", "p030"], ["id", "who", "age", "label"]
    project = project_in(tmp_path / "workspace")
    asked = {**FAMILY, "subject": "who", "row_id": "id"}
    project.train(write(tmp_path / "t.csv", of_people(names), columns), **asked)
    project.forget(["p003"])
    other = write(
        tmp_path / "other.csv",
        [[f"x{n}", OTHERWISE.get(who, who), *rest] for n, who, *rest in of_people(names)],
        columns,
    )
    made = project.train(other, **asked)
    assert (made["excluded"], made["understood"]["alike"]) == (ALL // 5, ALL // 5)
    assert "P003" not in json.dumps(made)
    project.forget(["Anna Müller", "Zoë"])
    again = project.train(other, **asked)
    assert (again["excluded"], again["understood"]["alike"]) == (3 * ALL // 5, 3 * ALL // 5)
    let_in = project.train(other, admit_alike=True, **asked)
    assert (let_in["excluded"], let_in["understood"]["alike"]) == (0, 3 * ALL // 5)
    assert rows_in(tmp_path / "workspace", let_in["model_id"]) == ALL
    project.readmit(["Zoë"])
    assert project.train(other, **asked)["excluded"] == 2 * ALL // 5
    with pytest.raises(NothingToLearn, match="80 rows were kept out"):
        alone = [[n, "P003", *rest] for n, _, *rest in of_people(names)]
        project.train(write(tmp_path / "alone.csv", alone, columns), **asked)
