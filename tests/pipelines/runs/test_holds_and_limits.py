"""The end of a hold is logged, and a limit for one person is not passed by splitting a request."""

import csv
import json
import os
import shutil
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from lineage_store.index.database import read_index
from lineage_store.log import events
from lineage_store.requests.details import Details
from lineage_store.requests.policy import Policy, Sender
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project

NOON = datetime(2031, 5, 17, 12, tzinfo=timezone.utc)
LIMIT = Policy(approve_above=2)


def project_in(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A workspace with one small model; never written to after this."""
    here = tmp_path_factory.mktemp("holds")
    with (here / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "age", "label"])
        out.writerows([f"p{n % 12}", n % 7, "ab"[n % 2]] for n in range(120))
    project_in(here / "ws").train(
        here / "t.csv", label="label", subject="person", model_family="naive-bayes", shards=1
    )
    return here / "ws"


@pytest.fixture
def root(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "ws"))


def logged(root, kind):
    with closing(read_index(root / "unweave.sqlite")) as connection:
        events.check(connection)
        return [(e.time, dict(e.body)) for e in events.events(connection, kind=kind)]


# Holds


def test_the_end_of_a_hold_is_logged_before_what_it_kept_back_runs(root):
    project_in(root).requests.add(["p1"])
    project_in(root).requests.hold("q1", reason="a lawsuit", until="2031-05-20")
    project_in(root, days=3).requests.run()
    assert logged(root, "request hold ended") == []  # the last day of the hold
    project_in(root, days=4).requests.run()
    (ended,) = logged(root, "request hold ended")
    assert ended == ("2031-05-21T12:00:00+00:00", {"request": "q1", "until": "2031-05-20"})
    with closing(read_index(root / "unweave.sqlite")) as connection:
        kinds = [event.kind for event in events.events(connection)]
    assert kinds.index("request hold ended") < kinds.index("deletion asked")
    project_in(root, days=5).requests.run()
    assert logged(root, "request hold ended") == [ended]


def test_forget_of_whom_a_hold_kept_logs_its_end_too(root):
    project_in(root).requests.add(["p1"])
    project_in(root).requests.hold("q1", reason="a lawsuit", until="2031-05-20")
    project_in(root, days=9).forget(["p1"])
    assert [body["request"] for _, body in logged(root, "request hold ended")] == ["q1"]


def test_a_hold_that_ended_is_neither_released_nor_in_the_way_of_another(root):
    project_in(root).requests.add(["p1"])
    project_in(root).requests.hold("q1", reason="a lawsuit", until="2031-05-18")
    later = project_in(root, days=4)
    later.requests.hold("q1", reason="another", until="2031-06-01")
    assert len(logged(root, "request hold ended")) == 1
    assert later.requests.show("q1")["state"] == "held"
    project_in(root, days=40).requests.release("q1")
    assert len(logged(root, "request hold ended")) == 2
    assert logged(root, "request released") == []


# Limits


def states(project):
    return [one["state"] for one in project.requests.list(ended=True)["requests"]]


def test_a_request_cannot_be_split_to_stay_below_the_limit(root):
    project = project_in(root)
    project.requests.set_policy(LIMIT)
    for number in range(4):
        project.requests.add([f"p{number}"], requester="Dora Ost", by="Clerk")
    assert states(project) == ["waiting", "waiting", *["waiting for approval"] * 2]
    project.requests.add(["p4", "p5"], requester=" dora  OST", by="Another clerk")
    assert states(project)[-1] == "waiting for approval"


def test_neither_is_it_by_running_in_between_nor_by_the_inbox(root, tmp_path):
    project = project_in(root)
    project.requests.set_policy(Policy(approve_above=2, senders=(Sender(uid=os.getuid()),)))
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number in range(3):
        file = inbox / f"{number}.json"
        file.write_text(json.dumps({"subjects": [f"p{number}"], "requester": "Dora Ost"}))
        file.chmod(0o600)
        taken = project.requests.inbox(inbox)
        assert len(taken["accepted"]) == 1, taken
        project.requests.run()
    assert states(project) == ["done", "done", "waiting for approval"]


def test_others_and_other_days_have_a_limit_of_their_own_and_the_same_person_counts_once(root):
    project = project_in(root)
    project.requests.set_policy(LIMIT)
    project.requests.add(["p1", "p2"], requester="Dora Ost")
    project.requests.add(["p3", "p4"], requester="Emil West")
    project.requests.add(["p2"], requester="Dora Ost")
    project.requests.add(["p2"], requester="Dora Ost", guarantee="exact")
    project_in(root, days=1).requests.add(["p5", "p6"], requester="Dora Ost")
    assert states(project) == ["waiting"] * 5


def test_who_names_no_requester_asks_himself(root):
    project = project_in(root)
    project.requests.set_policy(LIMIT)
    project.requests.add(["p1", "p2"], by="Clerk")
    project.requests.add(["p3"], by="clerk ")
    project.requests.add(["p3"], by="Another")
    assert states(project) == ["waiting", "waiting for approval"]  # the third asks the same again


def test_two_names_do_not_pass_the_limit_of_the_user_who_adds(root, tmp_path, monkeypatch):
    project = project_in(root)
    senders = (Sender(uid=os.getuid()),)
    project.requests.set_policy(Policy(approve_above=2, approve_above_user=3, senders=senders))
    project.requests.add(["p1", "p2"], requester="Dora Ost", by="Clerk")
    project.requests.add(["p3"], requester="Emil West", by="Another")
    project.requests.add(["p3"], requester="Emil West", by="Another")  # the same again
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.json").write_text(json.dumps({"subjects": ["p4"], "requester": "Ida Nord"}))
    (inbox / "a.json").chmod(0o600)
    assert len(project.requests.inbox(inbox)["accepted"]) == 1
    assert states(project) == ["waiting", "waiting", "waiting for approval"]
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    project.requests.add(["p5", "p6"], requester="Uwe Sued")
    assert states(project)[-1] == "waiting"


def test_what_was_cancelled_counts_no_more_but_for_what_another_request_names(root):
    project = project_in(root)
    project.requests.set_policy(LIMIT)
    project.requests.add(["p1", "p2"], by="Clerk")
    project.requests.add(["p1"], by="Clerk")
    project.requests.cancel("q2")  # q1 still names p1
    project.requests.add(["p3"], by="Clerk")
    project.requests.cancel("q1")
    project.requests.cancel("q3")
    project.requests.add(["p4", "p5"], by="Clerk")
    assert states(project)[2:] == ["cancelled", "waiting"]


def test_no_name_lies_in_the_tally(root):
    project = project_in(root)
    project.requests.add(["p1"], requester="Dora Ost")
    assert b"dora ost" not in (root / "unweave.sqlite").read_bytes().lower()
    with closing(read_index(root / "unweave.sqlite")) as connection:
        kept = list(connection.execute("SELECT * FROM asked_today"))  # by name, and by user
    assert len(kept) == 2 and len({requester for _, requester, _ in kept}) == 2
    for day, requester, commitment in kept:
        assert day == "2031-05-17" and len(requester) == len(commitment) == 64
    keys, asked = open_workspace(root).keys(), Details(("p1",), requester="Dora Ost")
    others = (keys.row, keys.placement, keys.lookup, keys.requests, keys.pseudonyms)
    assert not {asked.asker(day=day, key=key) for key in others} & {row[1] for row in kept}
    project_in(root, days=1).requests.add(["p2"], requester="Dora Ost")
    with closing(read_index(root / "unweave.sqlite")) as connection:
        assert {row[0] for row in connection.execute("SELECT day FROM asked_today")} == {
            "2031-05-18"
        }
