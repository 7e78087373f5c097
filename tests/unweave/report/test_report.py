"""The report of a deletion: its values, its words, its page, and what must never stand in it.

The workspaces are real, made without TFX: one deletion that is exact for a model and for what was
trained from it, approximate ones whose distance to the twin was measured and was not, one that is
exact by replay, and one that leaves nothing to learn.
"""

import base64
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import SMALL_MODEL
from lineage_store.canonical import canonical_json, digest
from lineage_store.errors import BadInput, CheckFailed, NothingFound, Unfinished
from lineage_store.index.database import open_index, read_index
from lineage_store.keys.signing import load_private_key
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.certificates.envelope import seal
from unlearning.verification import UNMEASURED
from unweave import Project
from unweave.report import words
from unweave.report.page import page
from unweave.report.picture import MOST_COLUMNS, picture
from unweave.report.values import Report, _near, report_of
from unweave.text import answers as text

PEOPLE = tuple(f"Pat Example-{number:02d}" for number in range(12))
PLACES = ("Quernmoor", "Zwickledorf", "Vantablick")
NOON = datetime(2031, 5, 6, 12, 0, tzinfo=timezone.utc)
XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
HEADINGS = [
    "What was asked",
    "What was found",
    "What was done",
    "What comes next",
    "What this proves",
    "What it does not prove",
]


def lines(seed, *, people=PEOPLE, number=150):
    draw = random.Random(seed)
    yield ["number", "person", "age", "place", "label"]
    for row in range(number):
        age = draw.gauss(40, 12)
        person = people[row % len(people)]
        yield [f"id-{seed}-{row:05d}", person, f"{age:.4f}", draw.choice(PLACES),
               "settled" if age > 40 else "roving"]  # fmt: skip


def write(path, table):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(table)
    return path


def read_report(root, request_id):
    connection = read_index(open_workspace(root).index_file)
    try:
        return report_of(open_workspace(root), connection, request_id)
    finally:
        connection.close()


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Workspaces and their reports, by what came of the request; never written to after this."""
    here = tmp_path_factory.mktemp("story")
    tables = [list(lines(1)), list(lines(2, people=PEOPLE[:6]))]
    files = [write(here / f"{number}.csv", table) for number, table in enumerate(tables)]
    project = Project(here / "ws", backend=DirectBackend(), now=lambda: NOON)
    secret = here / "secret"  # by which rows are placed: the same story every time
    secret.write_bytes(bytes(range(32)))
    secret.chmod(0o600)
    options = {"label": "label", "subject": "person", "row_id": "number", "record": "all",
               "slices": 2, "epochs": 2, "batch_size": 16, "key_file": secret,
               "module": SMALL_MODEL}  # fmt: skip
    project.train(files[0], shards=3, **options)
    project.train(files[1], base="m1", **options)
    done = project.forget([PEOPLE[1]], guarantee="exact", reason="asked by the family")
    project.forget([PEOPLE[8]], strategy="amnesiac", replay=True)
    project.forget([PEOPLE[9]], strategy="amnesiac")
    alone = Project(here / "alone", backend=DirectBackend(), now=lambda: NOON)
    alone.train(files[0], shards=1, **options)
    alone.forget(["id-1-00004"], rows=True, replay=True)
    alone.forget(list(PEOPLE), guarantee="exact")
    places = {
        "descent": (here / "ws", "r1"),
        "measured": (here / "ws", "r2"),
        "unmeasured": (here / "ws", "r3"),
        "replayed": (here / "alone", "r1"),
        "withdrawn": (here / "alone", "r2"),
    }
    reports = {name: read_report(*place) for name, place in places.items()}
    return SimpleNamespace(here=here, tables=tables, places=places, reports=reports, done=done)


KINDS = ("descent", "measured", "unmeasured", "replayed", "withdrawn")


@pytest.fixture(params=KINDS)
def report(request, story):
    return story.reports[request.param]


def text_of(element):
    return " ".join("".join(element.itertext()).split())


def test_a_page_is_well_formed_and_needs_nothing_else(report):
    written = page(report)
    root = ElementTree.fromstring(written)
    headings = [
        text_of(one) for one in root.findall(f".//{XHTML}section[@id='officer']//{XHTML}h2")
    ]
    assert headings == HEADINGS
    assert len(root.findall(f".//{XHTML}h1")) == 1
    for one in root.iter():
        assert one.tag.rpartition("}")[2] not in {"script", "link", "img", "iframe", "object"}
        assert not {"src", "href", "style"} & {name.rpartition("}")[2] for name in one.attrib}
    free = written.replace(b"http://www.w3.org/1999/xhtml", b"")
    free = free.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"http" not in free and b"url(" not in free and b"@import" not in free
    ids = re.findall(rb'\bid="([^"]*)"', written)
    assert len(ids) == len(set(ids))


def test_no_id_no_name_and_no_value_stands_in_a_page(report, story):
    written = page(report).decode("utf-8")
    for table in story.tables:
        for number, person, age, place, label in table[1:]:
            for value in (number, person, age, place, label):
                assert value not in written
    assert "asked by the family" not in written
    assert str(story.here) not in written


def test_the_same_report_is_the_same_page(report):
    assert page(report) == page(report)


def test_the_values_are_those_of_the_deletion(story):
    found = story.reports["descent"]
    first, second = found.models
    assert (first.before, first.after) == ("m1", "m3")
    assert (second.before, second.after) == ("m2", "m4")
    assert (second.base.before, second.base.after) == ("m1", "m3")
    assert found.outcome == "exact" and found.subjects == 1
    named = sum(row[1] == PEOPLE[1] for table in story.tables for row in table)
    assert found.rows == named == sum(sum(one.rows_by_split.values()) for one in found.models)
    assert found.proof.position is not None
    withdrawn = story.reports["withdrawn"]
    assert withdrawn.outcome == "withdrawn" and withdrawn.models[0].after is None
    assert story.reports["replayed"].kind == "row"


@pytest.mark.parametrize("kind", ["measured", "unmeasured"])
def test_approximate_is_said_in_the_headline_and_nothing_says_exact(story, kind):
    written = page(story.reports[kind])
    root = ElementTree.fromstring(written)
    (headline,) = root.findall(f".//{XHTML}h1")
    assert text_of(headline[0]).startswith("Approximate")
    assert root.get("class") == "approximate"
    assert "exact" not in text_of(headline).lower()
    assert "equal, byte for byte" not in written.decode()
    rules = re.findall(r"h1 strong \{([^}]*)\}", written.decode())
    assert rules and not any("size" in rule for rule in rules)
    assert not set("✓✔☑✅") & set(written.decode())


def test_what_was_not_measured_says_so(story):
    shown = page(story.reports["unmeasured"]).decode()
    assert "was not measured" in words.headline(story.reports["unmeasured"])[1]
    assert "<dt>result</dt><dd>not measured</dd>" in shown
    first, second = story.reports["measured"].models
    assert second.near == UNMEASURED  # its base is approximate, so there is no twin of it
    assert any("was not measured" in one for one in words.proves(story.reports["measured"]))
    assert first.near != UNMEASURED
    assert words.nearness(first) in page(story.reports["measured"]).decode()
    for one in story.reports.values():
        assert "Not measured for this request." in page(one).decode()


@given(st.floats(0, 1e3), st.floats(1e-3, 1e3))
def test_no_progress_is_said_exactly_where_the_ratio_says_so(story, unlearned, untouched):
    made = story.reports["measured"]
    near = _near({"unlearned": unlearned, "untouched": untouched})  # as it was once certified
    assert near == _near(near)
    changed = replace(made, models=(replace(made.models[0], near=near),))
    texts = [
        " ".join(words.headline(changed)),
        words.nearness(changed.models[0]),
        " ".join(words.proves(changed)),
    ]
    assert all(("no progress" in text) == (unlearned >= untouched) for text in texts)


def test_an_exact_result_says_how_it_is_known(story):
    construction = " ".join(words.proves(story.reports["descent"]))
    replay = " ".join(words.proves(story.reports["replayed"]))
    assert "no second model was trained" in construction
    assert "second model was trained from nothing" in replay
    done, meant = words.headline(story.reports["descent"])
    assert done == "Done, exactly." and "byte for byte" in meant and "never been in the" in meant


def test_every_check_stands_beside_what_it_says_of_the_untouched_model(story):
    for check in story.reports["replayed"].models[0].checks:
        new, untouched = words.controls(check)
        if check.name.startswith("all weights equal"):
            assert new == "it holds" and untouched.startswith("it fails: ")
    assert any(
        words.controls(check)[1].startswith("it fails: ")
        for report in story.reports.values()
        for check in report.models[0].checks
    )


def test_a_request_of_many_models_stays_short_for_the_officer(story):
    one = story.reports["descent"]
    many = replace(one, models=one.models * 20)
    assert (
        len(words.what_was_done(many)) == len(words.what_was_found(many)) == words.MODELS_TOLD + 2
    )
    root = ElementTree.fromstring(page(many))
    assert len(root.findall(f".//{XHTML}article")) == 41  # and the one about the whole request


def test_a_result_that_is_partly_approximate_is_called_approximate(story):
    exact, weak = story.reports["descent"], story.reports["measured"]
    mixed = replace(exact, models=(*exact.models, weak.models[0]))
    assert mixed.outcome == "approximate"
    assert words.headline(mixed) == (
        "Approximate.",
        "1 of 3 models: not what training without these rows gives.",
    )


def test_the_picture_has_a_cell_for_each_shard_and_says_what_became_of_it(report):
    for one in report.models:
        root = ElementTree.fromstring(picture(report, one))
        cells = [c.get("class") for c in root.findall(f".//{SVG}rect") if "cell" in c.get("class")]
        assert len(cells) == len(one.shards)
        assert cells.count("cell kept") == sum(not d.changes for d in one.shards)
        texts = [t.text for t in root.findall(f".//{SVG}text")]
        assert one.before in texts and (one.after or "no model") in texts
        _, _, width, height = map(float, root.get("viewBox").split())
        for box in root.findall(f".//{SVG}rect"):
            assert float(box.get("x")) + float(box.get("width")) <= width
            assert float(box.get("y")) + float(box.get("height")) <= height


def test_the_picture_of_many_shards_keeps_to_those_that_change(story):
    one = story.reports["descent"].models[0]
    touched = next(iter(one.touched))
    shards = tuple(
        replace(touched, shard=n) if n % 100 == 7
        else replace(touched, shard=n, verb="kept", changes=False)
        for n in range(999)
    )  # fmt: skip
    many = replace(one, shards=shards)
    drawn = ElementTree.fromstring(picture(story.reports["descent"], many))
    cells = [c for c in drawn.findall(f".//{SVG}rect") if "cell" in c.get("class")]
    assert len(cells) == 10 <= MOST_COLUMNS
    written = page(replace(story.reports["descent"], models=(many,))).decode()
    assert "989 shards that are like the others are not drawn" in written


def test_what_was_expected_stands_beside_what_it_took(story):
    report = story.reports["replayed"]
    (cost,) = [model.cost for model in report.models if model.before == "m1"]
    assert cost.expected in cost.estimates and cost.expected.steps == cost.planned
    assert cost.timings is not None and cost.timings.total > 0
    written = page(report).decode()
    for value in (f"{cost.expected.seconds:.1f} s", f"{cost.timings.total:.1f} s"):
        assert value in written


def test_a_deletion_by_an_earlier_unweave_tells_the_time_of_its_steps(story):
    report = story.reports["replayed"]
    before = replace(report.models[0].cost, estimates=(), expected=None, timings=None)
    older = replace(report, models=(replace(report.models[0], cost=before),))
    written = page(older).decode()
    assert "in steps" in written and "What each strategy was expected to cost" not in written


@pytest.mark.parametrize("name", ["certificate.json", "plan.json"])
def test_what_is_not_as_it_was_signed_is_not_reported(story, tmp_path, name):
    root = shutil.copytree(story.places["replayed"][0], tmp_path / "ws")
    file = root / "requests" / "r1" / name
    file.write_text(file.read_text().replace("e", "f", 1) if "cert" in name
                    else file.read_text().replace('"steps":', '"steps":1', 1))  # fmt: skip
    with pytest.raises(CheckFailed):
        read_report(root, "r1")
    file.unlink()
    with pytest.raises(CheckFailed, match="restore the workspace"):
        read_report(root, "r1")


def test_only_a_finished_request_has_a_report(story, tmp_path):
    root = shutil.copytree(story.places["replayed"][0], tmp_path / "ws")
    with pytest.raises(NothingFound):
        read_report(root, "r9")
    connection = open_index(root / "unweave.sqlite")
    with connection:
        connection.execute("UPDATE requests SET state = 'running' WHERE id = 'r1'")
    connection.close()
    with pytest.raises(Unfinished):
        read_report(root, "r1")


def test_the_python_api_writes_the_page_and_says_where(story, tmp_path, monkeypatch):
    root, request_id = story.places["measured"]
    answer = Project(root).report(request_id, out=tmp_path / "it.html")
    assert answer == {
        "request_id": request_id,
        "deletion": request_id,
        "outcome": "approximate",
        "models": {one.before: one.outcome for one in story.reports["measured"].models},
        "out": str(tmp_path / "it.html"),
        "pdf": None,
    }
    assert (tmp_path / "it.html").read_bytes() == page(story.reports["measured"])
    with pytest.raises(BadInput, match="ends in .html"):
        Project(root).report(request_id, out=tmp_path / "it.txt")
    with pytest.raises(BadInput, match="make it first"):
        Project(root).report(request_id, out=tmp_path / "none" / "it.html")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="A PDF needs Chromium"):
        Project(root).report(request_id, out=tmp_path / "other.html", pdf=True)
    assert not (tmp_path / "other.html").exists()


def test_a_report_reads_and_leaves_the_workspace_as_it_was(story, tmp_path):
    root = Path(shutil.copytree(story.places["replayed"][0], tmp_path / "ws"))
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    Project(root).report("r1", out=tmp_path / "it.html")
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert {p: b for p, b in after.items() if not p.name.startswith("unweave.sqlite-")} == before


def test_what_is_told_is_escaped(story):
    one: Report = story.reports["replayed"]
    odd = replace(one, models=(replace(one.models[0], why="a < b & c > <d>"),))
    assert "a &lt; b &amp; c &gt; &lt;d&gt;" in page(odd).decode()
    ElementTree.fromstring(page(odd))


def resealed(root, request_id, change):
    """Sign another certificate in place of a request's; `change` alters its predicate."""
    file = root / "requests" / request_id / "certificate.json"
    statement = json.loads(base64.b64decode(json.loads(file.read_bytes())["payload"]))
    change(statement["predicate"])
    file.write_bytes(seal(statement, load_private_key(open_workspace(root).signing_key)))


INTERVALS = {
    kind: {"value": value, "low": value - 0.1, "high": value + 0.1}
    for kind, value in (("untouched", 0.9), ("unlearned", 0.51), ("retrained", 0.5))
}


def test_an_evaluation_is_shown_for_all_three_models_and_bound_by_its_digest(story, tmp_path):
    root = Path(shutil.copytree(story.places["replayed"][0], tmp_path / "ws"))
    found = {
        "why": "the answers are those of the retrained model",
        "findings": [
            {"name": "loss attack", "outcome": "passed", "detail": "area under the curve",
             "measure": {"name": "AUC", "unit": "", **INTERVALS}},
            {"name": "utility", "outcome": "uninformative", "detail": "no harm", "measure": None},
        ],
    }  # fmt: skip
    file = root / "requests" / "r1" / "evaluation-m1.json"
    file.write_bytes(canonical_json(found))
    certified = {"outcome": "passed", "rung": "behaviour", "digest": digest(file.read_bytes())}
    resealed(root, "r1", lambda predicate: predicate["models"][0].update(evaluation=certified))
    report = read_report(root, "r1")
    assert report.proof.position is None  # another certificate than the one that was logged
    written = page(report).decode()
    assert "not found among" in written and "not in the event log" in written
    for value in ("0.9 (0.8 to 1)", "0.51 (0.41 to 0.61)", "0.5 (0.4 to 0.6)", "none"):
        assert value in written
    assert "this was not measured" not in written
    assert any("is called passed, by its behaviour" in line for line in words.proves(report))
    file.write_bytes(canonical_json({**found, "why": "better"}))
    with pytest.raises(CheckFailed, match="evaluation of m1"):
        read_report(root, "r1")


def test_a_promised_exact_result_and_a_kept_promise_are_told(story, tmp_path):
    root = Path(shutil.copytree(story.places["unmeasured"][0], tmp_path / "ws"))
    resealed(root, "r3", lambda p: [one.update(exact_due_by="2031-06-05") for one in p["models"]])
    promised = words.what_comes_next(read_report(root, "r3"))
    assert "An exact result is due by 5 June 2031: unweave run-requests." in promised
    resealed(root, "r1", lambda p: p.update(upgrades=[{"request": "r0", "certificate": "00"}]))
    assert "This makes exact what r0 did approximately." in words.what_was_done(
        read_report(root, "r1")
    )


def test_a_deletion_says_how_to_get_its_report(story):
    assert "  for people  unweave report r1" in text.forgotten(story.done)


HEAVY = ("tensorflow", "keras", "tfx", "apache_beam", "ml_metadata", "sqlite_utils", "networkx")


def command(*arguments, folder):
    """Run a command, and print what heavy modules it has imported as the last line."""
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print([name for name in {HEAVY!r} if name in sys.modules]))\n"
        "from unweave.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    *lines, imported = done.stdout.splitlines()
    assert imported == "[]"
    return done.returncode, lines, done.stderr


def test_the_command_writes_the_page_and_imports_nothing_heavy(story, tmp_path):
    place = ("--workspace", story.places["measured"][0])
    assert command("report", "r2", *place, folder=tmp_path) == (
        0, ["Report of r2 (approximate): report-r2.html"], ""
    )  # fmt: skip
    assert (tmp_path / "report-r2.html").read_bytes() == page(story.reports["measured"])
    status, (line,), errors = command(
        "report", "r1", "--out", "it.html", "--json", *place, folder=tmp_path
    )
    assert (status, errors) == (0, "")
    assert json.loads(line)["models"] == {"m1": "exact", "m2": "exact"}
    status, lines, errors = command("report", "r9", *place, folder=tmp_path)
    assert (status, lines) == (3, [])
    assert errors == "unweave: There is no such request in the workspace.\n"
    assert command("report", "r1", "--out", "it.txt", *place, folder=tmp_path)[0] == 2
