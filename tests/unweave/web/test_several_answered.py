"""Several workspaces at one desk: one request, run in each, one letter, each one's certificate."""

import io
import zipfile

import pytest

from fixtures.two_desks import (
    make_two,
    two_of,
    user_of,
    wait_for_runs,
)
from lineage_store.errors import BadInput
from unweave.api.verify import verify
from unweave.web.operations.acting import Filing, file_request
from unweave.web.operations.runs_started import start_due
from unweave.web.operations.written_answers import To, hand_over, say_sent, write
from unweave.web.several.part_states import must_be_done


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_two(tmp_path_factory.mktemp("two"))


@pytest.fixture
def desk(made, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser to print letters with
    return two_of(made, tmp_path)


def filed(desk, user, *ids, right="erasure"):
    filing = Filing(ids=ids, right=right, said={"requester": "Quinn"})
    return file_request(desk, user, filing)["request"]


def run(desk, user):
    start_due(desk, user)
    wait_for_runs(desk)


def opened(data, folder):
    """The names within a pack, which is written into a folder."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
        return sorted(archive.namelist())


PROOFS = ("certificate.json", "public.pem", "receipt.json", "verify.html")


def test_one_person_in_two_workspaces_has_one_letter_and_both_certificates(desk, tmp_path):
    user = user_of(desk)
    request = filed(desk, user, "p1")
    with pytest.raises(BadInput, match=r"In other it is q1, ready to run. Next there: Run the del"):
        must_be_done(desk, request)
    run(desk, user)
    write(desk, user, request, To(), answer=True)
    out = tmp_path / "pack"
    names = opened(hand_over(desk, user, request), out)
    assert names == sorted(
        [f"q1/{one}" for one in ("letter.html", "letter.txt", *PROOFS)]
        + [f"q1/other/{one}" for one in PROOFS]
    )
    for folder in (out / "q1", out / "q1" / "other"):
        told = verify(
            folder / "certificate.json",
            public_key=folder / "public.pem",
            receipt=folder / "receipt.json",
            subject="p1",
        )
        assert told["ok"], told
    assert (out / "q1/public.pem").read_bytes() != (out / "q1/other/public.pem").read_bytes()
    letter = (out / "q1" / "letter.txt").read_text(encoding="utf-8")
    print(letter)
    assert letter.count("5 rows of data were erased") == 3 and "(deletion r1 in other)" in letter
    assert "what proves it lies in the folder other" in letter
    assert say_sent(desk, user.name, request) == "sent"
    for one in (desk, *desk.joined):
        assert not list(one.outbox.glob("*"))
        with one.accounts() as accounts:
            assert set(accounts.sent.among(["q1"])) == {"q1"}
