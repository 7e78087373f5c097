"""Several workspaces at one desk: a request is filed in each, once, whatever is killed between."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from fixtures.run_here import run_here
from fixtures.two_desks import HOME_ALONE, OTHER_ALONE, again, make_two, project_of, two_of, user_of
from lineage_store.errors import BadInput
from lineage_store.requests import Policy
from unweave.web.accounts.desk_file import desk_file
from unweave.web.operations.acting import Filing, act, act_in, file_request, try_again
from unweave.web.operations.written_answers import say_sent
from unweave.web.several import keeping_up, part_states
from unweave.web.several.filed_parts import FiledParts
from unweave.web.several.joined_workspaces import places_of
from unweave.web.several.keeping_up import keep_up
from unweave.web.several.part_states import must_be_done, parts_of, waiting_for_parts

LATER = str(date.today() + timedelta(days=9))
# Files a request, and is killed as soon as it comes to a function of `several`.
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from fixtures.two_desks import again
from unweave.web.accounts.users import User
from unweave.web.operations.acting import Filing, file_request
from unweave.web.several.filed_parts import FiledParts
setattr(FiledParts, sys.argv[2], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
desk = again(Path(sys.argv[3]), Path(sys.argv[4]))
user = User(b"", "Dora Ost", "officer", is_set=True, is_program=False, ended=False)
file_request(desk, user, Filing(ids=["p1"], right="erasure", said={"requester": "Quinn"}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_two(tmp_path_factory.mktemp("two"))


@pytest.fixture
def desk(made, tmp_path):
    return two_of(made, tmp_path)


@pytest.fixture
def user(desk):
    return user_of(desk)


def filed(desk, user, *ids, right="erasure", rows=False, **said):
    filing = Filing(ids=ids, right=right, rows=rows, said=said)
    return file_request(desk, user, filing)["request"]


def in_clear(root, *words):
    """The files below a folder, and beside it, in which one of some words stands."""
    return [
        str(file.relative_to(root))
        for file in root.rglob("*")
        if file.is_file() and any(word.encode() in file.read_bytes() for word in words)
    ]


def test_a_request_is_filed_in_each_with_the_same_days_and_no_word_of_it_in_clear(desk, user):
    (other,) = desk.joined
    project_of(other).requests.add(["p9"], by="Olga")  # its numbers are its own
    received = str(date.today() - timedelta(days=400))
    said = {"requester": "Quinn Zwo", "reason": "moved away", "received": received}
    filing = Filing(ids=["p1"], right="erasure", long_ago=True, said=said)
    request = file_request(desk, user, filing)["request"]
    (part,) = parts_of(desk, request)
    assert (request, part.part, part.place.name) == ("q1", "q2", "other")
    here, there = (project_of(one).requests for one in (desk, other))
    ours, theirs = here.show("q1"), there.show("q2")
    same = ("named", "requester", "reason", "received", "deadline", "due_by_law", "added_by")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    assert keep_up(desk) == [] and len(there.list()["requests"]) == 2
    for root in (desk.root, other.root):
        assert in_clear(root, "Quinn Zwo", "moved away", "Dora Ost") == []


def test_who_has_rows_in_one_alone_is_named_in_no_file_of_the_other(desk, user):
    (other,) = desk.joined
    filed(desk, user, HOME_ALONE)
    filed(desk, user, OTHER_ALONE)
    assert in_clear(other.root, HOME_ALONE) == in_clear(desk.root, OTHER_ALONE) == []


def test_twice_filed_is_filed_once_and_rows_and_what_a_detector_proposes_stay_here(desk, user):
    (other,) = desk.joined
    first = filed(desk, user, "p1")
    assert filed(desk, user, "p1") == first
    assert parts_of(desk, filed(desk, user, "0" * 16, rows=True)) == ()
    proposed = project_of(desk).requests.add(["p5"], proposed=True)["request"]
    keep_up(desk)
    assert parts_of(desk, proposed) == ()
    assert [one["request"] for one in project_of(other).requests.list()["requests"]] == ["q1"]


def test_what_was_filed_otherwise_or_before_is_carried_over_while_it_is_open(desk):
    """By the command line, by an inbox, or before the other workspace was joined."""
    queue = project_of(desk).requests
    queue.add(["p1"], by="Dora Ost")
    queue.add(["p2"], by="Dora Ost")
    queue.cancel("q2")
    assert keep_up(desk) == []
    assert [len(parts_of(desk, name)) for name in ("q1", "q2")] == [1, 0]
    queue.add(["p3"], by="Dora Ost")
    assert [one.stops for one in parts_of(desk, "q3")] == []  # nobody looked yet
    assert keep_up(desk) == []
    assert parts_of(desk, "q3")[0].part == "q2"


@pytest.mark.parametrize("at", ["note", "begin", "filed"])
def test_killed_between_one_and_the_next_it_is_made_up_for_and_filed_once(desk, user, at):
    (other,) = desk.joined
    killed = subprocess.run(
        [*desk.python, "-c", KILLED, os.path.dirname(__file__) + "/../..", at,
         str(desk.root), str(other.root)],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [one["request"] for one in project_of(desk).requests.list()["requests"]] == ["q1"]
    there = project_of(other).requests
    assert len(there.list()["requests"]) == (at == "filed")
    if at == "filed":  # and run there, before anybody could say that it was filed
        there.run()
    anew = again(desk.root, other.root)
    assert keep_up(anew) == []
    assert [one["request"] for one in there.list(ended=True)["requests"]] == ["q1"]
    (part,) = parts_of(anew, "q1")
    assert part.part == "q1" and part.is_done is (at == "filed")
    with desk_file(desk.root) as connection:
        assert connection.execute("SELECT sealed FROM parts").fetchall()[0][0] is None


def test_each_obeys_its_own_rules(desk, user):
    """A second person is needed there alone, and it is not who filed it here."""
    (other,) = desk.joined
    there = project_of(other).requests
    there.set_policy(Policy(approve_above=2, deadline_days=3))
    request = filed(desk, user, "p1", "p2", "p3")
    here = project_of(desk).requests.show(request)
    assert here["state"] == "waiting" and there.show("q1")["state"] == "waiting for approval"
    assert there.show("q1")["deadline"] == here["deadline"]  # one deadline, by whoever asked
    approve = ("1", "approve", {})
    with pytest.raises(BadInput, match="needs a second person"):
        act_in(desk, user, request, *approve)
    act_in(desk, user_of(desk, "Axel Zwo", "approver"), request, *approve)
    assert there.show("q1")["state"] == "waiting"
    with pytest.raises(BadInput, match="has no part in that workspace"):
        act_in(desk, user, request, "7", "approve", {})


def test_spellings_that_look_alike_are_settled_in_each(desk, user):
    (other,) = desk.joined
    request = filed(desk, user, "P4")
    with pytest.raises(BadInput, match="In other it is q1, spellings look alike"):
        must_be_done(desk, request)
    act(desk, user, request, "answer", {"also": ["1"]})
    there = project_of(other).requests
    assert there.show("q1")["state"] == "waiting for an answer"
    act_in(desk, user, request, "1", "answer", {"only": True})
    assert there.show("q1")["named"] == ["P4"]
    assert project_of(desk).requests.show(request)["named"] == ["P4", "p4"]


def test_what_is_said_of_a_request_is_carried_over_and_what_they_decide_there_stays(desk, user):
    (other,) = desk.joined
    there, request = project_of(other).requests, filed(desk, user, "p1")

    def do(operation, **said):
        act(desk, user, request, operation, said)
        assert parts_of(desk, request)[0].steps == ()
        return there.show("q1")

    assert do("hold", reason="a claim", until=LATER)["held_until"] == LATER
    there.release("q1", by="Olga")
    assert keep_up(desk) == [] and there.show("q1")["held_until"] is None
    do("release")
    assert do("ask_more", doubt="two of that name")["doubt"] == "two of that name"
    assert do("more_came")["state"] == "waiting"
    longer = do("extend", because="complexity")
    assert longer["extended"] == "complexity"
    assert longer["deadline"] == project_of(desk).requests.show(request)["deadline"]
    assert do("ask_fee", amount="20 EUR", reason="the fifth")["fee"] == "20 EUR"
    assert do("fee_agreed")["state"] == "waiting"
    assert do("cancel")["state"] == "cancelled"


@pytest.mark.parametrize("at", [1, 2])
def test_killed_while_it_is_carried_over_a_hold_is_held_and_released_all_the_same(
    desk, user, monkeypatch, at
):
    """Before the hold there, or after it and before that was written down."""
    (other,) = desk.joined
    there, request, real = project_of(other).requests, filed(desk, user, "p1"), FiledParts.carried
    calls = []

    def killed(self, one, what):
        calls.append(what)
        if len(calls) == at:
            raise KeyboardInterrupt
        real(self, one, what)

    monkeypatch.setattr(FiledParts, "carried", killed)
    with pytest.raises(KeyboardInterrupt):
        act(desk, user, request, "hold", {"reason": "a claim", "until": LATER})
    monkeypatch.undo()
    assert (there.show("q1")["held_until"] == LATER) is (at == 2)
    assert keep_up(desk) == [] and there.show("q1")["held_until"] == LATER
    act(desk, user, request, "release", {})
    assert there.show("q1")["held_until"] is None


def test_what_cannot_be_done_there_is_told_and_left_alone_for_a_while(desk, user):
    (other,) = desk.joined
    request = filed(desk, user, "p1")
    project_of(desk).requests.extend(request, because="complexity", by="Dora Ost")
    with sqlite3.connect(other.root / "unweave.sqlite") as index:  # came in long ago there
        (term,) = index.execute("SELECT term FROM queue").fetchone()
        day = json.loads(term)["received"]
        old = str(date.fromisoformat(day) - timedelta(days=200))
        index.execute("UPDATE queue SET term = ?", (term.replace(day, old),))
    (failed,) = keep_up(desk)
    assert "The first period ended" in failed.why
    assert keep_up(desk) == [] and parts_of(desk, request)[0].steps == ("extend",)
    with pytest.raises(BadInput, match="The first period ended"):
        try_again(desk, user, request)


def test_what_they_had_filed_themselves_is_not_taken_back_from_here(desk, user):
    (other,) = desk.joined
    there = project_of(other).requests
    there.add(["p1"], by="Olga")
    request = filed(desk, user, "p1")
    assert parts_of(desk, request)[0].part == "q1"
    act(desk, user, request, "cancel", {})
    assert there.show("q1")["state"] == "waiting"


def moved(other):
    shutil.move(other.root, other.root.with_name("away"))


def locked(other):
    (other.root / "keys" / "desk-lookup").chmod(0o644)


def newer(other):
    (other.root / "format.json").write_text('{"format": 99}')


def closed(other):
    (other.root / "keys" / "public.pem").unlink()


@pytest.mark.parametrize(
    "spoil, why",
    [
        (moved, "other cannot be reached: there is none where it lay"),
        (locked, "other cannot be reached: The desk's key .* can be read by others"),
        (newer, "other cannot be reached: .* has format 99"),
        (closed, "other cannot be reached: No such file"),
        (None, "other is not served here now: name it after `unweave serve`"),
    ],
)
def test_a_workspace_that_cannot_be_reached_is_named_and_stops_what_was_filed_there(
    desk, user, spoil, why
):
    (other,) = desk.joined
    request = filed(desk, user, "p1")
    if spoil is None:
        desk = again(desk.root)
    else:
        spoil(other)
        with pytest.raises(BadInput, match=why):
            try_again(desk, user, request)
        second = filed(desk, user, "p2")  # here it is filed all the same
        assert parts_of(desk, second)[0].stops == parts_of(desk, request)[0].stops
    with pytest.raises(BadInput, match=why):
        must_be_done(desk, request)
    assert keep_up(desk) == []
    act(desk, user, request, "hold", {"reason": "a claim", "until": LATER})


def test_a_workspace_is_known_by_its_key_wherever_it_lies_and_a_copy_is_none(desk, user):
    (other,) = desk.joined
    request = filed(desk, user, "p1")
    new = other.root.with_name("elsewhere")
    shutil.move(other.root, new)
    assert parts_of(again(desk.root, new), request)[0].place.name == "elsewhere"
    copy = shutil.copytree(new, other.root, symlinks=True)
    for twice in ((desk.root, new, copy), (new, new), (desk.root, desk.root)):
        with pytest.raises(BadInput, match="are one workspace, or a copy of it"):
            again(*twice)
    shutil.copytree(new, other.root.with_name("gone"), symlinks=True)
    both = again_unchecked(desk, new, other.root.with_name("gone"))  # it came while it is served
    assert [one.why is None for one in places_of(both)] == [True, False]
    shutil.rmtree(new)
    shutil.copytree(desk.root, new, symlinks=True)
    assert "is a copy of another" in places_of(again_unchecked(desk, new))[0].why


def again_unchecked(desk, *others):
    """A desk whose joined workspaces became copies after it was started."""
    served = again(desk.root)
    object.__setattr__(served, "joined", tuple(again(one) for one in others))
    return served


def test_a_workspace_that_never_was_there_is_a_slip_of_the_hand(made, tmp_path):
    """It would else wait for ever to be reached."""
    home = shutil.copytree(made / "home", tmp_path / "home", symlinks=True)
    with pytest.raises(BadInput, match="Only one that was served here before may be away"):
        again(home, tmp_path / "not there")
    with desk_file(home) as connection:
        assert connection.execute("SELECT count(*) FROM joined").fetchone()[0] == 0


def test_how_long_a_name_is_is_not_told_by_what_waits_to_be_filed(desk, user, tmp_path):
    """It lies here also when its people are forgotten here."""
    shutil.move(desk.joined[0].root, tmp_path / "away")
    for who in ("p1", "a much longer name of somebody" * 9):
        filed(desk, user, who)
    with desk_file(desk.root) as connection:
        sealed = [row[0] for row in connection.execute("SELECT sealed FROM parts")]
    assert len(sealed) == 2 and len({len(one) for one in sealed}) == 1


def test_who_waits_files_few_and_the_process_files_the_others(desk, monkeypatch):
    monkeypatch.setattr(keeping_up, "AT_ONCE", 1)
    for who in ("p1", "p2", "p3"):
        project_of(desk).requests.add([who], by="Dora Ost")

    def filed_there():
        return len(project_of(desk.joined[0]).requests.list()["requests"])

    assert (keep_up(desk, by="Dora Ost"), filed_there()) == ([], 1)
    assert (keep_up(desk), filed_there()) == ([], 3)


def test_two_at_the_same_time_file_it_once(desk):
    (other,) = desk.joined
    project_of(desk).requests.add(["p1"], by="Dora Ost")
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: keep_up(desk, by="Dora Ost"), range(4)))
    assert done == [[], [], [], []]
    assert len(project_of(other).requests.list()["requests"]) == 1


def test_what_they_take_back_there_is_not_done_by_that(desk, user):
    (other,) = desk.joined
    request = filed(desk, user, "p1")
    project_of(other).requests.cancel("q1", by="Olga")
    keep_up(desk)
    with pytest.raises(BadInput, match="In other q1 was taken back, and not here"):
        must_be_done(desk, request)
    project_of(desk).requests.run()
    assert waiting_for_parts(desk) == [request]
    again_filed = filed(desk, user, "p1")
    assert (again_filed, parts_of(desk, again_filed)[0].part) == ("q2", "q2")
    assert say_sent(desk, user.name, request) == "sent"  # answered otherwise
    assert waiting_for_parts(desk) == []


def test_what_waits_long_is_known_also_when_many_ended_since(desk, user, monkeypatch):
    monkeypatch.setattr(part_states, "MOST", 1)
    request = filed(desk, user, "p1")
    project_of(desk).requests.run()
    assert waiting_for_parts(desk) == [request]
    keep_up(desk)
    queue = project_of(desk).requests
    queue.cancel(queue.add(["p2"], by="Dora Ost")["request"])
    assert waiting_for_parts(desk) == [request]


def test_the_command_files_it_in_each_and_says_how_it_stands(desk):
    (other,) = desk.joined
    queue = project_of(desk).requests
    queue.add(["p1"], by="Dora Ost")
    queue.add(["0" * 16], rows=True, by="Dora Ost")
    given = (str(other.root), "--workspace", str(desk.root))

    def said(request, *more):
        status, out, error = run_here(
            "request", "elsewhere", request, *given, *more, folder=desk.root.parent
        )
        return status, out or error

    assert said("q1") == (0, "In other it is q1, ready to run. Next there: Run the deletion.\n")
    project_of(other).requests.run()
    assert said("q1") == (0, "In other it is q1, done.\n")
    told = json.loads(said("q1", "--json")[1])
    part = {"workspace": "other", "request": "q1", "state": "done", "done": True, "stops": None}
    assert told == {"request": "q1", "done": True, "parts": [part], "ok": True}
    status, why = said("q2")
    assert status == 3 and "filed in no other workspace" in why
    shutil.move(other.root, other.root.with_name("away"))
    status, why = said("q1")
    assert status == 1 and why.startswith("The workspace other cannot be reached: ")


def test_what_was_over_before_anybody_saw_it_is_told_and_not_passed_over(desk, user):
    keep_up(desk)
    queue = project_of(desk).requests
    queue.add(["p1"], by="Dora Ost")
    queue.run()
    keep_up(desk)
    with pytest.raises(BadInput, match="file what the person asked once more"):
        must_be_done(desk, "q1")
