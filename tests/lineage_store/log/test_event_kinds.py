"""The kinds of events: written as they always were, older ones read, and never without a signature.

The bodies are those that commit 961ed0a wrote.
"""

import os
import re
import signal
from pathlib import Path

import pytest

from lineage_store.errors import CheckFailed
from lineage_store.index.database import reading_index
from lineage_store.index.from_log import check_log
from lineage_store.index.signed_log import log_size, logging_events
from lineage_store.keys.signing import create_signing_key, load_public_key
from lineage_store.log import events
from lineage_store.log.desk_kinds import (
    AnswerFetched,
    AnswerSent,
    LetterMailed,
    NamesShown,
    OwnLinkMade,
    PersonLookedUp,
    RunAsked,
    SettingChanged,
    SignedIn,
    SignInRefused,
    TokenEnded,
    TokenMade,
    UserAdded,
    UserEnded,
    UserInvitedAgain,
    WebhookEnded,
    WebhookMade,
)
from lineage_store.log.events import ORIGIN, Event
from lineage_store.log.kinds import (
    KINDS,
    ClockExplained,
    DeletionAsked,
    DeletionTakenBack,
    EvidenceDrawn,
    ExclusionLifted,
    FeeAgreed,
    FeeAsked,
    LiftingAnnounced,
    LineServed,
    ModelMade,
    ModelRetired,
    ObjectionUpheld,
    RegisterEnded,
    RequestAnswered,
    RequestApproved,
    RequestEnded,
    RequestExtended,
    RequestHeld,
    RequestHoldEnded,
    RequestQueued,
    RequestReleased,
    RequestRestricted,
    RequestResumed,
    RequestStopped,
    RowsDeleted,
    RowsToBeKept,
    of_kind,
    read,
)
from lineage_store.workspace.folder import open_workspace, writing
from tests.any_event import AnyEvent

TOP = Path(__file__).parents[3]
MADE = {
    "model": "m1", "family": "m1", "guarantee": "trained", "request": None, "weights": "w",
    "ledger": "l",
}  # fmt: skip
DELETED = {
    "request": "r1", "certificate": "c", "models": {"m1": "m2", "m3": None},
    "guarantees": {"m1": "exact", "m3": "exact"},
}  # fmt: skip
QUEUED = {"request": "q1", "kind": "subject", "deadline": "2031-02-01"}
WRITTEN = [
    (ModelMade("m1", "m1", "trained", None, "w", "l"), MADE),
    (ModelMade("m1", "m1", "trained", None, "w", "l", base="m0"), {**MADE, "base": "m0"}),
    (DeletionAsked("r1", "d"), {"request": "r1", "digest": "d"}),
    (DeletionTakenBack("r1", "d"), {"request": "r1", "digest": "d"}),
    (RowsDeleted(**DELETED, ids=2), {**DELETED, "ids": 2}),
    (RowsDeleted(**DELETED), DELETED),
    (ExclusionLifted("r1", 2), {"request": "r1", "ids": 2}),
    (RequestQueued(**QUEUED, size=1, needs=""), {**QUEUED, "size": 1, "needs": ""}),
    (RequestQueued(**QUEUED, follows="r1"), {**QUEUED, "follows": "r1"}),
    (
        RequestQueued(**QUEUED, size=1, needs="", received="2030-12-31"),
        {**QUEUED, "size": 1, "needs": "", "received": "2030-12-31"},
    ),
    (
        RequestQueued(**QUEUED, size=1, needs="", right="restriction", ground="18(1)(a)"),
        {**QUEUED, "size": 1, "needs": "", "right": "restriction", "ground": "18(1)(a)"},
    ),
    (RequestRestricted("q1"), {"request": "q1"}),
    (RowsToBeKept("q1", "s-1"), {"request": "q1", "by": "s-1"}),
    (ObjectionUpheld("q1"), {"request": "q1"}),
    (
        LiftingAnnounced("q1", "verified", "2031-03-01"),
        {"request": "q1", "because": "verified", "on": "2031-03-01"},
    ),
    (UserAdded("s-1", "officer"), {"user": "s-1", "role": "officer"}),
    (UserInvitedAgain("s-1", "s-2"), {"user": "s-1", "by": "s-2"}),
    (UserEnded("s-1"), {"user": "s-1"}),
    (
        TokenMade("t1", "s-1", "officer", "2031-02-01", "s-2"),
        {"token": "t1", "user": "s-1", "role": "officer", "until": "2031-02-01", "by": "s-2"},
    ),
    (WebhookMade("w1", "s-2"), {"webhook": "w1", "by": "s-2"}),
    (WebhookEnded("w1", "s-2"), {"webhook": "w1", "by": "s-2"}),
    (SettingChanged("mail server", "s-2"), {"setting": "mail server", "by": "s-2"}),
    (LetterMailed("q1", "s-2"), {"request": "q1", "by": "s-2"}),
    (OwnLinkMade("q1", "s-2"), {"request": "q1", "by": "s-2"}),
    (AnswerFetched("q1"), {"request": "q1"}),
    (TokenEnded("t1", "s-1", "s-2"), {"token": "t1", "user": "s-1", "by": "s-2"}),
    (SignedIn("s-1"), {"by": "s-1"}),
    (SignInRefused("s-1"), {"user": "s-1"}),
    (
        NamesShown("q1", "to answer", "s-1"),
        {"request": "q1", "because": "to answer", "by": "s-1"},
    ),
    (PersonLookedUp("asks", "s-1"), {"because": "asks", "by": "s-1"}),
    (RunAsked("s-1"), {"by": "s-1"}),
    (AnswerSent("q1", "s-1"), {"request": "q1", "by": "s-1"}),
    (LineServed("m3", "m1"), {"line": "m3", "instead": "m1"}),
    (ModelRetired("m3"), {"model": "m3"}),
    (
        RegisterEnded("2028-01-01", 4, 1),
        {"before": "2028-01-01", "requests": 4, "staff": 1},
    ),
    (RequestStopped("q1", "more is needed"), {"request": "q1", "why": "more is needed"}),
    (
        RequestResumed("q1", "2031-01-09", "2031-02-03"),
        {"request": "q1", "on": "2031-01-09", "deadline": "2031-02-03"},
    ),
    (
        RequestExtended("q1", "number", "2031-04-01"),
        {"request": "q1", "because": "number", "deadline": "2031-04-01"},
    ),
    (FeeAsked("q1", "s-1"), {"request": "q1", "by": "s-1"}),
    (FeeAgreed("q1", "s-1"), {"request": "q1", "by": "s-1"}),
    (RequestApproved("q1"), {"request": "q1"}),
    (RequestApproved("q1", "s-1"), {"request": "q1", "by": "s-1"}),
    (RequestAnswered("q1", 3), {"request": "q1", "size": 3}),
    (RequestHeld("q1", "2031-01-09"), {"request": "q1", "until": "2031-01-09"}),
    (RequestReleased("q1"), {"request": "q1"}),
    (RequestHoldEnded("q1", "2031-01-09"), {"request": "q1", "until": "2031-01-09"}),
    (EvidenceDrawn(7, 2, 9, "s-1"), {"seed": 7, "draw": 2, "of": 9, "by": "s-1"}),
    (
        ClockExplained(3, "2031-05-17", "2031-05-16", "after", "s-1"),
        {"event": 3, "before": "2031-05-17", "after": "2031-05-16", "right": "after", "by": "s-1"},
    ),
    (RequestEnded("q1", "cancelled", None), {"request": "q1", "outcome": "cancelled", "run": None}),
]


@pytest.fixture
def workspace(tmp_path):
    """A workspace that is held for writing, with a log of one event, and its signed head."""
    with writing(tmp_path / "ws", create=True) as held:
        create_signing_key(path_private=held.signing_key, path_public=held.public_key)
        with logging_events(held) as connection:
            events.append(connection, RequestReleased("q1"), time="t")
        yield held


def signed_size(workspace):
    key = load_public_key(workspace.public_key)
    return events.verify_head(workspace.head_file.read_bytes(), key, origin=ORIGIN).size


@pytest.mark.parametrize(("what", "body"), WRITTEN, ids=lambda one: getattr(one, "name", ""))
def test_an_event_is_written_as_ever_and_read_back(what, body):
    assert what.to_json() == body
    assert read(Event(1, "t", what.name, body, b""), type(what)) == what


def test_every_kind_is_written_by_one_of_these_and_has_its_own_name():
    assert {type(what) for what, _ in WRITTEN} == set(KINDS)
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_a_field_of_a_newer_unweave_is_left_aside_and_a_lost_one_is_told():
    newer = Event(7, "t", "deletion asked", {"request": "r1", "digest": "d", "more": 1}, b"")
    assert read(newer, DeletionAsked) == DeletionAsked("r1", "d")
    lacking = Event(7, "t", "deletion asked", {"request": "r1"}, b"")
    with pytest.raises(CheckFailed, match="Event 7 .* lacks"):
        read(lacking, DeletionAsked)


def test_events_of_one_kind_are_read_in_their_order_among_others(workspace):
    with logging_events(workspace) as connection:
        for what in (AnyEvent("run"), RequestReleased("q2"), RequestApproved("q3")):
            events.append(connection, what, time="t")
    with reading_index(workspace) as connection:
        found = [(event.seq, what) for event, what in of_kind(connection, RequestReleased)]
    assert found == [(1, RequestReleased("q1")), (3, RequestReleased("q2"))]


def test_at_the_end_of_a_block_the_head_is_that_of_the_log(workspace):
    with logging_events(workspace) as connection:
        for number in range(3):
            events.append(connection, RequestApproved(f"q{number}"), time="t")
        assert signed_size(workspace) == 1, "what is not committed yet is not signed"
    assert signed_size(workspace) == log_size(workspace) == 4
    with reading_index(workspace) as connection:
        check_log(connection, workspace)


def test_of_a_block_that_fails_nothing_is_kept_and_nothing_signed(workspace):
    before = workspace.head_file.read_bytes()
    with pytest.raises(ZeroDivisionError), logging_events(workspace) as connection:
        events.append(connection, RequestApproved("q2"), time="t")
        raise ZeroDivisionError
    assert log_size(workspace) == 1
    assert workspace.head_file.read_bytes() == before


def killed_before_it_is_signed(workspace):
    child = os.fork()
    if child == 0:
        import lineage_store.index.signed_log as module

        module.sign_log = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        with module.logging_events(workspace) as connection:
            events.append(connection, RequestApproved("q2"), time="t")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_before_the_signature_the_older_head_holds_and_the_next_block_signs(workspace):
    assert killed_before_it_is_signed(workspace) == -signal.SIGKILL
    assert (signed_size(workspace), log_size(workspace)) == (1, 2)
    with reading_index(workspace) as connection:
        check_log(connection, workspace)
    with logging_events(workspace):
        pass
    assert signed_size(workspace) == 2


def test_who_does_not_hold_the_workspace_signs_only_if_nobody_does(workspace):
    """The fixture holds it: who does signs when it is done."""
    with logging_events(workspace, held=False) as connection:
        events.append(connection, RequestApproved("q2"), time="t")
    assert (signed_size(workspace), log_size(workspace)) == (1, 2)


def test_when_nobody_holds_the_workspace_it_is_signed(tmp_path):
    with writing(tmp_path / "ws", create=True) as held:
        create_signing_key(path_private=held.signing_key, path_public=held.public_key)
        (held.serving("m1") / "1").mkdir(parents=True)
    workspace = open_workspace(tmp_path / "ws")
    with logging_events(workspace, held=False) as connection:
        events.append(connection, RequestApproved("q2"), time="t")
    assert signed_size(workspace) == 1


def test_no_other_place_makes_a_connection_that_takes_events():
    """Elsewhere mypy refuses to append, so no event can be without a signature."""
    makers = [
        str(path.relative_to(TOP))
        for folder in ("lineage_store", "unlearning", "components", "pipelines", "unweave")
        for path in (TOP / folder).rglob("*.py")
        if re.search(r"(?<!class )\bLogConnection\(", path.read_text(encoding="utf-8"))
    ]
    assert [Path(name).name for name in makers] == ["signed_log.py"]
