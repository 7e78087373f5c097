"""`unweave predict`: strict about what comes in, whole in what goes out."""

import csv
import json
import os
import random
import shutil
import sqlite3
import stat
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineage_store.data.number_text import days_of
from lineage_store.errors import BadInput, Damaged
from lineage_store.sources import DatabaseQuery, csv_file
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unweave import Project
from unweave.cli import commands

HEADER = ["person", "trip", "town", "size", "day", "label"]


def lines():
    """Rows of eight people with a text, a number and a date, from which the label follows."""
    draw = random.Random(5)
    for n in range(120):
        size, day = draw.randrange(90) / 10, f"20{draw.randrange(10, 24)}-0{1 + n % 9}-17"
        label = "=yes" if (size > 4) == (day > "2017") else "no"
        yield [f"p{n % 8}", f"t{n}", draw.choice(["Ulm", "", 'a "b", c']), size, day, label]


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with a model, and the table that it was trained on."""
    here = tmp_path_factory.mktemp("predict")
    write(here / "t.csv", HEADER, lines())
    project = Project(here / "ws", backend=DirectBackend())
    project.train(
        here / "t.csv", label="label", subject="person", row_id="trip", model_family="naive-bayes"
    )
    return here


@pytest.fixture
def run(made, capsys):
    """Return a function that returns what a command prints, on both streams; errors are raised."""

    def command(*arguments):
        given = ["predict", "--workspace", str(made / "ws"), *map(str, arguments)]
        commands.main(given, standalone_mode=False)
        return capsys.readouterr()

    return command


def test_the_answer_has_each_rows_line_and_all_probabilities(made, run):
    told = json.loads(run("--data", made / "t.csv", "--json")[0])
    assert told["classes"] == ["=yes", "no"] and told["warnings"] == []
    assert told["rows_by"] == "line" and told["rows"] == list(range(2, 122))
    assert np.sum(told["probabilities"], axis=1) == pytest.approx(1)
    printed, _ = run("--data", made / "t.csv")
    header, *rows = csv.reader(printed.splitlines())
    assert header == ["line", "prediction", "probability_=yes", "probability_no"]
    assert [int(row[0]) for row in rows] == told["rows"]
    assert [row[1].removeprefix("'") for row in rows] == told["predictions"]
    assert {row[1] for row in rows} == {"'=yes", "no"}
    read = np.array([row[2:] for row in rows], np.float32)
    assert np.array_equal(read, np.array(told["probabilities"], np.float32))


def test_what_is_written_is_what_is_printed_and_for_its_owner_alone(made, run, tmp_path):
    given = ("--data", made / "t.csv", "--row-id-column", "trip")
    out = tmp_path / "out.csv"
    out.write_text("older")
    assert run(*given, "--out", out) == (f"120 rows are written to {out} (mode 600).\n", "")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_text("utf-8") == run(*given)[0]
    assert out.read_text("utf-8").startswith("trip,prediction,probability_=yes,probability_no\nt0,")
    assert os.listdir(tmp_path) == ["out.csv"]


def test_parquet_has_it_as_it_is(made, run, tmp_path):
    given = ("--data", made / "t.csv", "--row-id-column", "trip", "--json")
    told = json.loads(run(*given)[0])
    short = json.loads(run(*given, "--out", tmp_path / "out.Parquet")[0])
    assert short["rows_written"] == 120 and "predictions" not in short
    table = pq.read_table(tmp_path / "out.Parquet").to_pydict()
    assert list(table) == ["trip", "prediction", "probability_=yes", "probability_no"]
    assert table["trip"] == told["rows"] == [f"t{n}" for n in range(120)]
    assert table["prediction"] == told["predictions"]
    both = zip(table["probability_=yes"], table["probability_no"], strict=True)
    assert list(map(list, both)) == told["probabilities"]


def test_pieces_make_the_same_file(made, run, tmp_path, monkeypatch):
    for name in ("whole", "pieces"):
        for ending in ("csv", "parquet"):
            run("--data", made / "t.csv", "--out", tmp_path / f"{name}.{ending}")
        monkeypatch.setattr(csv_file, "PIECE", 512)
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "pieces.csv").read_bytes()
    whole, pieces = (pq.ParquetFile(tmp_path / f"{name}.parquet") for name in ("whole", "pieces"))
    assert whole.num_row_groups == 1 < pieces.num_row_groups
    assert whole.read().equals(pieces.read())


def test_rows_of_several_tables_are_numbered_through(run, tmp_path):
    two = write(tmp_path / "two.csv", HEADER, list(lines())[:3])
    told = json.loads(run("--data", two, "--data", two, "--json")[0])
    assert (told["rows_by"], told["rows"]) == ("row", [1, 2, 3, 4, 5, 6])
    assert told["predictions"][:3] == told["predictions"][3:]


def test_of_a_table_without_rows_the_header_is_the_answer(run, tmp_path):
    bare = write(tmp_path / "bare.csv", HEADER, [])
    header = "line,prediction,probability_=yes,probability_no\n"
    assert run("--data", bare)[0] == header
    run("--data", bare, "--out", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == header
    run("--data", bare, "--out", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


NO_NUMBERS = ["secret", "1,5", "1,000", "2020-01-01", "007", "inf"]
NO_DATES = ["secret", "17.1.2020", "7300", "2021-02-29"]
MISSING = ["", " ", "NA", "n/a", "?", "NaN", "1e39"]


def with_values(path, values, *, column):
    """Write the table with such values in a column, from line 12 on."""
    place, rows = HEADER.index(column), [list(row) for row in lines()]
    for row, value in zip(rows[10:], values, strict=False):
        row[place] = value
    return write(path, HEADER, rows)


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        *(("size", "number", value) for value in NO_NUMBERS),
        *(("day", "date in ISO 8601", value) for value in NO_DATES),
    ],
)
def test_what_is_no_number_is_refused_with_its_line(run, tmp_path, column, kind, value):
    given = with_values(tmp_path / "wrong.csv", [value], column=column)
    words = f"^Line 12 of .*wrong.csv has no {kind} in the column '{column}', where"
    for more in ((), ("--json",), ("--out", tmp_path / "out.csv")):
        with pytest.raises(BadInput, match=words) as raised:
            run("--data", given, *more)
        assert value not in str(raised.value) and "`lenient`" in str(raised.value)
    assert os.listdir(tmp_path) == ["wrong.csv"]


def test_leniently_it_is_missing_and_counted(run, tmp_path):
    for column, kind, values in (("size", "number", NO_NUMBERS), ("day", "date", NO_DATES)):
        wrong = with_values(tmp_path / "wrong.csv", values, column=column)
        empty = with_values(tmp_path / "empty.csv", [""] * len(values), column=column)
        told = run("--data", wrong, "--lenient")
        assert told.err == (
            f"Warning: Values of the column '{column}' that are no {kind} were taken for missing: "
            f"{len(values)}.\n"
        )
        assert (told.out, "") == run("--data", empty)


def test_what_the_gate_takes_for_missing_is_missing_here(run, tmp_path):
    for column in ("size", "day"):
        marks = with_values(tmp_path / "marks.csv", MISSING, column=column)
        empty = with_values(tmp_path / "empty.csv", [""] * len(MISSING), column=column)
        assert run("--data", marks) == run("--data", empty)


def test_columns_that_are_missing_or_there_twice_are_refused(made, run, tmp_path):
    rows = [row[:5] for row in lines()]
    for header, words in (
        (["person", "trip", "town", "size", "date"], "There is no column 'day' in .*t.csv"),
        (["person", "day", "town", "size", "day"], "The column 'day' stands twice in .*t.csv"),
        (["town", "trip", "town", "size", "day"], "The column 'town' stands twice in .*t.csv"),
    ):
        path = write(tmp_path / "t.csv", header, rows)
        for more in ((), ("--lenient",)):
            with pytest.raises(BadInput, match=words):
                run("--data", path, *more)
    with pytest.raises(BadInput, match="There is no column 'ref' in"):
        run("--data", made / "t.csv", "--row-id-column", "ref")


@pytest.mark.parametrize(
    "damage", [Path.unlink, *(lambda file, text=text: file.write_text(text) for text in
                              ("", "{}", "[1]", '{"numbers": 3}'))],
    ids=["gone", "empty", "no columns", "a list", "a number"],
)  # fmt: skip
def test_a_served_model_that_does_not_say_its_columns_is_refused_by_name(made, tmp_path, damage):
    shutil.copytree(made / "ws", tmp_path / "ws")
    (file,) = (tmp_path / "ws" / "serving").rglob("columns.json")
    file.chmod(0o600)
    damage(file)
    with pytest.raises((BadInput, Damaged), match="serving/m1/1"):
        Project(tmp_path / "ws").predict(made / "t.csv")


def test_predictions_lie_in_no_workspace_and_on_no_table_and_in_what_is_a_file(made, run, tmp_path):
    (made / "folder").mkdir()
    write(made / "folder" / "t.csv", HEADER, lines())
    given = ("--data", made / "t.csv", "--data", made / "folder")
    before = (made / "t.csv").read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link.csv"
    link.symlink_to(made / "t.csv")
    for out, words in (
        (made / "ws" / "out.csv", "must not lie in the workspace"),
        (made / "t.csv", "is the table itself"),
        (link, "is the table itself"),
        (made / "folder" / "out.csv", "is the table itself, or in its folder"),
        (pipe, "is there and no file"),
        (tmp_path, "is there and no file"),
        (tmp_path / "none" / "out.csv", "cannot be written: No such file or directory"),
    ):
        with pytest.raises(BadInput, match=words):
            run(*given, "--out", out)
    assert (made / "t.csv").read_bytes() == before
    assert not (made / "ws" / "out.csv").exists()


def test_whatever_a_table_comes_in_the_predictions_are_the_same(made, tmp_path):
    told = Project(made / "ws").predict(made / "t.csv")
    names, rows = HEADER[2:5], [row[2:5] for row in lines()]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    days = [datetime.fromisoformat(day) for day in columns["day"]]
    pq.write_table(pa.table(columns | {"day": days}), tmp_path / "t.parquet")
    with sqlite3.connect(tmp_path / "t.sqlite") as database:
        database.execute("create table t (town, size, day)")
        database.executemany("insert into t values (?, ?, ?)", rows)
    database.close()
    query = DatabaseQuery(f"sqlite:///{tmp_path / 't.sqlite'}", "select * from t order by rowid")
    for table in (columns, columns | {"out.csv": rows[0] * 40}, tmp_path / "t.parquet", query):
        found = Project(made / "ws").predict(table)
        assert (found["rows_by"], found["rows"]) == ("row", list(range(1, 121)))
        for name in ("predictions", "probabilities"):
            assert found[name] == told[name]
        written = Project(made / "ws").predict_to(tmp_path / "out.csv", table)
        assert written["rows_written"] == 120
    columns["size"][7] = "secret"
    with pytest.raises(BadInput, match="^Row 8 of .* has no number in the column 'size'"):
        Project(made / "ws").predict(columns)


def test_a_client_of_the_served_model_gives_days_since_2000(made):
    told = Project(made / "ws").predict(made / "t.csv")
    page = (Path(__file__).parents[3] / "docs/predicting.md").read_text("utf-8")
    documented = {}
    exec(page.partition("```python\n")[2].partition("```")[0], documented)
    days = documented["days"]
    pin_tensorflow()
    import tensorflow as tf

    def feature(value):
        if isinstance(value, str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    examples = []
    for _, _, town, size, day, _ in lines():
        values = {"town": town, "size": size, "day": days(datetime.fromisoformat(day))}
        features = tf.train.Features(feature={name: feature(one) for name, one in values.items()})
        examples.append(tf.train.Example(features=features).SerializeToString())
    (served,) = (made / "ws" / "serving" / "m1").iterdir()
    serve = tf.saved_model.load(str(served)).signatures["serving_default"]
    answer = serve(examples=tf.constant(examples))
    assert [name.decode() for name in answer["classes"].numpy()] == told["predictions"]
    assert answer["probabilities"].numpy().tolist() == told["probabilities"]
    for text in ("1999-12-31T18:00", "2024-02-29T01:30:00.250000", "2024-02-29T01:30:00+05:30"):
        assert days(datetime.fromisoformat(text)) == days_of(text)
    labels = [row[-1] for row in lines()]
    hits = sum(one == two for one, two in zip(told["predictions"], labels, strict=True))
    assert hits > 0.6 * len(labels)
