"""The report as a browser shows it: nothing sticks out, nothing is missing, one page for officers.

Without a Chromium on the PATH these are skipped; test_report.py needs none.
"""

import html
import io
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import pytest
from pypdf import PdfReader

from lineage_store.claim import claim_of
from unlearning.planning.verdicts import Verdict
from unlearning.strategies.shard_decision import ShardDecision
from unlearning.verification import UNMEASURED
from unlearning.verification.controlled import Check
from unweave.letters.letter import Letter
from unweave.report.evaluation import Finding, Judged
from unweave.report.page import page
from unweave.report.pdf import browser, headless, pdf
from unweave.report.values import (
    BaseModel,
    Cost,
    Estimate,
    ModelChange,
    Proof,
    Report,
    ServedRequest,
    Waiting,
)

pytestmark = pytest.mark.skipif(browser() is None, reason="no Chromium is on the PATH")

MEASURE = """
addEventListener('load', () => {
  const found = [...document.querySelectorAll('iframe')].map(frame => {
    const page = frame.contentDocument, wide = page.documentElement.clientWidth;
    const out = [...page.body.querySelectorAll('*')].filter(one => {
      const box = one.getBoundingClientRect();
      return box.width && (box.right > wide + 0.5 || box.left < -0.5);
    }).map(one => one.tagName + '.' + one.getAttribute('class'));
    const sizes = ['h1', 'h1 strong'].map(one =>
      getComputedStyle(page.querySelector(one)).fontSize);
    const lines = [...page.querySelectorAll('h1, h2, h3, dt, th')]
      .filter(one => one.getBoundingClientRect().height).map(one => one.textContent);
    return {wide, full: page.documentElement.scrollWidth, out, sizes, lines,
            small: [...page.querySelectorAll('svg')].filter(
              one => !one.classList.contains('bar')
                && one.getBoundingClientRect().width < one.getAttribute('width') - 0.5).length};
  });
  document.body.textContent = 'MEA' + 'SURED' + JSON.stringify(found) + 'END';
});
"""
LONG = "f" * 64


def change(*, guarantee, number, base=None, near=UNMEASURED, shards=5):
    """One model of a deletion that has as much to tell as there can be."""
    decisions = tuple(
        ShardDecision(n, "subtracted" if n == 1 else "kept", 2 if n == 1 else 4, 1200,
                      "slice 2 loses rows; stages before it never saw them", (1, 2, 3))
        for n in range(shards)
    )  # fmt: skip
    return ModelChange(
        before=f"m{number}",
        after=f"m{number + 10}",
        weights_before=LONG,
        weights_after=LONG,
        claim=claim_of(guarantee),
        basis="by replay" if guarantee == "exact" else None,
        strategy="amnesiac-marginal",
        why="amnesiac-marginal is the strategy that gives approximate results, and measures best",
        rows_by_split={"train": 1234, "eval": 123, "unlabelled": 12},
        slices=4,
        shards=decisions,
        verdicts=tuple(
            Verdict(f"lineage.{kind}", "retained: derived until 2031-06-05",
                    "it was made before any deleted row was seen in its shard", 123_456)
            for kind in ("ExampleStatistics", "Checkpoint", "Update")
        ),
        checks=(
            Check("every stage saw the retained rows and no others", "passed",
                  "it holds, and fails for the untouched model: stage 2 of shard 1 saw other rows"),
            Check("reused checkpoints are the recorded ones", "passed",
                  "18 files have the digests that the ledger recorded"),
        ),
        near=near,
        cost=Cost(
            1_234_567, 1_234_567, 12_345_678, 12.5,
            (Estimate("retrain-shards", "exact", 1_234_567, 1234.5, 123_456_789, None),
             Estimate("amnesiac", "approximate", None, None, None,
                      "its updates were not recorded")),
            {"start": 1.0, "shards": 12.5, "finish": 2.0, "written": 123_456_789.0},
        ),
        metrics_before={"accuracy": 0.9, "log_loss": 0.2, "rows": 12_345},
        metrics_after={"accuracy": 0.9, "log_loss": 0.2, "rows": 12_345},
        derived_until="2031-06-05" if guarantee == "approximate" else None,
        base=base,
        judged=Judged("uninformative", None, "the rows are too few to tell the models apart",
                      (Finding("loss attack on the forgotten rows", "uninformative",
                               "area under the curve", ("0.9 (0.81 to 0.99)",) * 3),)),
        exact_due_by="2031-06-05" if guarantee == "approximate" else None,
    )  # fmt: skip


def full(guarantee="approximate"):
    """A report in which everything is there, and most of it long."""
    models = (
        change(guarantee=guarantee, number=1, near="not closer", shards=36),
        change(guarantee=guarantee, number=2, base=BaseModel("m1", "m11")),
        change(guarantee="exact", number=3, base=BaseModel("m1", None)),
        *(change(guarantee=guarantee, number=n, near="closer") for n in range(4, 8)),
    )
    return Report(
        request_id="r1234",
        requested="2031-05-06T12:00:00+00:00",
        certified="2031-05-06T12:34:00+00:00",
        kind="subject",
        guarantee_asked="approximate",
        strategy_asked=None,
        subjects=1234,
        rows=12_345,
        models=models,
        erasure={"files_scanned": 12_345, "bytes_scanned": 12_345_678_901, "patterns": 12_345,
                 "ids_not_distinctive": 3, "found": 0},
        not_covered=("the source files that the data came from",
                     "copies and backups outside the workspace",
                     "what storage devices keep of overwritten blocks",
                     "what was predicted or derived from the old model before it was replaced"),
        proof=Proof(LONG, LONG, 1234, 2345, "6e7c6e7c6e7c6e7c",
                    {"name": "unweave", "version": "0.1.0", "code": LONG},
                    {"python": "3.11.7", "packages": {"tensorflow": "2.16.2"}}),
    )  # fmt: skip


def measured(tmp_path, written, *widths):
    """Show a page in frames of the given widths, and return what a script finds in each."""
    frames = "".join(
        f"<iframe style='width:{width}px;height:900px;border:0' "
        f"srcdoc='{html.escape(written.decode(), quote=True)}'></iframe>"
        for width in widths
    )
    outer = tmp_path / "outer.html"
    outer.write_text(f"<!doctype html><meta charset=utf-8><script>{MEASURE}</script>{frames}",
                     encoding="utf-8")  # fmt: skip
    done = subprocess.run(
        [*headless(browser(), profile=tmp_path / "profile"), "--hide-scrollbars",
         "--virtual-time-budget=3000",
         "--dump-dom", outer.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return json.loads(html.unescape(re.search(r"MEASURED(.*?)END", done.stdout, re.S)[1]))


def pages_of(document):
    return len(re.findall(rb"/Type\s*/Page\b", document))


@pytest.mark.parametrize("guarantee", ["exact", "approximate"])
def test_nothing_sticks_out_and_nothing_is_missing(tmp_path, evaluation, guarantee):
    found = measured(tmp_path, page(full(guarantee), evaluation), 360, 1280)
    assert [one["wide"] for one in found] == [360, 1280]
    for one in found:
        assert one["full"] == one["wide"]
        assert one["out"] == []
        assert one["small"] == 0  # no drawing is shrunk until its letters cannot be read
        assert len(set(one["sizes"])) == 1  # the verdict and what it means are of one size
        for part in ("What was asked", "What it does not prove", "Cost", "Proof", "Environment",
                     "Verdicts on everything that came of the rows"):  # fmt: skip
            assert part in one["lines"], part


def test_the_measure_sees_what_sticks_out(tmp_path):
    """The control: a page that is too wide is found to be."""
    wide = page(full()).replace(b"<main>", b"<main><pre>" + b"x" * 99 + b"</pre>")
    (one,) = measured(tmp_path, wide, 360)
    assert one["full"] > one["wide"] == 360


def test_the_part_for_officers_prints_on_one_page(tmp_path):
    written = page(full())
    officer = re.sub(rb'<section id="engineer">.*?</section>', b"", written, flags=re.S)
    assert officer != written
    assert pages_of(pdf(officer)) == 1
    assert pages_of(pdf(written)) > 2
    longer = officer.replace(b"</h1>", b"</h1>" + b"<p>more</p>" * 20)
    assert pages_of(pdf(longer)) == 2  # so the count can tell


def read_pdf(document):
    """Return a document as a reader sees it, and the text of each page."""
    reader = PdfReader(io.BytesIO(document))
    pages = (normalize("NFKC", one.extract_text()) for one in reader.pages)  # ligatures, too
    return reader, [" ".join(text.split()) for text in pages]


def test_the_pdf_says_which_page_of_how_many_by_which_certificate_in_what_language():
    told = replace(
        full(),
        controller="Acme GmbH",
        served=(ServedRequest("q1", "2031-04-20", "2031-05-20", False, "2031-05-06T12:34:00"),),
        recipients=Waiting(3, 1),
    )
    told = replace(told, models=(replace(told.models[0], name="churn"), *told.models[1:]))
    reader, pages = read_pdf(pdf(page(told)))
    assert len(pages) > 2
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in text, number
        assert LONG in text and "Deletion r1234" in text
    catalog = reader.trailer["/Root"]
    assert catalog["/Lang"] == "en" and catalog["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalog and reader.metadata.title.startswith("Deletion r1234")
    for said in (
        "Acme GmbH. Report of deletion r1234, certified on 6 May 2031",
        "the request q1, received on 20 April 2031, due by 20 May 2031, done on 6 May 2031: in tim",
        "m11 replaces m1 as churn",
        "Still to be told (Article 19): 2 of 3 recipients",
    ):
        assert said in pages[0], said


def test_a_letter_says_its_pages_and_its_language():
    letter = Letter("done", "de", "Löschung\n\n" + "Absatz.\n\n" * 60, "Löschung")
    reader, pages = read_pdf(pdf(letter.page()))
    assert reader.trailer["/Root"]["/Lang"] == "de" and reader.metadata.title == "Löschung"
    assert [f"{n} / {len(pages)}" in text for n, text in enumerate(pages, 1)] == [
        True for _ in pages
    ]
    assert len(pages) > 1


def test_a_page_is_printed_beside_a_folder_that_is_named_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sent").mkdir()
    assert pages_of(pdf(b"<!doctype html><title>t</title><p>t</p>", beside=Path("sent"))) == 1
    assert list(Path("sent").iterdir()) == []


def test_the_command_writes_html_and_pdf(tmp_path, write_csv):
    from pipelines.backends.direct import DirectBackend
    from unweave import Project

    table = [[f"p{n % 9}", str(n % 17), "yes" if n % 3 else "no"] for n in range(90)]
    project = Project(tmp_path / "ws", backend=DirectBackend())
    project.train(write_csv([["who", "a", "y"], *table]), label="y", subject="who",
                  shards=2, slices=1, epochs=1, batch_size=16)  # fmt: skip
    project.forget(["p3"])
    answer = project.report("r1", out=tmp_path / "r1.html", pdf=True)
    assert Path(answer["pdf"]).read_bytes().startswith(b"%PDF-")
