"""A clock that jumps is told, explained by somebody, and never in the way (law 11)."""

import base64
import csv
import json
import shutil
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from lineage_store.errors import BadInput
from lineage_store.index import logging_events
from lineage_store.index.database import read_index
from lineage_store.keys import load_private_key
from lineage_store.log import clock_jumps, events
from lineage_store.workspace import open_workspace, writing
from pipelines.backends.direct import DirectBackend
from tests.any_event import AnyEvent
from unlearning.certificates import odd_moments
from unlearning.certificates.envelope import seal
from unweave import Project, verify
from unweave.api.event_log import log_clock
from unweave.text.answers import status as status_lines

NOON = datetime(2031, 5, 17, 12, tzinfo=timezone.utc)


def at(**later):
    """The time, so much later, as it is written."""
    return (NOON + timedelta(**later)).isoformat()


def project_in(root, **later):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(**later))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A workspace with one small model; never written to after this."""
    here = tmp_path_factory.mktemp("jumps")
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


def jumps_of(root, **later):
    with closing(read_index(root / "unweave.sqlite")) as connection:
        return clock_jumps(connection, time=at(**later))


def logged(root, *moments):
    workspace = open_workspace(root)
    with writing(root, create=False), logging_events(workspace) as log:
        for moment in moments:
            events.append(log, AnyEvent("something"), time=moment)


def explain(root, right, event=None, **later):
    return log_clock(
        open_workspace(root), right=right, event=event, by="Dora Ost", now=lambda: at(**later)
    )


def test_a_hold_that_ended_by_a_clock_ahead_is_told_once_the_clock_is_right_again(root):
    project_in(root).requests.add(["p1"])
    project_in(root).requests.hold("q1", reason="a lawsuit", until="2031-06-20")
    assert jumps_of(root) == []
    project_in(root, days=300).requests.run()
    (jump,) = jumps_of(root, days=1)
    assert jump.event is None and jump.holds == ("q1",) and jump.after == at(days=1)
    assert jump.since < jump.last and jump.before == at(days=300)
    later = project_in(root, days=1)
    (in_status,) = later.status()["clock_jumps"]
    assert "the hold of q1 ended" in in_status["told"]
    assert any("clock " in line and "q1" in line for line in status_lines(later.status()))
    found = later.audit()
    assert [one["where"] for one in found["findings"]] == ["times"] and not found["ok"]


def test_no_jump_is_in_the_way_of_a_deletion_and_who_says_which_was_right_ends_it(root):
    project_in(root, days=300).requests.add(["p2"])
    back = project_in(root, days=1)
    forgotten = back.forget(["p1"])
    assert forgotten["guarantee"] == "exact"
    certificate = root / "requests" / "r1" / "certificate.json"
    assert verify(certificate, public_key=root / "keys" / "public.pem")["ok"]
    (jump,) = jumps_of(root, days=2)
    assert jump.event is not None and not back.audit()["ok"]
    (one,) = explain(root, "after", days=2)["jumps"]
    assert one["right"] == "after" and one["event"] == jump.event
    later = project_in(root, days=2)
    assert later.status()["clock_jumps"] == [] and later.audit()["ok"]
    with closing(read_index(root / "unweave.sqlite")) as connection:
        events.check(connection)
        (said,) = events.events(connection, kind="clock explained")
    assert (said.body["before"], said.body["after"]) == (at(days=300), at(days=1))
    assert said.body["by"].startswith("s-") and said.time == at(days=2)
    assert b"dora ost" not in (root / "unweave.sqlite").read_bytes().lower()


def test_what_nobody_logged_since_is_explained_by_the_first_event_after_the_jump(root):
    logged(root, at(days=300))
    (one,) = explain(root, "after", days=1)["jumps"]
    assert one["right"] == "after" and one["event"] == one["last"] + 1
    assert project_in(root, days=1).audit()["ok"]


def test_two_jumps_are_told_apart_and_what_is_no_jump_is_not_one(root):
    logged(root, at(minutes=9), at(minutes=5), "no time at all")  # two commands at once
    assert jumps_of(root, minutes=6) == []
    logged(root, at(days=9), at(days=10), at(days=1), at(days=40), at(days=2), at(days=3))
    first, second = jumps_of(root, days=4)
    size = second.event + 1
    assert [first.since, first.last, first.event] == [size - 5, size - 4, size - 3]
    assert [second.since, second.last, second.event] == [size - 2, size - 2, size - 1]
    with pytest.raises(BadInput, match="2 times"):
        explain(root, "before", days=4)
    explain(root, "before", first.event, days=4)
    assert [one.right for one in jumps_of(root, days=4)] == ["before", None]
    with pytest.raises(BadInput, match="did not go back there"):
        explain(root, "after", first.event, days=4)
    with pytest.raises(BadInput, match="which side"):
        log_clock(open_workspace(root), right=None, event=3, by=None, now=at)


def test_a_certificate_that_was_dated_otherwise_is_told(root):
    project_in(root).forget(["p1"])
    file = root / "requests" / "r1" / "certificate.json"
    honest = file.read_bytes()
    key = load_private_key(root / "keys" / "signing.pem")
    statement = json.loads(base64.b64decode(json.loads(honest)["payload"]))
    for day, hint in (({"days": -3}, "2031-05-14"), ({"days": 3}, "2031-05-20")):
        statement["predicate"]["certified"] = at(**day)
        file.write_bytes(seal(statement, key))
        with closing(read_index(root / "unweave.sqlite")) as connection:
            ((deletion, why),) = odd_moments(connection, open_workspace(root), jumps=[])
        assert deletion == "r1" and hint in why
    file.write_bytes(honest)
    assert project_in(root).audit()["ok"]


def test_verify_tells_of_a_certificate_from_a_day_that_has_not_come(root):
    ahead = Project(
        root, backend=DirectBackend(), now=lambda: datetime(2999, 1, 1, tzinfo=NOON.tzinfo)
    )
    ahead.forget(["p1"])
    found = verify(root / "requests/r1/certificate.json", public_key=root / "keys/public.pem")
    assert found["ok"]
    (warning,) = found["warnings"]
    assert "2999-01-01" in warning
