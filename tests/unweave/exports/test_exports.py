"""Exports: true to the workspace, the same for the same state, and without what law 9 forbids."""

import json
import re
import shutil
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands
from unweave.exports.export import Export
from unweave.exports.known_exports import EXPORTS
from unweave.exports.markdown import NOT_DESCRIBED, plain

NOON = datetime(2031, 5, 17, 12, tzinfo=timezone.utc)


def at(root):
    return Project(root, backend=DirectBackend(), now=lambda: NOON)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A named model from which one person went; never written to after this."""
    here = tmp_path_factory.mktemp("exported")
    project = at(here / "workspace")
    project.train(write_people(here / "people.csv"), name="churn", purpose="who | leaves",
                  owner="Team *A*", **OPTIONS)  # fmt: skip
    project.forget(["p3"])
    project.requests.describe(name="Acme GmbH", purposes="to tell who stays")
    project.requests.recipients.add("Ads Ltd", model="m2", since="2031-05-01")
    return project


def export(project, kind, here, **about):
    answer = project.export(kind, out=here / kind, **about)
    assert answer["out"] == str(here / kind) and (here / kind).stat().st_mode & 0o777 == 0o600
    return (here / kind).read_text(encoding="utf-8")


def test_a_card_says_what_the_workspace_knows_and_what_nobody_has_described(told, tmp_path):
    card = export(told, "model-card", tmp_path, model="churn")
    (model,) = [one for one in told.models() if one["state"] == "live"]
    rows = told.ask.data("m2")["rows"]
    assert card.startswith("# churn, m2\n") and "As of 2031-05-17." in card
    for line in (
        r"- **purpose**: who \| leaves", r"- **owner**: Team \*A\*",
        "- **controller**: Acme GmbH", f"- **contact**: {NOT_DESCRIBED}",
        f"- **rows learnt from**: {rows['train']}", f"- **rows judged by**: {rows['eval']}",
        "- **columns**: size, town", f"- **accuracy**: {model['metrics']['accuracy']:.0%}",
        "- **is**: exact, after a deletion", "| r1 | 2031-05-17 | exact | m2 |",
    ):  # fmt: skip
        assert line in card.splitlines(), line
    assert not re.search(r"[0-9a-f]{16}", card), "a digest"
    assert not re.search(r"\d\.\d", card), "a number that is not whole"
    assert "p3" not in card


def test_a_record_has_all_that_article_30_asks_for_in_its_order(told, tmp_path):
    record = export(told, "record", tmp_path)
    points = re.findall(r"^- \*\*\(([a-g])\)", record, re.MULTILINE)
    assert points == ["a", "b", "c", "c", "d", "e", "f", "g"]
    assert "- **(b) purposes**: to tell who stays" in record
    assert f"- **(f) kept until**: {NOT_DESCRIBED}" in record
    live = rf"| m2 | churn | who \| leaves | Team \*A\* | {NOT_DESCRIBED} | {NOT_DESCRIBED} |"
    assert live in record.splitlines()
    assert "- **Ads Ltd**: the line of m1, since 2031-05-01" in record


@pytest.mark.parametrize("kind", EXPORTS)
def test_two_exports_of_one_state_are_the_same_bytes(told, tmp_path, kind):
    about = {"model": "m2"} if EXPORTS[kind].of_one_model else {}
    copy = at(shutil.copytree(told.root, tmp_path / "copy"))
    (tmp_path / "again").mkdir()
    assert export(told, kind, tmp_path, **about) == export(copy, kind, tmp_path / "again", **about)


@pytest.mark.parametrize(
    ("kind", "about", "why"),
    [
        ("picture", {}, "There is no export picture: there are model-card, record"),
        ("record", {"model": "m2"}, "name no model"),
        ("model-card", {}, "say which, by its name or its id"),
        ("model-card", {"model": "m1"}, "m1 is deleted"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(told, tmp_path, kind, about, why):
    with pytest.raises(BadInput, match=why):
        told.export(kind, out=tmp_path / "out.md", **about)
    with pytest.raises(BadInput, match="does not stay in the workspace"):
        told.export("record", out=told.root / "record.md")
    with pytest.raises(BadInput, match="cannot be written"):
        told.export("record", out=tmp_path / "no" / "record.md")
    assert not (tmp_path / "out.md").exists()


def test_the_command_says_where_it_is(told, tmp_path):
    asked = ["export", "model-card", "--model", "churn", "--workspace", str(told.root)]
    done = CliRunner().invoke(commands, [*asked, "--out", str(tmp_path / "card.md"), "--json"])
    out = str(tmp_path / "card.md")
    assert json.loads(done.stdout) == {
        "ok": True, "export": "model-card", "model": "m2", "out": out,
    }  # fmt: skip
    assert CliRunner().invoke(commands, [*asked, "--out", out]).stdout == f"model-card: {out}\n"


def test_the_table_is_of_exports_by_their_names():
    for name, one in EXPORTS.items():
        assert one.name == name and isinstance(one.of_one_model, bool)
        assert {"name", "of_one_model", "written"} <= set(dir(Export))


def test_a_text_of_others_is_no_markdown():
    assert plain("# a_b [c](d) <e> `f`\nnext|cell") == r"\# a\_b \[c\](d) \<e\> \`f\` next\|cell"
    assert plain("\x1b[31m") != "\x1b[31m" and "\x1b" not in plain("\x1b[31m")
