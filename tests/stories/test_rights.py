"""The rights of a person besides erasure: what they do to rows, models and letters, and their ends.

Each is asked for, told of, and answered; what restricts rows is attacked: a training, somebody
else's deletion, a row of two people, a lifting that nobody was told of.
"""

import csv
import io
import json
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.canonical import read_json
from lineage_store.errors import AlreadyForgotten, BadInput, NothingFound, OnHold
from lineage_store.index import manifest, queue, reading_index
from lineage_store.index.database import read_index
from lineage_store.keys import from_base64
from lineage_store.log import events
from lineage_store.requests import rows_kept_of
from lineage_store.workspace import Workspace
from pipelines.backends.direct import DirectBackend
from pipelines.runs.base_model import find_base
from unweave import Project
from unweave.cli import commands

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    here = tmp_path_factory.mktemp("rights")
    at(here / "workspace").train(write_people(here / "people.csv"), **OPTIONS)
    return here


@pytest.fixture
def root(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # letters without a PDF are made quicker
    shutil.copy(trained / "people.csv", tmp_path / "people.csv")
    return shutil.copytree(trained / "workspace", tmp_path / "workspace")


def rows_in(root, model=None):
    """How many rows a model was trained on and is judged by."""
    with read_index(root / "unweave.sqlite") as connection:
        found = connection.execute(
            "SELECT count(*) FROM rows r JOIN snapshot_parts p ON p.part = r.part "
            "WHERE NOT EXISTS (SELECT 1 FROM lacking l WHERE l.part = r.part "
            "AND l.row_key = r.row_key AND l.snapshot = p.snapshot) AND p.snapshot = "
            "(SELECT snapshot FROM models WHERE state = 'live' ORDER BY ordinal DESC LIMIT 1)"
        )
        return found.fetchone()[0]


def values_of(rows):
    """Values as the gate has them: numbers are numbers."""
    return sorted((row["town"], float(row["size"]), row["label"]) for row in rows)


def letter(root, request, out, *, days=0, language="en"):
    answer = at(root, days=days).requests.letter(request, out=out, language=language)
    text = (out / "letter.txt").read_text()
    assert not re.search(r"None|\{\{|\}\}|\{%|undefined|\( ?\)", text)
    return answer["letter"], text


def test_a_restriction_keeps_rows_from_training_and_from_others_and_says_what_carries_them(
    root, tmp_path
):
    add = at(root).requests.add
    with pytest.raises(BadInput, match="names its ground"):
        add(["p3"], right="restriction")
    with pytest.raises(BadInput, match=r"18\(1\)\(a\)"):
        add(["p3"], right="restriction", ground="17(1)(a)")
    with pytest.raises(BadInput, match="there are erasure"):
        add(["p3"], right="oblivion")
    answer = add(["p3"], right="restriction", ground="18(1)(a)", only=True, requester="Dora Ost")
    assert (answer["state"], answer["right"], answer["kind"]) == (
        "restricted",
        "restriction",
        "subject",
    )
    assert answer["carried_by"] == [{"model": "m1", "rows": 5}]
    assert [one["what"] for one in answer["history"]] == ["request queued", "request restricted"]
    kind, text = letter(root, "q1", tmp_path / "restricted")
    assert kind == "restricted" and "carry what they learnt" in text and "18(1)(a)" in text
    # The next training takes none of the rows in, under this spelling or another.
    assert at(root).train(tmp_path / "people.csv", **OPTIONS)["model_id"] == "m2"
    assert rows_in(root) == 75
    respelled = (tmp_path / "people.csv").read_text().replace("p3,", "P3,")
    (tmp_path / "respelled.csv").write_text(respelled)
    at(root).train(tmp_path / "respelled.csv", **OPTIONS)
    assert rows_in(root) == 75
    # Nor does any that does not name people.
    unnamed = {**OPTIONS, "subject": ()}
    at(root).train(tmp_path / "people.csv", drop=["person"], **unnamed)
    assert rows_in(root) == 75
    # Nobody else's request deletes them: neither at once, nor by the queue.
    with pytest.raises(OnHold, match="restricted .request q1"):
        at(root).forget(["p3"])
    assert add(["p3"], only=True)["warnings"] == [
        "A restriction (Article 18 GDPR) on an id that it names (request q1) keeps it back."
    ]
    add(["p5"], only=True)
    ran = at(root, days=1).requests.run()
    assert [run["requests"] for run in ran["runs"]] == [["q3"]] and not ran["failed"]
    assert at(root).requests.show("q2")["state"] == "waiting"
    assert at(root).requests.show("q1")["state"] == "restricted"


def test_a_restriction_ends_as_its_ground_does_and_the_person_is_told_before(root, tmp_path):
    desk = at(root).requests
    desk.add(["p3"], right="restriction", ground="18(1)(c)", only=True, requester="Dora Ost")
    with pytest.raises(BadInput, match="told before"):
        desk.lift("q1")
    with pytest.raises(BadInput, match="claims over, taken back"):
        desk.announce_lift("q1", because="verified", on="2026-06-01", out=tmp_path / "no")
    with pytest.raises(BadInput, match="a day that is to come"):
        desk.announce_lift("q1", because="claims over", on="2026-05-20", out=tmp_path / "no")
    assert not (tmp_path / "no").exists()
    with pytest.raises(BadInput, match="tell the person of its end first"):
        desk.refuse("q1", ground="18(1)", reason="x", out=tmp_path / "no")
    answer = desk.announce_lift("q1", because="claims over", on="2026-06-01", out=tmp_path / "told")
    assert (answer["state"], answer["letter"]) == ("to be lifted", "to-be-lifted")
    text = (tmp_path / "told" / "letter.txt").read_text()
    assert "on 1 June 2026" in text and "legal claims" in text and "Articles 77 and 79" in text
    assert "1. Juni 2026" in letter(root, "q1", tmp_path / "de", language="de")[1]
    with pytest.raises(BadInput, match="lift it then"):
        at(root, days=3).requests.lift("q1")
    done = at(root, days=13).requests.lift("q1")
    assert done["state"] == "lifted" and done["carried_by"] == []
    assert letter(root, "q1", tmp_path / "lifted", days=13)[0] == "lifted"
    assert at(root).train(tmp_path / "people.csv", **OPTIONS)["model_id"] == "m2"
    assert rows_in(root) == 80
    assert at(root).forget(["p3"])["rows_found"] == 10 // 2


def test_rows_are_kept_out_of_the_models_sealed_and_can_be_put_back(root, tmp_path):
    desk = at(root).requests
    desk.add(["p3"], right="restriction", ground="18(1)(b)", only=True, keep_rows=True)
    desk.add(["p5"], only=True)
    before = at(root).predict(tmp_path / "people.csv")
    ran = at(root, days=1).requests.run()
    assert sorted(run["requests"] for run in ran["runs"]) == [["q1"], ["q2"]]
    answer = at(root, days=1).requests.show("q1")
    assert (answer["state"], answer["taken_out"]) == ("restricted", "r2") or answer[
        "taken_out"
    ] == "r1"
    assert answer["carried_by"] == [] and rows_in(root) == 70
    assert "sealed" in letter(root, "q1", tmp_path / "kept", days=1)[1]
    # The certificate does not say that they are gone, and that of the erasure says no such thing.
    said = {
        run: json.loads(
            from_base64(read_json(root / f"requests/{run}/certificate.json")["payload"])
        )
        for run in ("r1", "r2")
    }
    kept = {run: str(one["predicate"]["not_covered"]).count("sealed") for run, one in said.items()}
    assert kept == {answer["taken_out"]: 1, ({"r1", "r2"} - {answer["taken_out"]}).pop(): 0}
    # They lie sealed, nobody reads them without the secret, and the audit is content.
    file = root / "keys" / "restricted" / "q1.json"
    assert b"p3" not in bytes.fromhex(read_json(file)["sealed"])
    assert len(rows_kept_of(Workspace(root), "q1")) == 5
    assert at(root, days=1).audit()["ok"]
    # No training takes them in, and nobody else's deletion ends them.
    at(root, days=1).train(tmp_path / "people.csv", **OPTIONS)
    assert rows_in(root) == 70
    # Told and lifted, they are put back into a file that is trained on.
    at(root, days=2).requests.announce_lift(
        "q1", because="consent", on="2026-06-01", out=tmp_path / "told"
    )
    late = at(root, days=20)
    with pytest.raises(BadInput, match="name a file to put them back"):
        late.requests.lift("q1")
    lifted = late.requests.lift("q1", put_back=tmp_path / "back.csv")
    assert lifted["state"] == "lifted" and lifted["rows"] == 5 and not file.exists()
    with (tmp_path / "people.csv").open() as stream:
        theirs = [row for row in csv.DictReader(stream) if row["person"] == "p3"]
    with (tmp_path / "back.csv").open() as stream:
        back = list(csv.DictReader(stream))
    assert values_of(back) == values_of(theirs) and {row["person"] for row in back} == {"p3"}
    late.train([tmp_path / "people.csv"], **OPTIONS)
    assert rows_in(root) == 75
    assert before["model_id"] == "m1"


def test_a_row_of_two_people_is_not_deleted_while_one_of_them_is_restricted(tmp_path):
    table = tmp_path / "loans.csv"
    lines = [["one", "two", "town", "label"]]
    for n in range(60):
        lines.append([f"a{n % 10}", f"b{n % 6}" if n % 3 else "", "ABC"[n % 3], "xy"[n % 2]])
    table.write_text("".join(",".join(line) + "\n" for line in lines))
    root = tmp_path / "workspace"
    options = {**OPTIONS, "subject": ["one", "two"]}
    at(root).train(table, **options)
    at(root).requests.add(["b1"], right="restriction", ground="18(1)(a)", only=True)
    with pytest.raises(OnHold, match="of somebody, too, who is restricted"):
        at(root).forget(["a1"])
    together = {line[1] for line in lines if line[0] == "a1"} - {""}
    assert at(root).plan(["a1"])["others"] == len(together) > 0
    answer = at(root).requests.add(["a1"], only=True)
    assert "of somebody, too, who is restricted (request q1" in answer["warnings"][0]
    ran = at(root).requests.run()
    assert ran["runs"] == [] and ran["waiting"] == [{"request": "q2", "for": ["q1"]}]
    # Access shows that the row is somebody else's, and not whose.
    at(root).requests.add(["a1"], right="access", only=True)
    at(root).requests.answer_pack("q3", out=tmp_path / "access")
    page = (tmp_path / "access" / "your-data.html").read_text()
    assert "yours and another person&#39;s" in page and not re.search(r"\bb[0-5]\b", page)
    assert "another person" in (tmp_path / "access" / "letter.txt").read_text()


def test_an_objection_restricts_until_it_is_weighed(root, tmp_path):
    desk = at(root).requests
    answer = desk.add(["p3"], right="objection", only=True, requester="Dora Ost")
    assert (answer["state"], answer["ground"]) == ("to be weighed", "21(1)")
    assert "while we weigh" in letter(root, "q1", tmp_path / "weigh")[1].lower()
    with pytest.raises(OnHold):
        at(root).forget(["p3"])
    assert at(root).requests.run()["runs"] == []
    assert desk.uphold("q1")["state"] == "waiting"
    with pytest.raises(OnHold):  # it is that request's to erase, and nobody else's
        at(root).forget(["p3"])
    assert at(root).requests.run()["runs"][0]["requests"] == ["q1"]
    done = desk.show("q1")
    assert done["state"] == "done" and len(done["certificates"]) == 1
    desk.answer_pack("q1", out=tmp_path / "done")
    assert "you objected" in (tmp_path / "done" / "letter.txt").read_text()
    with read_index(root / "unweave.sqlite") as connection:
        assert manifest.restricted_by(connection) == []


def test_an_objection_upheld_after_its_rows_were_kept_leaves_nothing_of_them(root, tmp_path):
    desk = at(root).requests
    desk.add(["p3"], right="objection", only=True, keep_rows=True)
    desk.run()
    assert (root / "keys" / "restricted" / "q1.json").exists()
    assert desk.uphold("q1")["state"] == "waiting"
    assert not (root / "keys" / "restricted" / "q1.json").exists()
    (settled,) = desk.run()["settled"]
    assert (settled["request"], settled["outcome"], settled["run"]) == ("q1", "done", "r1")
    desk.answer_pack("q1", out=tmp_path / "done")
    assert "is destroyed as well" in (tmp_path / "done" / "letter.txt").read_text()
    with pytest.raises(AlreadyForgotten):
        at(root).forget(["p3"])


def test_an_objection_that_is_overridden_is_a_refusal_and_lifted_once_it_was_told(root, tmp_path):
    desk = at(root).requests
    desk.add(["p3"], right="objection", only=True)
    with pytest.raises(BadInput, match="names its reason"):
        desk.announce_lift("q1", because="overridden", on="2026-05-25", out=tmp_path / "no")
    desk.announce_lift(
        "q1", because="overridden", on="2026-05-25", reason="fraud is fought", out=tmp_path / "told"
    )
    text = (tmp_path / "told" / "letter.txt").read_text()
    assert "fraud is fought" in text and "Article 21(1)" in text and "Articles 77 and 79" in text
    assert at(root, days=5).requests.lift("q1")["state"] == "refused"
    for file in root.rglob("*"):
        assert not file.is_file() or b"fraud is fought" not in file.read_bytes(), file


def test_against_marketing_nothing_is_weighed_and_a_withdrawal_erases(root, tmp_path):
    desk = at(root).requests
    assert desk.add(["p3"], right="objection", ground="21(2)", only=True)["state"] == "waiting"
    answer = desk.add(["p4"], right="withdrawal", only=True)
    assert (answer["state"], answer["ground"]) == ("waiting", "17(1)(b)")
    answer = desk.add(["p6"], ground="17(1)(d)", only=True)
    assert (answer["right"], answer["ground"]) == ("erasure", "17(1)(d)")
    assert "withdrawal of consent" in letter(root, "q2", tmp_path / "came")[1]
    assert at(root).requests.run()["runs"][0]["requests"] == ["q1", "q2", "q3"]
    desk.answer_pack("q1", out=tmp_path / "q1", language="de")
    assert "für Direktwerbung widersprochen" in (tmp_path / "q1" / "letter.txt").read_text()
    desk.answer_pack("q2", out=tmp_path / "q2")
    assert "you withdrew your consent" in (tmp_path / "q2" / "letter.txt").read_text()


def test_access_is_a_page_and_tables_and_portability_only_what_was_provided(root, tmp_path):
    desk = at(root).requests
    desk.describe(name="Acme GmbH", purposes="who stays", retention="two years", source="you")
    desk.add(["p3"], right="access", only=True, came_by="e-mail", requester="Dora Ost")
    desk.add(["p3"], right="portability", only=True)
    assert at(root).requests.run()["runs"] == []
    answer = desk.answer_pack("q1", out=tmp_path / "access")
    assert answer["state"] == "done" and "your-data.zip" in answer["files"]
    assert any("e-mail" in one for one in answer["before_sending"])
    assert any("transfers" in one for one in answer["warnings"])
    text = (tmp_path / "access" / "letter.txt").read_text()
    for said in ("5 rows", "who stays", "two years", "Articles 16 to 18"):
        assert said in text
    page = (tmp_path / "access" / "your-data.html").read_text()
    assert page.count("<tr>") == 6 and "town" in page and str(root) not in page
    with zipfile.ZipFile(tmp_path / "access" / "your-data.zip") as archive:
        assert archive.namelist() == ["your-data.html", "m1.csv"]
        table = list(csv.DictReader(io.StringIO(archive.read("m1.csv").decode())))
    with (tmp_path / "people.csv").open() as stream:
        theirs = [row for row in csv.DictReader(stream) if row["person"] == "p3"]
    assert values_of(table) == values_of(theirs)
    with pytest.raises(BadInput, match="answered by a pack"):
        desk.answer_pack("q1", out=tmp_path / "again")
    with pytest.raises(BadInput, match="none of the models"):
        desk.answer_pack("q2", out=tmp_path / "no", provided=["nothing"])
    desk.answer_pack("q2", out=tmp_path / "portable", provided=["town"])
    with zipfile.ZipFile(tmp_path / "portable" / "portable.zip") as archive:
        rows = json.loads(archive.read("m1.json"))
        assert [*rows[0]] == ["town"] and archive.read("m1.csv").startswith(b"town\r\n")
    desk.add(["p4"], right="portability", only=True)
    desk.answer_pack("q3", out=tmp_path / "usual")
    with zipfile.ZipFile(tmp_path / "usual" / "portable.zip") as archive:
        assert [*json.loads(archive.read("m1.json"))[0]] == ["town", "size"]  # never the label


def test_a_rectification_forgets_lets_in_again_and_trains_as_one(root, tmp_path):
    desk = at(root).requests
    answer = desk.add(["p3"], right="rectification", only=True, requester="Dora Ost")
    assert answer["state"] == "to be corrected" and desk.run()["runs"] == []
    table = tmp_path / "people.csv"
    with pytest.raises(BadInput, match="no column"):  # what cannot be trained on leaves it waiting
        at(root).train(table, **{**OPTIONS, "label": "nothing"}, rectifies="q1")
    assert desk.show("q1")["state"] == "to be corrected"
    text = table.read_text().replace("p3,A", "p3,B").replace("p3,C", "p3,B")
    table.write_text(text)
    made = at(root).train(table, **OPTIONS, rectifies="q1")
    assert made["rectifies"] == "q1" and rows_in(root) == 80
    done = desk.show("q1")
    assert (done["state"], done["taken_out"], len(done["certificates"])) == ("done", "r1", 1)
    with read_index(root / "unweave.sqlite") as connection:
        live = connection.execute("SELECT id FROM models WHERE state = 'live'").fetchall()
    assert [row[0] for row in live] == ["m2", made["model_id"]]
    desk.add(["p3"], right="access", only=True)
    desk.answer_pack("q2", out=tmp_path / "access")
    page = (tmp_path / "access" / "your-data.html").read_text()
    assert "<td>B</td>" in page and "<td>A</td>" not in page and "<td>C</td>" not in page
    answer = desk.answer_pack("q1", out=tmp_path / "done")
    assert answer["letter"] == "rectified" and "certificate.json" in answer["files"]
    with pytest.raises(BadInput, match="that is to be corrected"):
        at(root).train(table, **OPTIONS, rectifies="q1")


def test_what_was_erased_and_is_trained_on_again_since_they_agreed_is_no_residue(root, tmp_path):
    at(root).forget(["p3"])
    at(root).readmit(["p3"])
    at(root).train(tmp_path / "people.csv", **OPTIONS)
    assert at(root).audit()["findings"] == []


def test_access_of_nobody_and_of_the_restricted(root, tmp_path):
    desk = at(root).requests
    desk.add(["nobody we know"], right="access", only=True)
    answer = desk.answer_pack("q1", out=tmp_path / "nothing")
    assert answer["state"] == answer["letter"] == "nothing-found"
    assert "access to your personal data" in (tmp_path / "nothing" / "letter.txt").read_text()
    desk.add(["p3"], right="restriction", ground="18(1)(a)", only=True, keep_rows=True)
    desk.run()
    desk.add(["p3"], right="access", only=True)
    desk.answer_pack("q3", out=tmp_path / "kept", language="de")
    page = (tmp_path / "kept" / "your-data.html").read_text()
    assert "versiegelt" in page and page.count("<tr>") == 6


def test_a_refusal_has_a_ground_of_its_right(root, tmp_path):
    desk = at(root).requests
    desk.add(["p3"], right="access", only=True)
    with pytest.raises(BadInput, match=r"15\(4\)"):
        desk.refuse("q1", ground="17(3)(b)", reason="x", out=tmp_path / "no")
    desk.refuse("q1", ground="12(5)(b)", reason="the fifth this week", out=tmp_path / "no")
    text = (tmp_path / "no" / "letter.txt").read_text()
    assert "for access to your personal data" in text and "Article 12(5)(b)" in text


def test_a_restriction_that_waits_for_an_answer_or_a_hold_takes_effect_then(root, tmp_path):
    desk = at(root).requests
    answer = desk.add(["P 3"], right="restriction", ground="18(1)(a)")
    assert answer["state"] == "waiting for an answer" and answer["carried_by"] == []
    answer = desk.answer("q1", also=["1"])
    assert answer["state"] == "restricted" and answer["carried_by"] == [{"model": "m1", "rows": 5}]
    with pytest.raises(BadInput, match="told before that ends"):
        desk.cancel("q1")
    desk.announce_lift("q1", because="taken back", on="2026-05-21", out=tmp_path / "told")
    assert at(root, days=1).requests.lift("q1")["state"] == "lifted"
    with read_index(root / "unweave.sqlite") as connection:
        assert queue.all_queued(connection, open_only=True) == []
        assert manifest.restricted_by(connection) == []
        for table in ("excluded_rows", "excluded_alike"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0


def test_the_command_line_says_what_a_restriction_does(root):
    def run(*args):
        return CliRunner().invoke(commands, [*args, "--workspace", str(root)])

    found = run("request", "add", "p3", "--right", "restriction", "--ground", "18(1)(a)", "--only")
    assert found.exit_code == 0 and "q1 is restricted" in found.output
    assert "Carried still by m1 (5 rows)" in found.output
    assert "keep-rows q1" in found.output
    found = run("request", "keep-rows", "q1", "--json")
    assert json.loads(found.output)["keep_rows"] is True
    assert "restriction" in run("request", "list").output
    assert "Article 18(1)(a)" in run("request", "show", "q1").output
    found = run("describe", "--purposes", "who stays")
    assert "Missing (Article 30(1)): name, contact" in found.output
    with pytest.raises(NothingFound):
        at(root).requests.show("q2")


def test_the_register_ends_after_its_years_and_with_it_the_names_of_staff(root):
    desk = at(root).requests
    desk.add(["p3"], only=True, by="Dora Ost")
    desk.add(["p4"], right="restriction", ground="18(1)(a)", only=True, by="Jan Weber")
    desk.run()
    desk.add(["nobody"], only=True, by="Jan Weber")
    policy = desk.policy
    assert policy.register_years == 3
    at(root, days=365 * 3).requests.run()
    assert at(root).requests.show("q1")["history"][0]["by"] == "Dora Ost"
    at(root, days=365 * 3 + 2).requests.run()
    with pytest.raises(NothingFound):
        at(root).requests.show("q1")
    assert at(root).requests.show("q2")["state"] == "restricted"  # what is open stays
    assert at(root).requests.show("q3")["history"][0]["by"] is None
    with read_index(root / "unweave.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM staff").fetchone()[0] == 0
        bodies = [one.body for one in events.events(connection, kind="register ended")]
    assert bodies == [{"before": "2026-05-21", "requests": 1, "staff": 2}]
    with pytest.raises(AlreadyForgotten):  # who was forgotten is kept out as before
        at(root).forget(["p3"])
    assert at(root, days=365 * 3 + 3).requests.add(["p6"], only=True)["request"] == "q4"


def kept(root, tmp_path):
    """Somebody whose rows were taken out and kept, and who was told of the end."""
    desk = at(root).requests
    desk.add(["p3"], right="restriction", ground="18(1)(a)", only=True, keep_rows=True)
    desk.run()
    desk.announce_lift("q1", because="verified", on="2026-05-21", out=tmp_path / "told")
    return at(root, days=1).requests


def test_rows_are_never_put_back_over_a_file_that_is_there(root, tmp_path):
    desk = kept(root, tmp_path)
    table = (tmp_path / "people.csv").read_bytes()
    with pytest.raises(BadInput, match="is there already"):
        desk.lift("q1", put_back=tmp_path / "people.csv")
    assert (tmp_path / "people.csv").read_bytes() == table
    assert desk.show("q1")["state"] == "to be lifted" and len(rows_kept_of(Workspace(root), "q1"))
    file = (root / "keys" / "restricted" / "q1.json").read_bytes()
    assert desk.lift("q1", put_back=tmp_path / "back.csv")["rows"] == 5
    assert (tmp_path / "back.csv").exists() and file


def test_rows_of_another_table_are_put_back_into_a_file_of_their_own(root, tmp_path):
    other = tmp_path / "other.csv"
    lines = [f"p{n % 16},{'rgb'[n % 3]},{'xy'[n % 2]}" for n in range(48)]
    other.write_text("\n".join(["person,colour,label", *lines]))
    at(root).train(other, **OPTIONS)
    answer = kept(root, tmp_path).lift("q1", put_back=tmp_path / "back.csv")
    assert (answer["rows"], answer["rows_left_out"]) == (8, 0)
    assert answer["put_back_too"] == [str(tmp_path / "back-m1.csv")]
    with (tmp_path / "back.csv").open() as newest, (tmp_path / "back-m1.csv").open() as older:
        assert [row["colour"] for row in csv.DictReader(newest)] == [*"rbg"]
        assert len([row["size"] for row in csv.DictReader(older)]) == 5


def test_rows_that_were_kept_and_are_lost_are_told_and_not_lifted_in_silence(root, tmp_path):
    desk = kept(root, tmp_path)
    assert at(root).doctor()["ok"]
    (root / "keys" / "restricted" / "q1.json").unlink()
    (difference,) = at(root).doctor()["differences"]
    assert (
        "keys/restricted/q1.json from a backup" in difference["what"] and not difference["repaired"]
    )
    assert "are gone" in desk.show("q1")["warnings"][0]
    with pytest.raises(BadInput, match="are gone: restore"):
        desk.lift("q1", put_back=tmp_path / "back.csv")
    assert desk.lift("q1", accept_lost=True)["state"] == "lifted"


def test_another_ground_is_another_request_and_rows_can_be_kept_by_asking_again(root):
    desk = at(root).requests
    desk.add(["p3"], right="objection", only=True)
    answer = desk.add(["p3"], right="objection", ground="21(2)", only=True)
    assert (answer["request"], answer["duplicate"]) == ("q2", False)
    desk.add(["p4"], right="restriction", ground="18(1)(a)", only=True)
    assert not desk.add(["p4"], right="restriction", ground="18(1)(c)", only=True)["duplicate"]
    answer = desk.add(["p4"], right="restriction", ground="18(1)(a)", only=True, keep_rows=True)
    assert answer["duplicate"] and answer["keep_rows"]


def test_who_is_meant_can_be_answered_anew_and_the_gate_knows_it(root, tmp_path):
    desk = at(root).requests
    desk.add(["P 3"], right="restriction", ground="18(1)(a)")
    desk.answer("q1", only=True)
    desk.answer("q1", also=["1"])
    at(root).train(tmp_path / "people.csv", **OPTIONS, admit_alike=True)
    assert rows_in(root) == 75
    desk.answer("q1", only=True)
    at(root).train(tmp_path / "people.csv", **OPTIONS, admit_alike=True)
    assert rows_in(root) == 80


def test_a_restriction_whose_entries_are_lost_is_told_by_the_doctor_and_put_right(root, tmp_path):
    at(root).requests.add(["p3"], right="restriction", ground="18(1)(a)", only=True)
    with closing(sqlite3.connect(root / "unweave.sqlite")) as connection, connection:
        connection.execute("DELETE FROM restricted")
        connection.execute("DELETE FROM excluded_rows")
    (difference,) = at(root).doctor()["differences"]
    assert difference["where"] == "index, request q1"
    assert at(root).doctor(repair=True)["ok"]
    at(root).train(tmp_path / "people.csv", **OPTIONS)
    assert rows_in(root) == 75


def test_rows_that_another_restricts_are_kept_of_both_or_stay(root):
    desk = at(root).requests
    desk.add(["p3"], right="restriction", ground="18(1)(a)", only=True, keep_rows=True)
    desk.add(["p3"], right="objection", only=True)
    assert desk.run()["runs"] == []
    assert "(request q2) keeps it back" in desk.show("q1")["warnings"][0]
    desk.keep_rows("q2")
    assert desk.run()["runs"][0]["requests"] == ["q1", "q2"]
    assert [len(rows_kept_of(Workspace(root), one)) for one in ("q1", "q2")] == [5, 5]


def test_a_row_of_two_that_one_of_them_keeps_is_not_lost_for_the_other(tmp_path):
    table, root = tmp_path / "loans.csv", tmp_path / "workspace"
    lines = [f"a{n % 10},b{n % 6},{'ABC'[n % 3]},{'xy'[n % 2]}" for n in range(60)]
    table.write_text("\n".join(["one,two,town,label", *lines]))
    at(root).train(table, **{**OPTIONS, "subject": ["one", "two"]})
    desk = at(root).requests
    desk.add(["b1"], right="restriction", ground="18(1)(a)", only=True)
    answer = desk.add(["a1"], right="restriction", ground="18(1)(a)", only=True, keep_rows=True)
    assert "who is restricted (request q1" in answer["warnings"][0]
    ran = desk.run()
    assert ran["runs"] == [] and ran["waiting"] == [{"request": "q2", "for": ["q1"]}]
    desk.keep_rows("q1")
    assert desk.run()["runs"][0]["requests"] == ["q1", "q2"]
    assert desk.show("q1")["carried_by"] == desk.show("q2")["carried_by"] == []


def test_nothing_is_trained_from_a_model_that_learnt_from_restricted_rows(root):
    at(root).requests.add(["p3"], right="restriction", ground="18(1)(a)", only=True)
    with reading_index(Workspace(root)) as index, pytest.raises(OnHold, match="keep-rows"):
        find_base(index, Workspace(root), "m1", shards=None, module=None)


def test_nothing_is_called_corrected_that_is_not(root, tmp_path):
    desk, table = at(root).requests, tmp_path / "people.csv"
    desk.add(["nobody"], right="rectification", only=True)
    with pytest.raises(NothingFound, match="nothing to correct"):
        at(root).train(table, **OPTIONS, rectifies="q1")
    assert letter(root, "q1", tmp_path / "nothing")[0] == "nothing-found"
    desk.add(["p3"], right="restriction", ground="18(1)(a)", only=True, keep_rows=True)
    desk.run()
    desk.add(["p3"], right="rectification", only=True)
    with pytest.raises(
        OnHold, match="restricted .request q2"
    ):  # its rows are in no model, but kept
        at(root).train(table, **OPTIONS, rectifies="q3")
    assert desk.show("q3")["state"] == "to be corrected"
    assert len(at(root).models()) == 2


def test_a_model_without_the_corrected_rows_does_not_end_a_rectification(root, tmp_path):
    desk, table = at(root).requests, tmp_path / "people.csv"
    desk.add(["p3"], right="rectification", only=True)
    without = tmp_path / "without.csv"
    lines = table.read_text().splitlines(keepends=True)
    without.write_text("".join(line for line in lines if not line.startswith("p3,")))
    with pytest.raises(NothingFound, match="holds no row of whom q1 names"):
        at(root).train(without, **OPTIONS, rectifies="q1")
    assert desk.show("q1")["state"] == "to be corrected"
    at(root).train(table, **OPTIONS)  # with the rows as they were, in between
    at(root).train(table, **OPTIONS, rectifies="q1")
    done = desk.show("q1")
    assert (done["state"], done["taken_out"]) == ("done", "r2")
    assert [one["deletion"] for one in done["certificates"]] == ["r1", "r2"]


def test_whose_rows_are_kept_is_not_let_in_meanwhile_nor_called_only_forgotten(root):
    desk = at(root).requests
    desk.add(["p3"], right="objection", only=True, keep_rows=True)
    desk.run()
    with pytest.raises(OnHold, match="let in again when that is lifted"):
        at(root).readmit(["p3"])
    with pytest.raises(AlreadyForgotten, match="is restricted .request q1"):
        at(root).trace_subject("p3")
    desk.uphold("q1")
    assert desk.run()["settled"][0]["outcome"] == "done"
    at(root).readmit(["p3"])


def test_what_is_put_back_is_trained_on_beside_the_table_that_it_was_of(root, tmp_path):
    desk, table, back = kept(root, tmp_path), tmp_path / "people.csv", tmp_path / "back.csv"
    with pytest.raises(BadInput, match="cannot be read"):
        desk.lift("q1", put_back=back, beside=tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("person,colour\n")
    with pytest.raises(BadInput, match="has not all columns"):
        desk.lift("q1", put_back=back, beside=tmp_path / "other.csv")
    desk.lift("q1", put_back=back, beside=table)
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(line for line in lines if not line.startswith("p3,")))
    at(root).train([table, back], **OPTIONS)
    assert rows_in(root) == 80


def test_rows_that_were_named_by_their_ids_come_back_with_them_and_as_whose_they_are(tmp_path):
    table, root = write_people(tmp_path / "people.csv"), tmp_path / "workspace"
    head, *lines = table.read_text().splitlines()
    table.write_text("\n".join([f"id,{head}", *(f"R{n},{one}" for n, one in enumerate(lines))]))
    at(root).train(table, **OPTIONS, row_id="id")
    desk = at(root).requests
    desk.add(["R3"], rows=True, right="restriction", ground="18(1)(a)", keep_rows=True)
    desk.run()
    desk.announce_lift("q1", because="verified", on="2026-05-21", out=tmp_path / "told")
    at(root, days=1).requests.lift("q1", put_back=tmp_path / "back.csv", beside=table)
    with (tmp_path / "back.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert (row["id"], row["person"]) == ("R3", "p3")
