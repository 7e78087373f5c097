"""The benchmarks: the command line, the theory that they compare with, and what they draw."""

import ast
import importlib.util
import itertools
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import (
    builtin_model,
    bytes_written,
    deletion_growth,
    diabetes130,
    mnist,
    one_builtin,
    one_by_one,
    real_tables,
    theory,
)
from benchmarks.bars import Bar, stacked_bars
from benchmarks.chart import Axis, Series, line_chart
from benchmarks.one_project import area_under_curve
from pipelines.backends.direct import DirectBackend
from unweave.api.project import Project

TOP = Path(__file__).parents[2]
HOUSE = ("benchmarks", "lineage_store", "unlearning", "components", "pipelines", "unweave")
SVG = "{http://www.w3.org/2000/svg}"
NAMES = [
    "training-overhead",
    "deletion-cost",
    "partition-speedup",
    "accuracy-shards",
    "coalescing",
    "diabetes130",
    "one-by-one",
    "estimates",
    "load",
    "pipeline-cost",
    "lineage-scale",
    "deletion-history",
    "other-spellings",
    "desk-speed",
    "ingest-rate",
    "closure",
    "placement-cost",
    "large-data",
    "parallel-shards",
    "update-codecs",
    "marginal",
    "amnesiac-experiment",
    "verdicts",
    "poison",
    "scan-speed",
    "examples-rate",
    "gate-rate",
    "deletion-growth",
    "builtin-model",
    "families",
]


needs_mnist = pytest.mark.skipif(mnist.missing() is not None, reason="MNIST is not there")
needs_diabetes = pytest.mark.skipif(not diabetes130.FILE.exists(), reason="the data is not there")


def run(*arguments):
    """Run the command line of the benchmarks."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )


def test_list_names_every_benchmark_and_runs_none():
    done = run("--list")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == NAMES


def test_an_unknown_name_is_refused():
    done = run("no-such-benchmark")
    assert done.returncode == 2
    assert "no-such-benchmark" in done.stderr


def test_the_closure_runs_and_both_sides_agree():
    done = run("closure", "--quick")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert sum("networkx" in line for line in lines) == sum("ours" in line for line in lines) == 2


def test_the_past_grows_and_a_deletion_is_taken_apart():
    done = run("deletion-history", "--quick", "--markdown")
    assert done.returncode == 0, done.stderr
    lines = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if "|" in line]
    assert [line[0] for line in lines[2:]] == [
        "look", "recorded", "ingest", "catch up", "log", "status",
    ]  # fmt: skip
    assert all(float(one) > 0 for line in lines[2:] for one in line[1:])


def test_the_pages_of_the_desk_are_timed_and_the_slowest_named():
    done = run("desk-speed", "--quick", "--markdown")
    assert done.returncode == 0, done.stderr
    lines = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if "|" in line]
    assert len(lines) == 21 and {line[-1] for line in lines[2:]} <= {"met", "not met"}
    assert lines[2][0] in done.stdout.partition("Slowest: ")[2]


def test_every_benchmark_is_in_the_docs():
    page = (TOP / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"| `{name}` |" not in page] == []


def cost_of(cells, *, slices):
    """Count the parts that retraining each touched shard from its earliest slice takes."""
    first = {}
    for cell in cells:
        shard, slice_ = divmod(cell, slices)
        first[shard] = min(slice_, first.get(shard, slice_))
    return sum(sum(range(slice_ + 1, slices + 1)) for slice_ in first.values())


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_the_theory_is_the_mean_over_all_ways_in_which_requests_can_fall(shards, slices, requests):
    ways = itertools.product(range(shards * slices), repeat=requests)
    costs = [cost_of(cells, slices=slices) for cells in ways]
    full = shards * slices * (slices + 1) / 2
    expected = theory.together(requests, shards=shards, slices=slices)
    assert expected == pytest.approx(np.mean(costs) / full)


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 1000))
def test_the_theory_has_the_closed_forms_that_it_names(shards, slices, requests):
    cut = {"shards": shards, "slices": slices}
    assert theory.limit(1, **cut) == pytest.approx(3 * slices * shards / (2 * slices + 1))
    one = (2 * slices + 1) / (3 * slices * shards)
    assert theory.one_by_one(requests, **cut) == pytest.approx(requests * one)
    assert theory.together(requests, **cut) <= min(1, requests * one) + 1e-9


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2))
def test_the_area_under_the_curve_is_the_share_of_pairs_in_order(rows):
    scores, positive = (np.array(column) for column in zip(*rows, strict=True))
    if positive.all() or not positive.any():
        return
    pairs = itertools.product(scores[positive], scores[~positive])
    expected = np.mean([(high > low) + (high == low) / 2 for high, low in pairs])
    assert area_under_curve(scores, positive) == pytest.approx(expected)


X = Axis("requests", ((1, "1"), (10, "10"), (100, "100")), log=True)
Y = Axis("cost in full trainings", ((0, "0"), (1, "1")))


def test_a_chart_is_svg_with_a_mark_for_each_point_and_its_words():
    series = [
        Series("theory <1>", ((1, 0.25), (100, 1)), marks=False, dashed=True),
        Series("measured", ((1, 0), (10, 0.5), (100, 1)), line=False),
    ]
    drawn = line_chart("Cost & time", x=X, y=Y, series=series)
    assert drawn == line_chart("Cost & time", x=X, y=Y, series=series)
    root = ElementTree.fromstring(drawn)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for words in ("Cost & time", X.label, Y.label, "theory <1>", "measured", "100"):
        assert words in texts
    marks = [path.get("transform") for path in root.iter(f"{SVG}path") if path.get("transform")]
    # Half way on both axes: the logarithm of 10 is in the middle of those of 1 and 100.
    assert marks == [
        "translate(84.0 348.0)",
        "translate(410.0 200.0)",
        "translate(736.0 52.0)",
        "translate(427.0 422.0)",  # the legend's
    ]


def test_a_chart_does_not_cut_off_what_lies_outside():
    with pytest.raises(ValueError, match="not on the axis 'requests'"):
        line_chart("", x=X, y=Y, series=[Series("far", ((1000, 1),))])
    with pytest.raises(ValueError, match="at most 4"):
        line_chart("", x=X, y=Y, series=[Series("one", ())] * 5)


def test_the_growth_of_a_deletion_is_measured_in_columns_that_add_up():
    result = deletion_growth.run(quick=True, tell=str, ways=["direct/naive-bayes"])
    (turn,) = result.numbers["turns"]
    (forgotten,) = turn["forget"]
    assert set(forgotten["phases"]) == set(deletion_growth.COLUMNS)
    assert all(forgotten["phases"][name] > 0.05 for name in ("start", "scan", "else"))
    assert turn["train"]["phases"]["steps"] > 0
    assert "scan" not in turn["train"]["phases"]
    assert forgotten["rows_found"] == 1
    assert set(forgotten["written"]) >= {"data", "serving", "unweave.sqlite"}
    assert [line[2] for line in result.rows] == ["train", "forget"]
    (drawn,) = result.figures.values()
    texts = [one.text for one in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert {"train", "forget", "400", *deletion_growth.IN_WORDS} <= set(texts)


def test_a_bar_is_as_high_as_its_parts_and_one_with_other_parts_is_refused():
    bars = [Bar("one", "a", (10.0, 20.0)), Bar("two", "b", (50.0, 0.0))]
    drawn = stacked_bars("Cost & time", label="seconds", parts=("x", "y"), bars=bars)
    root = ElementTree.fromstring(drawn)
    heights = [
        float(one.get("height")) for one in root.iter(f"{SVG}rect")
        if one.get("class") != "paper" and one.get("width") != "14"
    ]  # fmt: skip
    assert heights == pytest.approx([59.2, 118.4, 296.0, 0.0], abs=0.1)  # of 296 for 50
    assert {"30", "50", "Cost & time"} <= {one.text for one in root.iter(f"{SVG}text")}
    with pytest.raises(ValueError, match="each of them a name"):
        stacked_bars("", label="", parts=("x",), bars=bars)


def test_bytes_count_as_written_where_a_file_is_new_or_changed_and_not_where_it_is_linked(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("stays", "grows", "goes"):
        (folder / name).write_bytes(b"12345")
    before = bytes_written.files_of(tmp_path)
    (folder / "linked").hardlink_to(folder / "stays")
    (folder / "grows").write_bytes(b"1234567")
    (folder / "goes").unlink()
    (tmp_path / "tfx" / "forget-r1" / "RowIndexer_m1" / "rows").mkdir(parents=True)
    (tmp_path / "tfx" / "forget-r1" / "RowIndexer_m1" / "rows" / "new").write_bytes(b"123")
    found = bytes_written.written(before, bytes_written.files_of(tmp_path))
    assert found == {"data": 7, "tfx/RowIndexer/rows": 3}


def test_what_benchmarks_import_of_the_house_is_there():
    """Many run by hand alone: what they measure moves, and nobody would know."""
    lacking = [
        f"{file.name}: {node.module}.{one.name}"
        for file in sorted((TOP / "benchmarks").glob("*.py"))
        for node in imports_in(ast.parse(file.read_text(encoding="utf-8")))
        for one in node.names
        if not hasattr(importlib.import_module(node.module), one.name)
        and importlib.util.find_spec(f"{node.module}.{one.name}") is None
    ]
    assert lacking == []


def imports_in(node):
    """The imports from the house, but for those by names of the first commit."""
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.ImportFrom) and one.module.partition(".")[0] in HOUSE:
            yield one
        elif not isinstance(one, ast.ExceptHandler):
            yield from imports_in(one)


def test_of_a_database_the_pages_count_that_say_something_else(tmp_path):
    with closing(sqlite3.connect(tmp_path / "large.sqlite")) as database:
        database.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, text)")
        database.executemany("INSERT INTO rows VALUES (?, ?)", [(n, "x" * 99) for n in range(900)])
        database.commit()
        before = bytes_written.files_of(tmp_path)
        database.execute("UPDATE rows SET text = replace(text, 'x', 'y') WHERE n = 700")
        database.commit()
    after = bytes_written.files_of(tmp_path)
    head_and_row = 2 * bytes_written.PAGE
    assert bytes_written.written(before, after) == {"large.sqlite": head_and_row}
    assert after[next(iter(after))].size > 10 * head_and_row


def test_a_deletion_of_one_row_writes_one_cell_of_each_kind_and_lists(tmp_path, write_csv):
    lines = [[f"p{n}", str(n % 7), "ab"[n % 3 == 0]] for n in range(400)]
    project = Project(tmp_path / "ws", backend=DirectBackend())
    project.train(
        write_csv([["person", "x", "label"], *lines]), label="label", subject="person",
        model_family="naive-bayes", shards=8,
    )  # fmt: skip
    before = bytes_written.files_of(project.root)
    project.forget(["p7"])
    after = bytes_written.files_of(project.root)
    new = [one.name for file, one in after.items() if file not in before]
    for kind, folder in ((".csv", "data"), (".npy", "rows")):
        (cell,) = (name for name in new if folder in name.split("/") and name.endswith(kind))
        assert len([one for one in after.values() if one.name.endswith(kind)]) > 8, cell
    kinds = bytes_written.written(before, after)
    assert {"data", "data (list of cells)", "tfx/m1/rows", "tfx/m1/rows (list of cells)"} <= {
        *kinds
    }


def test_an_interval_covers_the_median_by_the_order_of_the_values_alone():
    assert one_by_one._interval([float(n) for n in range(30, 0, -1)]) == "10.0 to 21.0"
    assert one_by_one._interval([float(n) for n in range(1, 7)]) == "1.0 to 6.0"
    assert one_by_one._interval([1.0] * 5) == "-"


@needs_mnist
def test_coalescing_counts_what_it_computes_and_draws_it(tmp_path):
    done = run("coalescing", "--quick", "--markdown", "--figures", str(tmp_path))
    assert done.returncode == 0, done.stderr
    lines = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| 1")]
    assert [line[0] for line in lines] == ["| 1", "| 10", "| 100"]
    costs = [(float(line[2]), float(line[4])) for line in lines]
    assert costs[0][0] == costs[0][1] < 0.2
    assert all(together < singly for singly, together in costs[1:])
    assert ElementTree.parse(tmp_path / "coalescing.svg").getroot().get("role") == "img"


@needs_mnist
def test_the_speed_up_has_a_line_for_each_partition_and_number_of_rows():
    done = run("partition-speedup", "--quick", "--markdown")
    assert done.returncode == 0, done.stderr
    lines = [line.split(" | ") for line in done.stdout.splitlines()]
    starts = [tuple(line[:3]) for line in lines if line[0] in ("| 1", "| 5")]
    assert starts == list(itertools.product(("| 1", "| 5"), ("1", "5"), ("1", "10")))


@needs_mnist
def test_the_accuracy_against_shards_is_drawn(tmp_path):
    done = run("accuracy-shards", "--quick", "--figures", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "accuracy-shards.svg").read_bytes().startswith(b"<svg")


@needs_diabetes
def test_patients_are_forgotten_through_the_whole_path():
    done = run("diabetes130", "--quick", "--markdown")
    assert done.returncode == 0, done.stderr
    lines = [line.split(" | ")[:2] for line in done.stdout.splitlines() if "| forget" in line]
    assert [line[0] for line in lines] == ["| forget 1", "| forget 10", "| forget 100"]
    assert int(lines[2][1]) >= 100


def test_real_tables_are_read_and_split_and_scored_alike_by_all():
    table = real_tables.digits()
    learn, test = one_builtin.split(len(table.lines), 3)
    assert sorted([*learn, *test]) == [*range(1797)] and len(test) == 359
    read = one_builtin.features(table, learn)
    assert read.shape == (1797, 64)
    assert one_builtin.linear(table, read, learn, test) > 0.9
    assert one_builtin.score(np.array([1.0, 3.0]), np.array([1.0, 3.0]), task="regression") == 1
    lines = [[f"mail {n + 10} today", str(n % 2)] for n in range(40)]
    words = real_tables.RealTable(("text", "label"), lines, "classification")
    assert one_builtin.features(words, np.arange(30)).shape == (40, 32)  # words, not whole texts


def test_a_line_says_whether_the_goal_is_met_and_where_boosting_is_better():
    one = {
        "task": "classification",
        "rows": 100,
        "single": {"score": 0.8},
        "default": {"score": 0.79, "cut": "2 x 4"},
        "linear": 0.805,
        "perceptron": 0.7,
        "boosting": 0.9,
    }
    cells = builtin_model.line("some", [one, one])
    assert cells[3:] == (
        "0.8000", "0.8050", "0.7000", "-0.0050", "met", "0.7900 (2 x 4)", "+0.0100", "**0.9000**",
    )  # fmt: skip
    assert "missed" in builtin_model.line("some", [{**one, "linear": 0.82}])


def test_families_are_compared_and_every_deletion_is_that_of_a_twin():
    done = run("families", "--quick", "--markdown")
    assert done.returncode == 0, done.stderr
    lines = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if "|" in line]
    cells = [(line[0], line[2]) for line in lines[2:]]
    assert cells == [
        ("breast-cancer", "naive-bayes"), ("breast-cancer", "ridge"),
        ("breast-cancer", "logistic"), ("breast-cancer", "forest"),
        ("diabetes", "ridge"), ("diabetes", "forest"),
        ("breast-cancer", "k-means"), ("made", "item-knn"),
    ]  # fmt: skip
    for line in lines[2:]:  # what draws draws otherwise, and the tables are small
        most = 0.06 if line[2] in ("forest", "k-means") else 0.03
        assert float(line[5]) - float(line[4]) < most


def test_the_built_in_model_is_compared_on_the_tables_that_are_there():
    done = run("builtin-model", "--quick", "--markdown")
    assert done.returncode == 0, done.stderr
    lines = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if "|" in line]
    assert [line[0] for line in lines[2:]] == ["breast-cancer", "diabetes", "digits"]
