"""Others whom it concerns: recipients are told (Article 19), and whose rows go with somebody's."""

from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput
from lineage_store.index.database import read_index
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands
from unweave.text.queue import planned as planned_lines
from unweave.text.queue import ran as ran_lines

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    root = tmp_path / "workspace"
    at(root).train(write_people(tmp_path / "people.csv"), **OPTIONS)
    at(root).requests.recipients.add("Ads Ltd", model="m1", since="2026-01-05")
    at(root).requests.recipients.add("Later AG", since="2026-05-20")
    return root


def whom(entries):
    return [(one["name"], one["what"], one["deletion"] or one["request"]) for one in entries]


def test_a_restriction_is_told_of_by_its_request(root, tmp_path):
    desk = at(root).requests
    answer = desk.add(["p3"], right="restriction", ground="18(1)(a)", only=True, requester="Dora")
    both = [("Ads Ltd", "restriction", "q1"), ("Later AG", "restriction", "q1")]
    assert whom(answer["to_tell"]) == both
    assert whom(desk.recipients.list()["to_tell"]) == both
    desk.add(["p4"], only=True)
    with pytest.raises(BadInput, match="q2 restricts nothing"):
        desk.recipients.told(1, "q2")
    at(root, days=1).requests.recipients.told(1, "q1")
    (one, two) = desk.show("q1")["to_tell"]
    assert (one["told"], two["told"]) == ("2026-05-21", None)
    found = CliRunner().invoke(commands, ["request", "show", "q1", "--workspace", str(root)])
    assert "Ads Ltd, a recipient: told of the restriction on 2026-05-21" in found.output
    # Rows that are taken out to be kept are the same restriction: nobody is told twice.
    desk.keep_rows("q1")
    at(root, days=2).requests.run()
    assert whom(desk.show("q1")["to_tell"]) == both
    left = at(root, days=2).requests.recipients.list()["to_tell"]
    # They ran in two deletions, of which the erasure is told of by its own.
    assert sorted(whom(left))[1:] == [
        ("Later AG", "erasure", desk.show("q2")["run"]), ("Later AG", "restriction", "q1"),
    ]  # fmt: skip
    # The person is told who they are, if they ask (Article 19).
    at(root, days=2).requests.letter("q1", out=tmp_path / "silent")
    assert "Ads Ltd" not in (tmp_path / "silent" / "letter.txt").read_text()
    at(root, days=2).requests.letter("q1", out=tmp_path / "asked", recipients=True)
    assert "Ads Ltd, Later AG (Article 19 GDPR)" in (tmp_path / "asked" / "letter.txt").read_text()


def test_a_rectification_and_an_erasure_are_told_of_by_their_deletions(root, tmp_path):
    desk = at(root).requests
    desk.add(["p3"], right="rectification", only=True)
    at(root, days=1).train(tmp_path / "people.csv", **OPTIONS, rectifies="q1")
    assert whom(desk.show("q1")["to_tell"]) == [
        ("Ads Ltd", "rectification", "r1"), ("Later AG", "rectification", "r1"),
    ]  # fmt: skip
    desk.recipients.told(2, "r1")
    at(root, days=1).requests.answer_pack("q1", out=tmp_path / "pack", recipients=True)
    assert "Ads Ltd, Later AG" in (tmp_path / "pack" / "letter.txt").read_text()
    desk.add(["p5"], only=True, came_by="E-Mail")
    at(root, days=2).requests.run()
    pack = at(root, days=2).requests.answer_pack("q2", out=tmp_path / "done", recipients=True)
    assert "Ads Ltd, Later AG" in (tmp_path / "done" / "letter.txt").read_text()
    assert sum("is told of r2" in one for one in pack["before_sending"]) == 2
    # What was said is erased by then, but for the way: the answer goes as the request came.
    assert "the way that the request came: e-mail" in pack["before_sending"][-1]


def test_how_many_others_lose_rows_is_said_before_and_after_and_kept_nowhere(tmp_path):
    table, root = tmp_path / "loans.csv", tmp_path / "workspace"
    lines = [f"a{n % 10},b{n % 6},{'ABC'[n % 3]},{'xy'[n % 2]}" for n in range(60)]
    table.write_text("\n".join(["one,two,town,label", *lines]))
    at(root).train(table, **{**OPTIONS, "subject": ["one", "two"]})
    at(root).requests.add(["a1"], only=True)
    at(root).requests.add(["nobody"], only=True)

    together = len({line.split(",")[1] for line in lines if line.startswith("a1,")})
    before = at(root).requests.run(dry_run=True)
    assert [one["others"] for one in before["groups"]] == [together]
    said = "\n".join(map(str, planned_lines(before)))
    assert said.startswith("1 request, 6 rows, 1 model, about 1 second to learn; nothing found for")
    assert f"{together} other people lose rows that are theirs, too." in said
    (done,) = at(root).requests.run()["runs"]
    assert done["others"] == together
    nothing = {"finished": [], "settled": [], "waiting": [], "failed": [], "left": {}}
    text = "\n".join(map(str, ran_lines({"runs": [done], **nothing})))
    assert f"{together} other people lost rows that are theirs, too" in text
    assert at(root).plan(["a2"])["others"] == together
    # Somebody could test a guess about a row that went by it: so it is told once (law 9).
    with read_index(root / "unweave.sqlite") as connection:
        kept = connection.execute("SELECT options, result FROM requests").fetchall()
    assert not any("others" in str(tuple(one)) for one in kept)
