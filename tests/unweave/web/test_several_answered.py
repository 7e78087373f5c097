"""Several workspaces at one desk: one request, run in each, one letter, each one's certificate."""

import io
import os
import re
import shutil
import zipfile
from email import message_from_bytes

import pytest

from fixtures.two_desks import (
    HOME_ALONE,
    OTHER_ALONE,
    again,
    make_two,
    project_of,
    two_of,
    user_of,
    wait_for_runs,
)
from lineage_store.errors import BadInput, WorkspaceBusy
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.api.verify import verify
from unweave.web.accounts.desk_file import desk_file
from unweave.web.mail.mail_message import mail_of
from unweave.web.operations.acting import Filing, file_request
from unweave.web.operations.own_page import make_own_link, own_pack, own_state
from unweave.web.operations.people_found import looked_up
from unweave.web.operations.runs_started import others_now, start_due
from unweave.web.operations.written_answers import To, hand_over, refuse, say_sent, write
from unweave.web.process.outbox import files_of
from unweave.web.several.keeping_up import keep_up
from unweave.web.several.part_answers import all_contents
from unweave.web.several.part_states import must_be_done, parts_of

PROOFS = ("certificate.json", "public.pem", "receipt.json", "verify.html")
LETTER = ("letter.html", "letter.txt")
ASKED = {"q1": "p1", "q2": HOME_ALONE, "q3": OTHER_ALONE, "q4": "nobody"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_two(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def ran(made, tmp_path_factory):
    """Both workspaces when requests of four people were filed and run in each."""
    folder = tmp_path_factory.mktemp("ran")
    desk = two_of(made, folder)
    user = user_of(desk)
    for who in ASKED.values():
        filed(desk, user, who)
    start_due(desk, user)
    wait_for_runs(desk)
    return folder


@pytest.fixture
def desk(made, tmp_path, no_browser):
    return two_of(made, tmp_path)


@pytest.fixture
def done(ran, tmp_path, no_browser):
    return two_of(ran, tmp_path)


@pytest.fixture
def no_browser(monkeypatch):
    monkeypatch.setenv("PATH", "")  # none to print letters with


def filed(desk, user, *ids, right="erasure"):
    filing = Filing(ids=ids, right=right, said={"requester": "Quinn"})
    return file_request(desk, user, filing)["request"]


def user_there(desk):
    with desk.accounts() as accounts:
        return accounts.users.find("Dora Ost")


def packed(desk, request, folder, **to):
    """Write the answer and hand it over; return the names in it and the letter."""
    user = user_there(desk)
    write(desk, user, request, To(**to), answer=True)
    with zipfile.ZipFile(io.BytesIO(hand_over(desk, user, request))) as archive:
        archive.extractall(folder)
        names = sorted(one.removeprefix(f"{request}/") for one in archive.namelist())
    letter = (folder / request / "letter.txt").read_text(encoding="utf-8")
    return names, " ".join(letter.split())


def holds(folder, subject):
    told = verify(
        folder / "certificate.json",
        public_key=folder / "public.pem",
        receipt=folder / "receipt.json",
        subject=subject,
    )
    return told["ok"]


def test_one_person_in_two_workspaces_has_one_letter_and_both_certificates(done, tmp_path):
    names, letter = packed(done, "q1", tmp_path / "pack")
    assert names == sorted([*LETTER, *PROOFS, *(f"other/{one}" for one in PROOFS)])
    here, there = tmp_path / "pack" / "q1", tmp_path / "pack" / "q1" / "other"
    assert holds(here, "p1") and holds(there, "p1") and not holds(there, "p2")
    assert (here / "public.pem").read_bytes() != (there / "public.pem").read_bytes()
    assert letter.count("5 rows of data were erased") == 3 and "(deletion r1 in other)" in letter
    assert "exactly those that we would have had" in letter and "handed out" not in letter
    assert "this letter answers for all of them. In other it is q1: 5 rows" in letter
    assert say_sent(done, "Dora Ost", "q1") == "sent"
    for one in (done, *done.joined):
        assert files_of(one, "q1") == ()
        with one.accounts() as accounts:
            assert set(accounts.sent.among(["q1"])) == {"q1"}
        with reading_index(one.session.workspace()) as connection:
            sent = [one.body for one in events.events(connection) if one.kind == "answer sent"]
        assert [one["request"] for one in sent] == ["q1"]


@pytest.mark.parametrize(
    "request_, folders, words",
    [
        ("q2", ("",), "In other it is q2: we found no data of yours."),
        ("q3", ("other/",), "In the first we found no data of yours. In other it is q3: 5 rows"),
        ("q4", (), "We found no data of yours in our models"),
    ],
)
def test_who_has_rows_in_one_alone_or_in_none_is_told_so(done, tmp_path, request_, folders, words):
    names, letter = packed(done, request_, tmp_path / "pack")
    assert names == sorted([*LETTER, *(f"{one}{name}" for one in folders for name in PROOFS)])
    assert words in letter and ("This is done." in letter) is bool(folders)
    for one in folders:
        assert holds(tmp_path / "pack" / request_ / one, ASKED[request_])


def test_the_letter_is_in_german_too(done, tmp_path):
    _, letter = packed(done, "q3", tmp_path / "pack", language="de")
    assert "in 2 Arbeitsbereichen" in letter and "Im ersten haben wir keine Daten" in letter
    assert "In other (q3) wurden 5 Datenzeilen gelöscht" in letter


def test_a_mail_has_no_folders_and_a_person_s_own_page_has_them(done):
    user = user_there(done)
    link = make_own_link(done, user, "q1")["link"].rpartition("/")[2]
    write(done, user, "q1", To(), answer=True)
    files = all_contents(done, "q1")
    mail = message_from_bytes(
        mail_of(files, request="q1", sender="d@a.example", to="q@b.example", message_id="1",
                time=done.now())
    )  # fmt: skip
    attached = {part.get_filename() for part in mail.walk()} - {None}
    assert attached == {one.replace("/", "-") for one in files} - {"letter.txt"}
    assert say_sent(done, "Dora Ost", "q1") == "sent"
    with done.accounts() as accounts:
        cookie = accounts.own_links.exchange(link, today=done.today, random_bytes=os.urandom)
    with zipfile.ZipFile(io.BytesIO(own_pack(done, "q1", cookie))) as archive:
        assert "q1/other/certificate.json" in archive.namelist()


def test_a_workspace_that_is_moved_away_stops_the_answer_comes_back_and_it_ends(desk, tmp_path):
    (other,) = desk.joined
    user, away = user_of(desk), tmp_path / "away"
    keep_up(desk)  # as the process does when it begins
    shutil.move(other.root, away)
    request = filed(desk, user, "p1")
    assert others_now(desk)[0].why is not None
    start_due(desk, user)
    wait_for_runs(desk)
    with pytest.raises(BadInput, match="other cannot be reached"):
        write(desk, user, request, To(), answer=True)
    state = own_state(desk, request)
    assert state is not None and state.is_open and state.words == "It is being worked on."
    assert files_of(desk, request) == ()
    with desk_file(desk.root) as connection:  # at home it is over, and is still to be asked there
        (sealed,) = connection.execute("SELECT sealed FROM parts").fetchone()
    assert sealed is not None and b"Quinn" not in sealed
    back = again(desk.root, away)
    assert keep_up(back) == []
    with desk_file(desk.root) as connection:
        assert connection.execute("SELECT sealed FROM parts").fetchone()[0] is None
    with pytest.raises(BadInput, match="In away it is q1, ready to run"):
        write(back, user, request, To(), answer=True)
    project_of(back.joined[0]).requests.run()
    names, _ = packed(back, request, tmp_path / "pack")
    assert "away/certificate.json" in names and must_be_done(back, request)


def test_what_is_written_is_handed_over_whole_or_not_at_all(done, tmp_path):
    """A pack lacks no workspace that its letter speaks of, and its receipts are not lost."""
    (other,) = done.joined
    user = user_there(done)
    write(done, user, "q1", To(), answer=True)
    outbox, aside = other.outbox, tmp_path / "aside"
    shutil.move(outbox, aside)
    with pytest.raises(BadInput, match="write the answer once more"):
        hand_over(done, user, "q1")
    shutil.move(aside, outbox)
    shutil.move(other.root, aside)
    for step in (lambda: hand_over(done, user, "q1"), lambda: say_sent(done, "Dora Ost", "q1")):
        with pytest.raises(BadInput, match="other cannot be reached"):
            step()
    shutil.move(aside, other.root)
    assert "receipt.json" in files_of(other, "q1")
    with pytest.raises(BadInput, match="there is no second one"):
        write(done, user, "q1", To(), answer=True)
    assert say_sent(done, "Dora Ost", "q1") == "sent"


def test_killed_between_two_packs_the_receipt_of_the_first_goes_with_the_next(done, tmp_path):
    """The part's pack was written, and the home's not: it is taken as it lies there."""
    (other,) = done.joined
    user, real = user_there(done), done.python
    object.__setattr__(done, "python", ("/nowhere/python",))  # of the home: killed, say
    with pytest.raises(Exception, match="gave no answer"):
        write(done, user, "q1", To(), answer=True)
    assert "receipt.json" in files_of(other, "q1") and files_of(done, "q1") == ()
    object.__setattr__(done, "python", real)
    names, letter = packed(done, "q1", tmp_path / "pack")
    assert "other/receipt.json" in names and "handed out" not in letter


def test_asked_for_again_it_comes_without_receipts_and_says_so(done, tmp_path):
    packed(done, "q1", tmp_path / "first")
    say_sent(done, "Dora Ost", "q1")
    names, letter = packed(done, "q1", tmp_path / "second")
    assert not [one for one in names if "receipt" in one]
    assert "receipt for deletion r1 in other was handed out" in letter


def test_what_is_not_over_here_hands_out_no_receipt_there(desk):
    """Nor what was taken back here when it was done there."""
    (other,) = desk.joined
    user, queue = user_of(desk), project_of(desk).requests
    request, second = filed(desk, user, "p1"), filed(desk, user, "p2")
    project_of(other).requests.run()
    with pytest.raises(BadInput, match="there is a pack when it is over"):
        write(desk, user, request, To(), answer=True)
    queue.cancel(second, by="Dora Ost")
    with pytest.raises(BadInput, match="taken back"):
        write(desk, user, second, To(), answer=True)
    assert files_of(other, "q1") == files_of(other, "q2") == ()


def test_access_is_answered_by_the_data_of_each(desk, tmp_path):
    user = user_of(desk)
    request = filed(desk, user, OTHER_ALONE, right="access")
    (part,) = must_be_done(desk, request)
    assert part.told is not None and part.told["state"] == "to be answered"
    names, letter = packed(desk, request, tmp_path / "pack")
    theirs = [one.removeprefix("other/") for one in names if one.startswith("other/")]
    assert theirs == ["letter.html", "letter.txt", "your-data.html", "your-data.zip"]
    assert [one for one in names if "/" not in one] == list(LETTER)
    assert "We do process data of yours, in the places named below." in letter
    assert "your data there, and a letter about them, lie in the folder other" in letter
    assert parts_of(desk, request)[0].told["state"] == "done"


def test_it_is_refused_in_each_or_in_none(desk, tmp_path):
    (other,) = desk.joined
    user, there = user_of(desk), project_of(other).requests
    request, second = filed(desk, user, "p1"), filed(desk, user, "p2")
    said = {"ground": "17(3)(e)", "reason": "a claim"}
    shutil.move(other.root, tmp_path / "away")
    with pytest.raises(BadInput, match="in every workspace, or in none"):
        refuse(desk, user, request, said, To())
    assert project_of(desk).requests.show(request)["state"] == "waiting"
    shutil.move(tmp_path / "away", other.root)
    refuse(desk, user, request, said, To())
    assert (
        there.show("q1")["state"] == project_of(desk).requests.show(request)["state"] == "refused"
    )
    with zipfile.ZipFile(io.BytesIO(hand_over(desk, user, request))) as archive:
        assert sorted(archive.namelist()) == [f"q1/{one}" for one in LETTER]
    there.run()
    with pytest.raises(BadInput, match="In other it is done"):
        refuse(desk, user, second, said, To())


def test_a_hold_there_keeps_it_back_and_the_answer_waits(desk):
    (other,) = desk.joined
    user, there = user_of(desk), project_of(other).requests
    there.add(["p1", "p2"], by="Olga")
    there.hold("q1", reason="a claim", until="2999-01-01")
    request = filed(desk, user, "p1")
    start_due(desk, user)
    wait_for_runs(desk)
    assert project_of(desk).requests.show(request)["state"] == "done"
    with pytest.raises(BadInput, match="The request q1 there keeps it back"):
        write(desk, user, request, To(), answer=True)


def test_a_run_is_started_where_nobody_works_and_not_where_something_is_behind(desk):
    (other,) = desk.joined
    user = user_of(desk)
    filed(desk, user, "p1")
    other.root.joinpath("keys", "desk-requests").chmod(0o640)
    start_due(desk, user)
    assert len(desk.runs) == 1 and other.runs == []
    with pytest.raises(WorkspaceBusy):
        start_due(desk, user)
    wait_for_runs(desk)


def test_somebody_is_looked_up_in_each_and_each_logs_it(done, tmp_path):
    (other,) = done.joined
    user = user_there(done)
    found = looked_up(done, user, "p2", why="asks")
    ((name, there),) = found.elsewhere
    assert (name, there.models, found.models) == ("other", (("m2", "", 5),), (("m2", "", 5),))
    for one in (done, other):
        with reading_index(one.session.workspace()) as connection:
            last = list(events.events(connection))[-1]
        assert last.kind == "person looked up" and re.fullmatch("s-[0-9a-f]{8}", last.body["by"])
    shutil.move(other.root, tmp_path / "away")
    ((_, why),) = looked_up(done, user, "p2", why="asks").elsewhere
    assert "other cannot be reached" in why
