"""What is sent to a person: a true letter, their own certificate and receipt, a page to check."""

import html
import json
import os
import re
import shutil
import stat
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput, NothingFound
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
    told = at(root, days=2).requests.answer_pack("q2", out=tmp_path / "q2", to="María Peña")
    assert told["letter"] == "done" and "Acme" in words_of(tmp_path / "q2")
    names = {"letter.txt", "letter.html", "certificate.json", "receipt.json", "public.pem",
             "verify.html"} | ({"letter.pdf"} if browser() else set())  # fmt: skip
    assert set(told["files"]) == {one.name for one in (tmp_path / "q2").iterdir()} == names
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
    told = at(root).requests.answer_pack("q1", out=tmp_path / "q1")
    numbered = [f"{what}-{n}" for n in (1, 2) for what in ("certificate", "receipt")]
    assert {f"{name}.json" for name in numbered} <= set(told["files"])
    assert {"verify-1.html", "verify-2.html"} <= set(told["files"])
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
            told = at(root, days=days).requests.letter("q1", out=out, language=language)
            assert told["letter"] == kind and "Dora Ost" in words_of(out)
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
    told = at(root).requests.refuse(
        "q1", ground="17(3)(b)", reason="tax law wants it kept until 2031", out=tmp_path / "q1"
    )
    text = words_of(tmp_path / "q1")
    for said in ("Article 17(3)(b)", "tax law wants it kept", "the LfDI", "Articles 77 and 79"):
        assert said in text
    assert told["state"] == at(root).requests.show("q1")["state"] == "refused"
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
    told = at(root).requests.answer_pack("q1", out=tmp_path / "none")
    assert told["letter"] == "nothing-found" and "certificate.json" not in told["files"]
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
    assert found.exit_code == 0 and "[ ] the recipients" in found.output


def judged(page, receipt, subject, tmp_path):
    """What a browser says of a page, given a receipt and an id."""
    text = page.read_text().replace(
        "</body>",
        f"<script>check({json.dumps(receipt)}, {json.dumps(subject)})"
        ".then(() => document.title = 'judged');</script></body>",
    )
    (tmp_path / "tried.html").write_text(text)
    told = subprocess.run(
        [*headless(browser(), profile=tmp_path / "profile"), "--virtual-time-budget=20000",
         "--dump-dom", (tmp_path / "tried.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True, env={**os.environ},
    ).stdout  # fmt: skip
    assert "<title>judged</title>" in told
    return re.search(r'<div id="found"[^>]*>(.*?)</div>', told, re.S)[1]


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
