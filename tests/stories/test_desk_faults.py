"""What was found wrong by playing officer: answers that cannot be corrected, holds, words, help."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput, NothingFound, Unfinished, WorkspaceBusy
from lineage_store.requests.inbox import Refused, look_through
from lineage_store.requests.policy import Policy, Sender
from lineage_store.workspace import who_works, working
from pipelines.backends.direct import DirectBackend
from pipelines.runs import forget as forget_run
from unweave import Project
from unweave.cli import commands, main
from unweave.text.answers import models as model_lines
from unweave.text.answers import status as status_lines
from unweave.text.queue import policy as policy_lines
from unweave.text.queue import recipient as recipient_lines
from unweave.text.queue import shown

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture
def root(tmp_path):
    at(tmp_path / "workspace").train(write_people(tmp_path / "people.csv"), **OPTIONS)
    return tmp_path / "workspace"


@pytest.fixture
def alike(tmp_path):
    """A workspace with people whose names look alike, and a request that waits for an answer."""
    names = ["Jan Weber", "JAN WEBER", "Jan  Wéber", "Ben Ober", "Ida Ost"]
    lines = ["person,size,label"]
    lines += [f"{names[n % 5]},{n % 7},{'xy'[n % 3 == 0]}" for n in range(60)]
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    at(tmp_path / "workspace").train(tmp_path / "people.csv", **OPTIONS)
    return at(tmp_path / "workspace")


def test_an_answer_takes_what_was_offered_and_may_be_corrected_until_the_run(alike):
    asked = alike.requests.add(["Jan Weber"])
    assert asked["state"] == "waiting for an answer" and len(asked["alike"]) == 2
    with pytest.raises(BadInput, match="none of those that look alike"):
        alike.requests.answer("q1", also=["Jan Webber"])
    with pytest.raises(BadInput, match="none of those that look alike"):
        alike.requests.add(["Jan Weber"], also=["Ben Ober"], reason="another")
    first = alike.requests.answer("q1", also=["1"])
    assert first["ids"] == 2 and first["state"] == "waiting"
    both = alike.requests.answer("q1", also=["1", "2"])
    assert both["ids"] == 3
    none = alike.requests.answer("q1", only=True)
    assert (none["ids"], none["named"]) == (1, ["Jan Weber"])
    other = alike.requests.answer("q1", also=["Ben Ober"], not_offered=True)
    assert sorted(other["named"]) == ["Ben Ober", "Jan Weber"]
    alike.requests.answer("q1", only=True)
    (run,) = alike.requests.run()["runs"]
    assert run["subjects"] == 1
    with pytest.raises(BadInput, match="has ended"):
        alike.requests.answer("q1", only=True)
    assert alike.ask.free("m2")  # and Ben is there still
    assert alike.trace_subject("Ben Ober")["models"]


def test_a_hold_that_comes_during_a_run_stops_its_request_and_no_other(root, monkeypatch):
    for person in ("p1", "p2", "p3"):
        at(root).requests.add([person], only=True)
    whole, holds = forget_run.plan_all, iter(["q1", "q3"])

    def planned(*arguments, **options):
        plans = whole(*arguments, **options)
        for name in holds:  # an officer, at another desk, while this is planned
            at(root).requests.hold(name, reason="a lawsuit", until="2026-06-01")
            break
        return plans

    monkeypatch.setattr(forget_run, "plan_all", planned)
    ran = at(root).requests.run()
    assert [run["requests"] for run in ran["runs"]] == [["q2"]]
    assert (ran["failed"], ran["exit_status"], ran["left"]) == ([], 0, {"held": 2})


def test_who_is_nothing_but_white_space_is_nobody(root):
    for blank in ("   ", "\n", "\t "):
        with pytest.raises(BadInput, match="none that is empty"):
            at(root).requests.add([blank])


def test_the_inbox_reads_semicolons_and_names_what_it_does_not_know(tmp_path):
    policy = Policy(senders=(Sender(uid=0), Sender(uid=os.getuid())))
    for name, text in {
        "a.csv": "subject;reason\np1;a letter\n",
        "b.csv": "Name,Grund\nx,y\n",
        "c.csv": "reason\ny\n",
        "d.json": '[{"subjects": ["p1"], "Grund": "x"}]',
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    found = {file.path.name: file for file in look_through(tmp_path, policy)}
    (entry,) = found["a.csv"].entries
    assert (entry.ids, entry.fields) == (("p1",), {"reason": "a letter"})
    assert (
        isinstance(found["b.csv"], Refused)
        and "a column that no request has, number 1" in found["b.csv"].why
    )
    assert "no column called subject" in found["c.csv"].why
    assert "field that no request has, number 2" in found["d.json"].why


def test_a_group_without_a_command_prints_its_help_line_by_line(monkeypatch, capsys):
    for group in ("request", "log"):
        monkeypatch.setattr("sys.argv", ["unweave", group])
        main()
        printed = capsys.readouterr()
        assert printed.err == "" and printed.out.count("\n") > 10 and "Commands:" in printed.out


def test_no_summary_in_the_help_is_cut_off_or_wider_than_the_line():
    for asked in (["--help"], ["request", "--help"], ["log", "--help"]):
        output = CliRunner().invoke(commands, asked).output
        assert "..." not in output.partition("Commands:")[2]
        assert max(map(len, output.splitlines())) <= 80


def test_the_log_is_narrowed_down_and_told_in_lines(root):
    at(root).requests.add(["p1"], only=True)
    at(root, days=2).requests.run()
    there = ["--workspace", str(root)]

    def shown(*asked):
        return CliRunner().invoke(commands, ["log", "show", *asked, *there])

    of_one = json.loads(shown("--request", "q1", "--json").output)["events"]
    assert [one["kind"] for one in of_one] == ["request queued", "request ended"]
    assert {one["time"][:10] for one in json.loads(
        shown("--since", "2026-05-21", "--json").output)["events"]} == {"2026-05-22"}  # fmt: skip
    assert max(map(len, shown().output.splitlines())) <= 160
    assert shown("--csv", "--request", "r1").output.startswith("seq,time,kind,body\n")
    wrong = CliRunner().invoke(
        commands, ["log", "show", "--kind", "nothing", *there], standalone_mode=False
    )
    assert "no kind of event called 'nothing'; there are model made" in str(wrong.exception)


def test_the_words_of_the_policy_and_of_numbers_are_sentences(root):
    lines = policy_lines(Policy(senders=(Sender(uid=0),)).to_json())
    assert lines[0] == "No request needs a second person."
    assert lines[-1] == "Files of the user root are accepted."
    output = CliRunner().invoke(commands, ["status", "--workspace", str(root)]).output
    assert "1 event, root" in output and "0 subjects or rows" in output


def test_who_did_what_outlives_the_request_by_a_number_and_a_sealed_name(root):
    rules = at(root).requests.policy
    at(root).requests.set_policy(replace(rules, approve_above=0))
    at(root).requests.add(["p1"], only=True, by="Clara Clerk", requester="Dora Ost")
    at(root).requests.hold("q1", reason="x", until="2026-06-01", by="Otto Officer")
    at(root).requests.release("q1", by="otto  officer")
    at(root).requests.approve("q1", by="Otto Officer")
    at(root).requests.run()
    history = at(root).requests.show("q1")["history"]
    assert [(one["what"], one["by"]) for one in history] == [
        ("request queued", "Clara Clerk"), ("request held", "Otto Officer"),
        ("request released", "Otto Officer"), ("request approved", "Otto Officer"),
        ("request ended", None),
    ]  # fmt: skip
    assert len({one["staff"] for one in history[1:4]}) == 1 and history[0]["staff"][:2] == "s-"
    for file in (path for path in root.rglob("*") if path.is_file()):
        assert not [name for name in (b"Clara", b"Otto", b"Dora Ost") if name in file.read_bytes()]
    assert "request approved, by Otto Officer" in "\n".join(
        map(str, shown(at(root).requests.show("q1")))
    )
    assert b"Otto" not in (root / "unweave.sqlite").read_bytes()


def test_a_shell_completes_what_there_is_and_says_nothing_elsewhere(root, monkeypatch):
    for person in ("p1", "p2"):
        at(root).requests.add([person], only=True)
    at(root).requests.run()

    def offered(line):
        words = {"COMP_WORDS": f"unweave {line}", "COMP_CWORD": str(len(line.split()))}
        environment = {**words, "_UNWEAVE_COMPLETE": "bash_complete", "PATH": os.environ["PATH"]}
        done = subprocess.run(
            [sys.executable, "-m", "unweave"], env=environment, capture_output=True, text=True,
            cwd=root.parent, check=True,
        )  # fmt: skip
        return [one.partition(",")[2] for one in done.stdout.split()]

    assert offered("request show q") == ["q2", "q1"]
    assert offered("report r") == ["r1"]
    assert offered("predict --model m") == ["m2"]
    assert offered("request show --workspace elsewhere q") == []
    assert "run-requests" in offered("run")
    for shell in ("bash", "zsh", "fish"):
        result = CliRunner().invoke(commands, ["completion", shell])
        assert result.exit_code == 0 and "_UNWEAVE_COMPLETE" in result.output


def test_a_request_stands_for_its_deletion_where_a_report_is_asked_for(root, tmp_path):
    at(root).requests.add(["p1"], only=True)
    with pytest.raises(NothingFound, match="served by no deletion"):
        at(root).report("q1", out=tmp_path / "early.html")
    at(root).requests.run()
    assert at(root).report("q1", out=tmp_path / "report.html")["request_id"] == "r1"


def test_the_models_that_live_come_first_and_fit_a_narrow_line(root):
    at(root).forget(["p1"])
    (table,) = model_lines({"models": at(root).models(), "all": True})
    names, states = (list(column.cells) for column in table.columns[:2])
    assert (names, states) == (["m2", "m1"], ["live", "deleted"])
    output = CliRunner().invoke(commands, ["models", "--workspace", str(root)]).output
    assert max(len(line.rstrip()) for line in output.splitlines()) <= 80


def test_a_deletion_that_runs_is_told_from_one_that_was_killed(root, monkeypatch):
    seen = {}
    whole = DirectBackend.delete

    def looked_at(self, job):
        seen["status"] = at(root).status()
        seen["text"] = "\n".join(map(str, status_lines(seen["status"])))
        for name, ask in (("audit", at(root).audit), ("doctor", at(root).doctor)):
            with pytest.raises(WorkspaceBusy, match="The deletion r1 .* is running") as raised:
                ask()
            seen[name] = str(raised.value)
        return whole(self, job)

    monkeypatch.setattr(DirectBackend, "delete", looked_at)
    at(root).forget(["p1"])
    assert (seen["status"]["running"], seen["status"]["unfinished"]) == (["r1"], [])
    assert seen["status"]["at_work"]["pid"] == os.getpid()
    assert "running     r1: process" in seen["text"] and "unfinished" not in seen["text"]
    assert not (root / "at-work.json").exists() and at(root).status()["at_work"] is None

    def killed(self, job):
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(DirectBackend, "delete", killed)
    child = os.fork()
    if not child:
        at(root).forget(["p2"])
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert (root / "at-work.json").exists()  # and nobody is taken in by it
    answer = at(root).status()
    assert (answer["running"], answer["unfinished"], answer["at_work"]) == ([], ["r2"], None)
    with pytest.raises(Unfinished, match="was interrupted"):
        at(root).audit()
    monkeypatch.setattr(DirectBackend, "delete", whole)
    at(root).forget(["p2"])
    assert at(root).audit()["ok"] and not (root / "at-work.json").exists()


def test_who_is_at_work_says_how_far_it_is_and_names_nobody(tmp_path):
    ticks = iter([0.0, 0.5, 0.9, 1.6, 9.0])
    with working(tmp_path, since="2026-05-20T12:00:00+00:00", clock=lambda: next(ticks)) as tell:
        tell("unlearning", 1, 10)
        first = who_works(tmp_path)
        tell("unlearning", 2, 10)  # within the second: not written
        assert who_works(tmp_path) == first
        tell("unlearning", 7, 10)
        assert who_works(tmp_path).in_words().endswith("unlearning 7 of 10")
        (tmp_path / "at-work.json").write_text(
            json.dumps({**asdict(first), "began": first.began + 1})
        )  # another process got the number
        assert who_works(tmp_path) is None
    for text in ("", "{", "[]", '{"pid": 1}'):
        (tmp_path / "at-work.json").write_text(text)
        assert who_works(tmp_path) is None


def test_the_report_says_which_requests_it_answers_and_whether_in_time(root, tmp_path):
    at(root).requests.add(["p1"], only=True, received="2026-05-03")
    at(root).requests.add(["p2"], only=True, received="2026-04-01")
    at(root, days=1).requests.run()
    at(root, days=30).report("q2", out=tmp_path / "report.html")
    text = " ".join(re.sub("<[^>]+>", " ", (tmp_path / "report.html").read_text()).split())
    assert "On 21 May 2026" in text and "the deletion began, to forget 2 data subjects" in text
    assert "due by 3 June 2026, done on 21 May 2026: in time." in text
    assert "due by 1 May 2026, done on 21 May 2026: late." in text
    at(root, days=2).forget(["p3"])
    at(root, days=2).report("r2", out=tmp_path / "direct.html")
    assert "it was asked to forget" in (tmp_path / "direct.html").read_text()


def test_a_deletion_lists_whom_to_tell_and_who_was_told(root, tmp_path):
    at(root).train(write_people(tmp_path / "other.csv"), **OPTIONS)  # m2, a line of its own
    desk = at(root).requests.recipients
    assert desk.add("Ads Ltd", model="m1", since="2026-01-05")["line"] == "m1"
    desk.add("Archive GmbH", since="2026-05-01")
    desk.add("Lab of m2", model="m2")
    for wrong, why in ((" ", "has a name"), ("a\nb", "has a name")):
        with pytest.raises(BadInput, match=why):
            desk.add(wrong)
    with pytest.raises(BadInput, match="still to come"):
        desk.add("Later AG", since="2027-01-01")
    desk.end(2, on="2026-05-10")
    at(root).requests.add(["p1"], only=True)
    at(root, days=1).requests.run()
    to_tell = at(root).requests.show("q1")["to_tell"]
    assert [(one["name"], one["told"]) for one in to_tell] == [
        ("Ads Ltd", None), ("Archive GmbH", None), ("Lab of m2", None),
    ]  # fmt: skip
    with pytest.raises(NothingFound):
        desk.told(9, "r1")
    with pytest.raises(NothingFound):
        desk.told(1, "r9")
    at(root, days=3).requests.recipients.told(1, "r1", on="2026-05-22")
    with pytest.raises(BadInput, match="still to come"):
        at(root).requests.recipients.told(2, "r1", on="2026-05-30")
    answer = at(root).requests.recipients.list()
    assert [one["name"] for one in answer["to_tell"]] == ["Archive GmbH", "Lab of m2"]
    assert answer["recipients"][0]["told"] == {"r1": "2026-05-22"}
    pack = at(root, days=3).requests.answer_pack("q1", out=tmp_path / "pack")
    assert [one for one in pack["before_sending"] if "Archive GmbH is told of r1" in one]
    assert not [one for one in pack["before_sending"] if "Ads Ltd" in one]
    there = ["--workspace", str(root)]
    shown_ = CliRunner().invoke(commands, ["recipient", "list", *there]).output
    assert "1  Ads Ltd: the models of the line m1" in shown_
    assert "not told yet: Archive GmbH of the erasure r1" in shown_
    lines = recipient_lines(at(root).requests.recipients.list()["recipients"][1])
    assert lines == ["2  Archive GmbH: all models, since 2026-05-01 to 2026-05-10"]


def test_a_request_that_another_s_hold_keeps_back_says_so(root):
    at(root).requests.add(["p1"], only=True)
    at(root).requests.hold("q1", reason="a lawsuit", until="2026-06-01")
    answer = at(root).requests.add(["p1", "p2"], only=True)
    assert answer["warnings"] == ["A legal hold on an id that it names (request q1) keeps it back."]
    assert at(root, days=20).requests.show("q2")["warnings"] == []
