"""Exports: true to the workspace, the same for the same state, and without what law 9 forbids."""

import json
import re
import shutil

import pytest
from click.testing import CliRunner

from fixtures.exported import text_of
from fixtures.lived import PEOPLE, at
from lineage_store.errors import BadInput, CheckFailed
from unweave.cli import commands
from unweave.exports.export import Export
from unweave.exports.known_exports import EXPORTS
from unweave.exports.markdown import NOT_DESCRIBED, plain


@pytest.fixture(scope="module")
def described(lived, tmp_path_factory):
    """A copy in which people described what there is; never written to after this."""
    project = at(shutil.copytree(lived.root, tmp_path_factory.mktemp("told") / "workspace"))
    project.requests.describe(name="Acme GmbH", purposes="to tell who stays")
    project.requests.recipients.add("Ads Ltd", model="m4", since="2031-05-01")
    return project


def export(project, kind, here, **about):
    answer = project.export(kind, out=here / kind, **about)
    assert answer["out"] == str(here / kind)
    files = [one for one in (here / kind, *(here / kind).rglob("*")) if one.is_file()]
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
    return {str(one.relative_to(here / kind)): one.read_bytes() for one in files}


def text(project, kind, here, **about):
    return export(project, kind, here, **about)["."].decode("utf-8")


def test_a_card_says_what_the_workspace_knows_and_what_nobody_has_described(described, tmp_path):
    card = text(described, "model-card", tmp_path, model="churn")
    (model,) = [one for one in described.models() if one["state"] == "live"]
    rows = described.ask.data("m4")["rows"]
    assert card.startswith("# churn, m4\n") and "As of 2031-05-17." in card
    for line in (
        r"- **purpose**: =who \| leaves", r"- **owner**: Team \*A\*", "- **family**: naive-bayes",
        "- **controller**: Acme GmbH", f"- **contact**: {NOT_DESCRIBED}",
        f"- **rows learnt from**: {rows['train']}", f"- **rows judged by**: {rows['eval']}",
        "- **columns**: size, town", f"- **accuracy**: {model['metrics']['accuracy']:.0%}",
        "- **is**: exact, after a deletion", "| r1 | 2031-05-17 | exact | m2 |",
        "| r2 | 2031-05-17 | exact | m4 |",
    ):  # fmt: skip
        assert line in card.splitlines(), line
    assert not re.search(r"[0-9a-f]{16}", card), "a digest"
    assert not re.search(r"\d\.\d", card), "a number that is not whole"


def test_a_record_has_all_that_article_30_asks_for_in_its_order(described, tmp_path):
    record = text(described, "record", tmp_path)
    points = re.findall(r"^- \*\*\(([a-g])\)", record, re.MULTILINE)
    assert points == ["a", "b", "c", "c", "d", "e", "f", "g"]
    assert "- **(b) purposes**: to tell who stays" in record
    assert f"- **(f) kept until**: {NOT_DESCRIBED}" in record
    live = rf"| m4 | churn | =who \| leaves | Team \*A\* | {NOT_DESCRIBED} | {NOT_DESCRIBED} |"
    assert live in record.splitlines()
    assert "- **Ads Ltd**: the line of m1, since 2031-05-01" in record


@pytest.mark.parametrize("kind", EXPORTS)
def test_two_exports_of_one_state_are_the_same_bytes_and_name_nobody(described, tmp_path, kind):
    about = {"model": "m4"} if EXPORTS[kind].of_one_model else {}
    copy = at(shutil.copytree(described.root, tmp_path / "copy"))
    (tmp_path / "again").mkdir()
    first = export(described, kind, tmp_path, **about)
    assert first == export(copy, kind, tmp_path / "again", **about)
    nobody = re.compile(rf"\b(?:{'|'.join(PEOPLE)}|Dora Ost|a letter|s-[0-9a-f]{{8}})\b")
    assert nobody.search("s-0123abcd"), "whoever of the staff retired m3"
    for name in first:
        assert not nobody.search(text_of(tmp_path / kind / name))


@pytest.mark.parametrize(
    ("kind", "about", "why"),
    [
        ("picture", {}, f"There is no export picture: there are {', '.join(EXPORTS)}"),
        ("record", {"model": "m4"}, "name no model"),
        ("prov", {"model": "m4"}, "name no model"),
        ("model-card", {}, "say which, by its name or its id"),
        ("model-card", {"model": "m1"}, "m1 is deleted"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(described, tmp_path, kind, about, why):
    with pytest.raises(BadInput, match=re.escape(why)):
        described.export(kind, out=tmp_path / "out.md", **about)
    with pytest.raises(BadInput, match="does not stay in the workspace"):
        described.export("record", out=described.root / "record.md")
    with pytest.raises(BadInput, match="cannot be written"):
        described.export("record", out=tmp_path / "no" / "record.md")
    assert not (tmp_path / "out.md").exists()


def test_a_log_that_was_changed_is_exported_by_none(described, tmp_path):
    root = shutil.copytree(described.root, tmp_path / "workspace")
    (root / "log.head").write_bytes((root / "log.head").read_bytes().replace(b"\n1", b"\n2", 1))
    for kind in ("record", "prov"):
        with pytest.raises(CheckFailed):
            at(root).export(kind, out=tmp_path / "out")


def test_the_command_says_where_it_is(described, tmp_path):
    asked = ["export", "model-card", "--model", "churn", "--workspace", str(described.root)]
    done = CliRunner().invoke(commands, [*asked, "--out", str(tmp_path / "card.md"), "--json"])
    out = str(tmp_path / "card.md")
    assert json.loads(done.stdout) == {
        "ok": True, "export": "model-card", "model": "m4", "out": out,
    }  # fmt: skip
    assert CliRunner().invoke(commands, [*asked, "--out", out]).stdout == f"model-card: {out}\n"


def test_the_table_is_of_exports_by_their_names():
    for name, one in EXPORTS.items():
        assert one.name == name and isinstance(one.of_one_model, bool)
        assert {"name", "of_one_model", "written"} <= set(dir(Export))


def test_a_text_of_others_is_no_markdown():
    assert plain("# a_b [c](d) <e> `f`\nnext|cell") == r"\# a\_b \[c\](d) \<e\> \`f\` next\|cell"
    assert plain("\x1b[31m") != "\x1b[31m" and "\x1b" not in plain("\x1b[31m")
