"""A request's time is the law's: counted from its receipt, stopped, extended; late stays late."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.log import of_kind
from lineage_store.log.kinds import RequestQueued
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands
from unweave.desk.calendar_feed import _folded
from unweave.text.queue import listed, shown

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    here = tmp_path_factory.mktemp("law")
    at(here / "workspace").train(write_people(here / "people.csv"), **OPTIONS)
    return here / "workspace"


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


def test_time_runs_from_the_day_of_receipt_and_not_from_that_of_typing(root):
    added = at(root).requests.add(["p1"], only=True, received="2026-05-03")
    assert (added["received"], added["due_by_law"], added["deadline"]) == (
        "2026-05-03", "2026-06-03", "2026-06-03",
    )  # fmt: skip
    assert (added["days_open"], added["days_left"], added["late"]) == (17, 14, False)
    with reading_index(open_workspace(root)) as connection:
        *_, (_, event) = of_kind(connection, RequestQueued)
    assert (event.received, event.deadline) == ("2026-05-03", "2026-06-03")
    for day, why in (("2026-05-21", "not come yet"), ("2025-05-01", "a year ago")):
        with pytest.raises(BadInput, match=why):
            at(root).requests.add(["p2"], only=True, received=day)
    old = at(root).requests.add(["p2"], only=True, received="2025-05-01", long_ago=True)
    assert old["late"] and "has passed" in old["warnings"][0]


def test_a_deadline_that_has_passed_or_is_later_than_the_law_s_is_warned_of(root):
    past = at(root).requests.add(["p3"], only=True, deadline="2026-05-01")
    assert "due by 2026-05-01, and that has passed" in past["warnings"][0]
    later = at(root).requests.add(["p4"], only=True, deadline="2026-12-01")
    assert later["deadline"] == "2026-12-01" and later["due_by_law"] == "2026-06-22"  # a Monday
    assert "later than 2026-06-22" in later["warnings"][0]
    held = at(root).requests.hold(later["request"], reason="a lawsuit", until="2027-01-31")
    assert "must be told why nothing is done yet" in held["warnings"][1]


def test_the_clock_stands_from_the_question_to_the_answer(root):
    name = at(root).requests.add(["p5"], only=True, received="2026-05-18")["request"]
    asked = at(root).requests.ask_more(name, doubt="two people of that name")
    assert (asked["state"], asked["stands_since"]) == ("more is needed", "2026-05-20")
    assert asked["doubt"] == "two people of that name"
    assert name not in {q for run in ran_names(at(root, days=3)) for q in run}
    gone = at(root, days=6).requests.not_identified(name)
    assert gone["state"] == "cannot identify"
    with pytest.raises(BadInput, match="cannot have come on 2026-05-19"):
        at(root, days=10).requests.more_came(name, on="2026-05-19")
    back = at(root, days=10).requests.more_came(name, on="2026-05-28")
    assert (back["state"], back["stands_since"], back["due_by_law"]) == (
        "waiting", None, "2026-06-26",
    )  # fmt: skip  # 18 June and eight days
    with pytest.raises(BadInput, match="Say what is doubted"):
        at(root).requests.ask_more(name, doubt=" ")


def ran_names(project):
    """Which requests a dry run would serve, run by run."""
    return [group["requests"] for group in project.requests.run(dry_run=True)["groups"]]


def test_an_extension_is_taken_once_and_within_the_month(root):
    name = at(root).requests.add(["p6"], only=True, received="2026-05-04")["request"]
    with pytest.raises(BadInput, match="complexity or number"):
        at(root).requests.extend(name, because="holidays")
    longer = at(root).requests.extend(name, because="number")
    assert (longer["extended"], longer["due_by_law"]) == ("number", "2026-08-04")
    late = at(root).requests.add(["p7"], only=True, received="2026-04-01")["request"]
    with pytest.raises(BadInput, match="ended on 2026-05-01"):
        at(root).requests.extend(late, because="complexity")
    assert "extended because of number" in "\n".join(map(str, shown(longer)))


def test_late_stays_late_after_the_end(tmp_path):
    root = tmp_path / "workspace"
    at(root).train(write_people(tmp_path / "people.csv"), **OPTIONS)
    at(root).requests.add(["p1"], only=True, received="2026-05-18")
    at(root).requests.add(["p2"], only=True, received="2026-04-02")
    at(root, days=2).requests.run()
    for days in (2, 400):
        clocks = {
            one["request"]: one for one in at(root, days=days).requests.list(ended=True)["requests"]
        }
        assert [clocks[name]["late"] for name in ("q1", "q2")] == [False, True]
        assert [clocks[name]["days_open"] for name in ("q1", "q2")] == [4, 50]
        assert not any(clocks[name]["overdue"] for name in clocks)
    table = listed(at(root).requests.list(ended=True))[0]
    assert [cell for column in table.columns for cell in column.cells if "(late)" in cell]


def test_holidays_and_another_law_come_from_files(tmp_path):
    root = tmp_path / "workspace"
    at(root).train(write_people(tmp_path / "people.csv"), **OPTIONS)
    (tmp_path / "days").write_text("2026-06-22 a feast\n")
    runner, there = CliRunner(), ["--workspace", str(root)]
    result = runner.invoke(
        commands, ["request", "policy", "--holidays", str(tmp_path / "days"), *there]
    )
    assert result.exit_code == 0, result.output
    assert at(root).requests.add(["p1"], only=True)["deadline"] == "2026-06-23"
    wrong = runner.invoke(
        commands, ["request", "policy", "--regime", "lgpd", *there], standalone_mode=False
    )
    assert "no rules of time called lgpd" in str(wrong.exception)
    rules = [{
        "name": "lgpd", "law": "Lei 13.709/2018", "answer": {"days": 15}, "extended": {"days": 15},
        "to_working_day": False, "stops": False, "because": ["nothing"],
    }]  # fmt: skip
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    result = runner.invoke(commands, ["request", "policy", "--regime", "lgpd", "--regimes",
                                    str(tmp_path / "rules.json"), *there])  # fmt: skip
    assert result.exit_code == 0 and "counted by lgpd" in result.output
    assert at(root).requests.add(["p2"], only=True)["deadline"] == "2026-06-04"
    # Who asked under another law keeps it.
    assert at(root).requests.show("q1")["regime"] == "gdpr"
    sooner = runner.invoke(commands, ["request", "policy", "--deadline-days", "7", *there])
    assert sooner.exit_code == 0 and "due in 7 days, or" in sooner.output
    assert at(root).requests.add(["p3"], only=True)["deadline"] == "2026-05-27"


def test_the_days_stand_in_a_calendar_that_names_nobody(tmp_path):
    root = tmp_path / "workspace"
    at(root).train(write_people(tmp_path / "people.csv"), **OPTIONS)
    at(root).requests.add(["p1"], only=True, received="2026-05-03", requester="Dora Ost")
    at(root).requests.add(["p2"], only=True)
    result = CliRunner().invoke(
        commands,
        ["request", "calendar", "--out", str(tmp_path / "due.ics"), "--workspace", str(root)],
    )
    assert result.exit_code == 0 and "2 days" in result.output
    data = (tmp_path / "due.ics").read_bytes()
    assert data.endswith(b"END:VCALENDAR\r\n") and b"\n" not in data.replace(b"\r\n", b"")
    lines = data.replace(b"\r\n ", b"").decode().split("\r\n")
    assert [one for one in lines if one.startswith("DTSTART")] == [
        "DTSTART;VALUE=DATE:20260603", "DTSTART;VALUE=DATE:20260622",
    ]  # fmt: skip
    assert lines.count("TRIGGER:-P7D") == 2 and len({one for one in lines if "UID" in one}) == 2
    assert b"Dora" not in data and b"p1" not in data


@given(st.text(alphabet="aä李,;\\", max_size=300))
def test_a_long_line_is_folded_between_letters_and_is_the_same_unfolded(text):
    pieces = b"".join(_folded(text))
    assert all(len(line) <= 75 for line in pieces.split(b"\r\n"))
    for line in pieces.split(b"\r\n"):
        line.decode("utf-8")  # no letter is cut
    assert pieces.replace(b"\r\n ", b"").removesuffix(b"\r\n").decode("utf-8") == text


def test_a_request_that_stands_is_not_overdue_while_it_does(root):
    name = at(root).requests.add(["p8"], only=True)["request"]
    at(root).requests.ask_more(name, doubt="who it is")
    answer = at(root, days=80).requests.show(name)
    assert (answer["overdue"], answer["late"], answer["warnings"]) == (False, False, [])
    assert answer["deadline"] == answer["due_by_law"] == "2026-09-08"
    assert name not in at(root, days=80).status()["overdue"]


def test_who_asks_again_keeps_the_earlier_receipt_and_the_sooner_day(root):
    first = at(root).requests.add(["p9"], only=True)
    again = at(root).requests.add(["p9"], only=True, received="2026-04-27", deadline="2026-05-25")
    assert (again["request"], again["duplicate"]) == (first["request"], True)
    assert (again["received"], again["due_by_law"], again["deadline"]) == (
        "2026-04-27", "2026-05-27", "2026-05-25",
    )  # fmt: skip
    longer = at(root).requests.extend(first["request"], because="number")
    assert longer["deadline"] == "2026-05-25"


def test_rules_are_written_all_or_not_at_all(tmp_path):
    root = tmp_path / "workspace"
    at(root).train(write_people(tmp_path / "people.csv"), **OPTIONS)
    rules = {"law": "x", "answer": {"days": 15}, "extended": {"days": 30}, "to_working_day": False,
             "stops": False, "because": ["need"]}  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps([{"name": "lgpd", **rules}]))
    (tmp_path / "other.json").write_text(json.dumps([{"name": "pipl", **rules}]))
    policy = at(root).requests.policy
    with pytest.raises(BadInput, match="no rules of time called pipl"):
        at(root).requests.set_policy(replace(policy, regime="pipl"), regimes=tmp_path / "one.json")
    assert not (root / "regimes.json").exists() and at(root).requests.policy == policy
    at(root).requests.set_policy(replace(policy, regime="lgpd"), regimes=tmp_path / "one.json")
    at(root).requests.add(["p1"], only=True)
    with pytest.raises(BadInput, match="no rules of time called lgpd"):
        at(root).requests.set_policy(policy, regimes=tmp_path / "other.json")
    assert at(root).requests.show("q1")["regime"] == "lgpd"


def test_what_was_in_time_stays_so_whatever_holidays_come_after(tmp_path):
    root = tmp_path / "workspace"
    at(root).train(write_people(tmp_path / "people.csv"), **OPTIONS)
    (tmp_path / "days").write_text("2026-06-22 a feast\n")
    at(root).requests.set_policy(at(root).requests.policy, holidays=tmp_path / "days")
    at(root).requests.add(["p1"], only=True)
    at(root, days=34).requests.run()  # on the 23rd, the day after the feast
    assert at(root).requests.show("q1")["late"] is False
    (tmp_path / "days").write_text("2026-12-25 another\n")
    at(root).requests.set_policy(at(root).requests.policy, holidays=tmp_path / "days")
    answer = at(root, days=60).requests.show("q1")
    assert (answer["late"], answer["due_by_law"]) == (False, "2026-06-23")
