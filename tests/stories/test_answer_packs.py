"""What is sent to a person: a true letter, their own certificate and receipt, a page to check."""

import html
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import queue_changes
from lineage_store.keys import canonical_id
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify
from unweave.cli import commands
from unweave.letters.verify_page import WORDS
from unweave.report.pdf import browser, headless

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)
NEEDS_A_BROWSER = pytest.mark.skipif(browser() is None, reason="no Chromium is on the PATH")


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    here = tmp_path_factory.mktemp("packs")
    at(here / "workspace").train(write_people(here / "people.csv"), **OPTIONS)
    return here / "workspace"


@pytest.fixture
def root(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "workspace")


@pytest.fixture
def no_browser(monkeypatch):
    """Letters that are not looked at as PDF are made quicker without."""
    monkeypatch.setenv("PATH", "")


def words_of(folder):
    text = (folder / "letter.txt").read_text()
    assert not re.search(r"None|\{\{|\}\}|\{%|undefined", text)
    page = (folder / "letter.html").read_text()
    for line in filter(None, text.splitlines()):
        assert line in html.unescape(page), line
    return text


def test_after_a_joint_run_each_gets_their_own_and_nobody_else_s(root, tmp_path):
    for person in ("p3", "p5"):
        at(root).requests.add([person], only=True, received="2026-05-11", requester="Dora Ost")
    at(root, days=1).requests.run()
    at(root).requests.describe(name="Acme GmbH", contact="Hauptstr. 1, Ulm", authority="LfDI")
    answer = at(root, days=2).requests.answer_pack("q2", out=tmp_path / "q2", to="María Peña")
    assert answer["letter"] == "done" and "Acme" in words_of(tmp_path / "q2")
    names = {"letter.txt", "letter.html", "certificate.json", "receipt.json", "public.pem",
             "verify.html"} | ({"letter.pdf"} if browser() else set())  # fmt: skip
    assert set(answer["files"]) == {one.name for one in (tmp_path / "q2").iterdir()} == names
    assert stat.S_IMODE((tmp_path / "q2").stat().st_mode) == 0o700
    text = words_of(tmp_path / "q2")
    for said in ("Dear María Peña", "22 May 2026", "on 11 May 2026", "On 21 May 2026 5 rows"):
        assert said in text
    proved = verify(
        tmp_path / "q2" / "certificate.json", public_key=tmp_path / "q2" / "public.pem",
        receipt=tmp_path / "q2" / "receipt.json", subject="p5",
    )  # fmt: skip
    assert proved["ok"] and proved["speaks_of_subject"]
    own = (root / "requests" / "r1" / "certificates" / "002.json").read_bytes()
    assert (tmp_path / "q2" / "certificate.json").read_bytes() == own
    # A receipt is handed out once: asked again, the pack says when that was.
    again = at(root, days=3).requests.answer_pack("q2", out=tmp_path / "again", language="de")
    assert "receipt.json" not in again["files"]
    assert "There is no receipt.json: the receipt r1-002 was handed out" in again["warnings"][-1]
    german = words_of(tmp_path / "again")
    assert "am 22. Mai 2026 ausgehändigt" in german and "Sehr geehrte" in german
    with pytest.raises(BadInput, match="is not empty"):
        at(root).requests.answer_pack("q1", out=tmp_path / "q2")
    with pytest.raises(BadInput, match="outside of it"):
        at(root).requests.answer_pack("q1", out=root / "sent")
    assert at(root).requests.show("q1")["certificates"][0]["receipt_until"] is not None


def test_a_request_for_several_people_has_numbered_proofs(root, tmp_path, no_browser):
    at(root).requests.add(["p1", "p2"], only=True)
    at(root).requests.run()
    answer = at(root).requests.answer_pack("q1", out=tmp_path / "q1")
    numbered = [f"{what}-{n}" for n in (1, 2) for what in ("certificate", "receipt")]
    assert {f"{name}.json" for name in numbered} <= set(answer["files"])
    assert {"verify-1.html", "verify-2.html"} <= set(answer["files"])
    for place, person in enumerate(("p1", "p2"), start=1):
        assert verify(
            tmp_path / "q1" / f"certificate-{place}.json", public_key=at(root).public_key,
            receipt=tmp_path / "q1" / f"receipt-{place}.json", subject=person,
        )["ok"]  # fmt: skip


def test_each_state_has_its_letter_in_both_languages(root, tmp_path, no_browser):
    queue = at(root).requests
    queue.add(["p4"], only=True, received="2026-05-18", requester="Dora Ost")

    def written(days, kind, *said):
        for language in ("en", "de"):
            out = tmp_path / f"{kind}-{language}"
            answer = at(root, days=days).requests.letter("q1", out=out, language=language)
            assert answer["letter"] == kind and "Dora Ost" in words_of(out)
        text = words_of(tmp_path / f"{kind}-en")
        for one in said:
            assert one in text
        return text

    written(0, "received", "reached us on 18 May 2026", "by 18 June 2026")
    queue.ask_more("q1", doubt="two people <of> that name")
    written(0, "more-needed", "two people <of> that name", "Article 12(6)")
    queue.not_identified("q1")
    assert "Articles 77 and 79" in written(0, "cannot-identify", "Article 11(2)")
    at(root, days=3).requests.more_came("q1")
    at(root, days=3).requests.extend("q1", because="complexity")
    written(3, "extended", "by 22 June 2026", "by 21 August 2026", "complexity")
    at(root, days=3).requests.hold("q1", reason="a lawsuit goes on", until="2026-07-01")
    assert "Articles 77 and 79" in written(3, "held", "a lawsuit goes on", "1 July 2026")
    with pytest.raises(BadInput, match="there is a pack when it is over"):
        at(root, days=3).requests.answer_pack("q1", out=tmp_path / "early")
    assert not (tmp_path / "early").exists()
    at(root, days=3).requests.cancel("q1")
    with pytest.raises(BadInput, match="nothing to answer"):
        at(root, days=3).requests.letter("q1", out=tmp_path / "late")


def test_a_refusal_names_its_ground_and_reason_and_keeps_neither(root, tmp_path, no_browser):
    at(root).requests.add(["p6"], only=True)
    with pytest.raises(BadInput, match="one of 17"):
        at(root).requests.refuse("q1", ground="mine", reason="x", out=tmp_path / "no")
    with pytest.raises(BadInput, match="names its reason"):
        at(root).requests.refuse("q1", ground="17(3)(b)", reason=" ", out=tmp_path / "no")
    at(root).requests.describe(name="Acme GmbH", authority="the LfDI")
    answer = at(root).requests.refuse(
        "q1", ground="17(3)(b)", reason="tax law wants it kept until 2031", out=tmp_path / "q1"
    )
    text = words_of(tmp_path / "q1")
    for said in ("Article 17(3)(b)", "tax law wants it kept", "the LfDI", "Articles 77 and 79"):
        assert said in text
    assert answer["state"] == at(root).requests.show("q1")["state"] == "refused"
    assert "q1" not in [one["request"] for one in at(root).requests.list()["requests"]]
    holding = [path for path in root.rglob("*") if path.is_file()
               and b"tax law" in path.read_bytes()]  # fmt: skip
    assert holding == []
    with pytest.raises(BadInput, match="was refused"):
        at(root).requests.letter("q1", out=tmp_path / "again")
    assert at(root).requests.run()["runs"] == []


def test_nothing_found_and_approximate_are_told_as_they_are(root, tmp_path, no_browser):
    at(root).requests.add(["nobody"], only=True)
    at(root).requests.run()
    answer = at(root).requests.answer_pack("q1", out=tmp_path / "none")
    assert answer["letter"] == "nothing-found" and "certificate.json" not in answer["files"]
    assert "no model that we use was trained on data" in words_of(tmp_path / "none")


def test_own_templates_go_first_and_another_law_needs_them(root, tmp_path, no_browser):
    at(root).requests.add(["p7"], only=True)
    own = root / "letters" / "en"
    own.mkdir(parents=True)
    (own / "received.j2").write_text("Got it\n\nIt came {{ facts.received | day }}.\n")
    at(root).requests.letter("q1", out=tmp_path / "own")
    assert "It came 20 May 2026." in words_of(tmp_path / "own")
    for number, wrong in enumerate(
        ("x\n\n{{ facts.secret }}", "x\n\n{{ facts.__class__.__mro__ }}", "x\n\n{% if %}", "{{")
    ):
        (own / "received.j2").write_text(wrong)
        with pytest.raises(BadInput, match="cannot be written"):
            at(root).requests.letter("q1", out=tmp_path / f"wrong-{number}")
    rules = at(root).requests.policy
    at(root).requests.set_policy(replace(rules, regime="ccpa"))
    at(root).requests.add(["p8"], only=True)
    (own / "received.j2").unlink()
    with pytest.raises(BadInput, match="speak of the GDPR"):
        at(root).requests.letter("q2", out=tmp_path / "ccpa")


def test_the_commands_write_what_is_sent(root, tmp_path, no_browser):
    runner, there = CliRunner(), ["--workspace", str(root)]
    at(root).requests.add(["p9"], only=True)
    found = runner.invoke(commands, ["describe", "--name", "Acme", *there])
    assert found.exit_code == 0 and "not described yet" in found.output
    found = runner.invoke(
        commands, ["request", "letter", "q1", "--out", str(tmp_path / "a"), *there]
    )
    assert found.exit_code == 0 and "letter.html" in found.output and "describe" in found.output
    at(root).requests.run()
    found = runner.invoke(
        commands, ["request", "answer-pack", "q1", "--out", str(tmp_path / "b"), *there]
    )
    assert found.exit_code == 0 and "[ ] whoever took data" in found.output


def judged(page, receipt, subject, tmp_path):
    """What a browser says of a page, given a receipt and an id."""
    text = page.read_text().replace(
        "</body>",
        f"<script>check({json.dumps(receipt)}, {json.dumps(subject)})"
        ".then(() => document.title = 'judged');</script></body>",
    )
    (tmp_path / "tried.html").write_text(text)
    printed = subprocess.run(
        [*headless(browser(), profile=tmp_path / "profile"), "--virtual-time-budget=20000",
         "--dump-dom", (tmp_path / "tried.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True, env={**os.environ},
    ).stdout  # fmt: skip
    assert "<title>judged</title>" in printed
    return re.search(r'<div id="found"[^>]*>(.*?)</div>', printed, re.S)[1]


@NEEDS_A_BROWSER
def test_the_page_checks_it_in_a_browser_and_can_fail(root, tmp_path):
    for person in ("p3", "p5", "p7"):
        at(root).requests.add([person], only=True)
    at(root).requests.run()
    at(root).requests.answer_pack("q3", out=tmp_path / "q3")
    at(root).requests.answer_pack("q1", out=tmp_path / "q1")
    page, words = tmp_path / "q3" / "verify.html", WORDS["en"]
    receipt = (tmp_path / "q3" / "receipt.json").read_text()
    yes = judged(page, receipt, " p7 ", tmp_path)
    assert words["yes"] in yes and words["exact"] in yes and "5 rows of yours" in yes
    assert words["not_you"] in judged(page, receipt, "p3", tmp_path)
    other = (tmp_path / "q1" / "receipt.json").read_text()
    assert words["another"] in judged(page, other, "p3", tmp_path)
    assert words["no_receipt"] in judged(page, "{}", "p7", tmp_path)
    whole = page.read_text()
    payload = re.search(r'"payload":"([^"]+)"', whole)[1]
    changed = tmp_path / "changed.html"
    flipped = payload[:100] + ("A" if payload[100] != "A" else "B") + payload[101:]
    changed.write_text(whole.replace(payload, flipped))
    assert words["altered"] in judged(changed, receipt, "p7", tmp_path)
    key = re.search(r'const KEY = "([^"]+)"', whole)[1]
    changed.write_text(whole.replace(key, "A" * 43 + "="))
    assert words["altered"] in judged(changed, receipt, "p7", tmp_path)


def test_a_letter_of_an_unknown_request_is_no_letter(root, tmp_path):
    with pytest.raises(NothingFound):
        at(root).requests.letter("q9", out=tmp_path / "x")


# --- What a letter must not say: found by somebody who tried


def trained_on(names, folder):
    """A project with a model of eight rows of each of these people."""
    rows = [f"{names[n % len(names)]},{n % 7},{'xy'[n % 3 == 0]}" for n in range(8 * len(names))]
    (folder / "people.csv").write_text("\n".join(["person,size,label", *rows]) + "\n")
    project = at(folder / "ws")
    project.train(folder / "people.csv", **OPTIONS)
    return project


def text_of(project, request, out):
    """The letter of a pack."""
    project.requests.answer_pack(request, out=out)
    return (out / "letter.txt").read_text()


def test_without_a_certificate_nothing_is_called_exact(root, tmp_path, no_browser):
    at(root).requests.add(["p1"], only=True)
    at(root).requests.run()
    with closing(sqlite3.connect(root / "unweave.sqlite")) as connection, connection:
        connection.execute("DELETE FROM certified")  # as an earlier unweave left it
    answer = at(root).requests.answer_pack("q1", out=tmp_path / "q1")
    assert any("give the person theirs" in one for one in answer["warnings"])
    text = words_of(tmp_path / "q1")
    assert "Enclosed" not in text and "rows of data were erased" not in text


def test_a_run_under_a_clock_that_was_set_back_is_found_all_the_same(root, tmp_path, no_browser):
    at(root, days=1).requests.add(["p1"], only=True)
    at(root, days=1).requests.run()
    at(root).requests.add(["p1"], only=True)
    at(root).requests.run()
    assert [one["deletion"] for one in at(root).requests.show("q2")["certificates"]] == ["r1"]


def test_who_came_back_and_left_no_data_is_given_no_old_proof(root, tmp_path, no_browser):
    at(root).requests.add(["p1"], only=True)
    at(root).requests.run()
    at(root).readmit(["p1"])
    at(root).requests.add(["p1"], only=True)
    at(root).requests.add(["p1", "p2"], only=True)
    at(root).requests.run()
    assert "found no data" in text_of(at(root), "q2", tmp_path / "q2")
    assert at(root).requests.show("q2").get("certificates", []) == []
    assert not (tmp_path / "q2" / "receipt.json").exists()
    partly = text_of(at(root), "q3", tmp_path / "q3")
    assert "(deletion r2)" in partly and "(deletion r1)" not in partly
    assert "1 had no data" in partly and "This is done" not in partly
    assert "(deletion r1)" in text_of(at(root), "q1", tmp_path / "q1")
    assert (tmp_path / "q1" / "receipt.json").exists()


def test_rows_are_called_rows_and_one_that_was_not_there_is_told(tmp_path, no_browser):
    table = tmp_path / "numbered.csv"
    table.write_text("row,person,size,label\n" + "".join(
        f"n{n},p{n % 9},{n % 5},{'xy'[n % 2]}\n" for n in range(60)))  # fmt: skip
    at(tmp_path / "ws").train(table, label="label", subject="person", row_id="row",
                              model_family="naive-bayes", shards=2)  # fmt: skip
    project = at(tmp_path / "ws")
    project.requests.add(["n7", "n99"], rows=True)
    project.requests.add(["n98"], rows=True)
    project.requests.run()
    text = text_of(project, "q1", tmp_path / "q1")
    assert text.count("rows that you named are erased") == 1 and "1 row of data" in text
    assert "Of the 2 rows that you gave us, 1 had no data" in text
    none = text_of(project, "q2", tmp_path / "q2")
    assert "spellings" not in none and "We looked for it under what you told us, and no" in none


def test_spellings_that_are_others_people_s_are_not_called_absent(tmp_path, no_browser):
    names = ["Dora Ost", "dora ost", "Ben Ober", "Ida West"]
    lines = ["person,size,label"] + [
        f"{names[n % 4]},{n % 7},{'xy'[n % 3 == 0]}" for n in range(48)
    ]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    project = at(tmp_path / "ws")
    project.train(tmp_path / "people.csv", **OPTIONS)
    project.requests.add(["DORA OST"], only=True)
    project.requests.add(["nobody at all"])
    project.requests.run()
    others = text_of(project, "q1", tmp_path / "q1")
    assert "and by what we know they are other people's" in others
    assert "under spellings that are alike, and no model" not in others
    assert "under spellings that are alike, and no model" in text_of(project, "q2", tmp_path / "q2")


def test_no_letter_promises_a_day_that_has_passed(root, tmp_path, no_browser):
    at(root).requests.add(["p1"], only=True)
    at(root, days=60).requests.letter("q1", out=tmp_path / "late")
    text = (tmp_path / "late" / "letter.txt").read_text()
    assert "We were to answer it by 22 June 2026" in text and "at the latest" not in text
    at(root).requests.add(["p2"], proposed=True)
    with pytest.raises(BadInput, match="is nobody's"):
        at(root).requests.letter("q2", out=tmp_path / "proposal")


def test_a_letter_alone_encloses_nothing_and_an_expired_receipt_is_said_so(
    root, tmp_path, no_browser
):
    at(root).requests.add(["p1"], only=True)
    at(root).requests.run()
    at(root).requests.letter("q1", out=tmp_path / "alone")
    text = words_of(tmp_path / "alone")
    assert "Enclosed" not in text and "receipt" not in text
    late = text_of(at(root, days=120), "q1", tmp_path / "late")
    assert "There is no receipt for deletion r1 any more" in late
    assert "Enclosed is a signed certificate of it." in late


def test_the_officer_may_ask_to_be_forgotten_like_anybody(tmp_path):
    names = ["Dorothea Ostermann", *(f"person-{n}" for n in range(9))]
    lines = ["person,size,label"] + [
        f"{names[n % 10]},{n % 7},{'xy'[n % 3 == 0]}" for n in range(80)
    ]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    project = at(tmp_path / "ws")
    project.train(tmp_path / "people.csv", **OPTIONS)
    project.requests.describe(officer="Dorothea Ostermann, dpo@example.org")
    project.requests.recipients.add("Dorothea Ostermann")
    project.requests.add(["Dorothea Ostermann"], only=True)
    ran = project.requests.run()
    assert ran["failed"] == [] and len(ran["runs"]) == 1
    assert project.requests.describe()["officer"] == "Dorothea Ostermann, dpo@example.org"


def test_a_number_is_one_id_however_it_is_spelled(tmp_path, no_browser):
    lines = ["person,size,label"] + [
        f"{17850 + n % 9},{n % 7},{'xy'[n % 3 == 0]}" for n in range(72)
    ]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    project = at(tmp_path / "ws")
    project.train(tmp_path / "people.csv", **OPTIONS)
    assert project.requests.add(["17850", "17850.0", " 1.785e4"], only=True)["ids"] == 1
    project.requests.run()
    project.requests.answer_pack("q1", out=tmp_path / "q1")
    known = {"public_key": project.public_key, "receipt": tmp_path / "q1" / "receipt.json"}
    for spelled in ("17850", "17850.0", " 17850", "1.785e4"):
        assert verify(tmp_path / "q1" / "certificate.json", **known, subject=spelled)["ok"]
    assert not verify(tmp_path / "q1" / "certificate.json", **known, subject="017850")["ok"]


@NEEDS_A_BROWSER
def test_the_page_knows_the_spellings_of_a_number_that_python_does(tmp_path, root):
    at(root).requests.add(["p1"], only=True)
    at(root).requests.run()
    at(root).requests.answer_pack("q1", out=tmp_path / "q1")
    texts = ["17850.0", "1.785e4", " 0.50 ", "-0", "-0.0", "1e3", "12e-1", "0.001e5", "1.", "007",
             "+5", "1e-50", "9" * 41, "1.5e2x", "e5", "0e0", "1234.5600", "100e-2",
             "\u0663", "\uff21"]  # fmt: skip
    page = (
        (tmp_path / "q1" / "verify.html")
        .read_text()
        .replace(
            "</body>",
            f"<script>document.title = JSON.stringify({json.dumps(texts)}.map(canonical));</script>"
            "</body>",
        )
    )
    (tmp_path / "tried.html").write_text(page)
    printed = subprocess.run(
        [*headless(browser(), profile=tmp_path / "profile"), "--virtual-time-budget=5000",
         "--dump-dom", (tmp_path / "tried.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    found = json.loads(html.unescape(re.search(r"<title>(.*?)</title>", printed)[1]))
    assert found == [canonical_id(one) for one in texts]


def test_a_refusal_is_sent_when_it_is_ended_and_not_before(root, tmp_path, no_browser, monkeypatch):
    at(root).requests.add(["p1"], only=True)

    def no_room(*_, **__):
        raise OSError("no room")

    monkeypatch.setattr(queue_changes, "refuse", no_room)
    asked = {"ground": "17(3)(b)", "reason": "tax law", "out": tmp_path / "q1"}
    with pytest.raises(OSError, match="no room"):
        at(root).requests.refuse("q1", **asked)
    assert not (tmp_path / "q1").exists() and at(root).requests.show("q1")["state"] == "waiting"
    monkeypatch.undo()
    with pytest.raises(BadInput, match="left by a command that was killed"):
        at(root).requests.refuse("q1", **asked)
    answer = at(root).requests.refuse("q1", **{**asked, "out": tmp_path / "again"})
    assert answer["state"] == "refused" and (tmp_path / "again" / "letter.txt").exists()


def test_words_of_others_stay_within_their_sentence(root, tmp_path, no_browser):
    asked = "Dora\n\nWe will pay you 100 EUR."
    at(root).requests.add(["p1"], only=True, requester=asked)
    at(root).requests.ask_more("q1", doubt="Is it she?\n\nSend money.")
    at(root).requests.letter("q1", out=tmp_path / "q1")
    text = words_of(tmp_path / "q1")
    assert "Dear Dora We will pay you 100 EUR.," in text and "Is it she? Send money.\n" in text
