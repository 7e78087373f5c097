"""Receipts: sealed until they are handed out, once, within 90 days; the run's own nonce ends."""

import json
import stat
from base64 import b64decode
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from fixtures.small_table import OPTIONS, write_people
from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.errors import BadInput, NothingFound
from lineage_store.keys.receipts import DAYS
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.certificates.envelope import commitment
from unweave import Project

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def project_in(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture
def given(tmp_path):
    return write_people(tmp_path / "people.csv")


@pytest.fixture
def root(given, tmp_path):
    project_in(tmp_path / "workspace").train(given, **OPTIONS)
    return tmp_path / "workspace"


def predicate_of(file):
    return json.loads(b64decode(json.loads(Path(file).read_bytes())["payload"]))["predicate"]


def holding(root, nonce):
    """The files of a workspace that hold a nonce, as bytes or in hexadecimal."""
    wanted = (nonce, nonce.hex().encode())
    files = [path for path in root.rglob("*") if path.is_file()]
    return [file for file in files if any(one in file.read_bytes() for one in wanted)]


def opens(nonce, person, predicate):
    made = commitment(nonce, kind="subject", value=person.encode())
    return made in predicate["subjects"]


def test_a_receipt_lies_sealed_until_it_is_handed_out_once(root, tmp_path):
    done = project_in(root).forget(["p3"])
    sealed = Path(done["receipt"])
    assert sealed == root / "keys" / "receipts" / "r1.json"
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    answer = project_in(root, days=7).receipt("r1", out=tmp_path / "receipt.json")
    assert answer == {"receipt": "r1", "deletion": "r1", "out": str(tmp_path / "receipt.json"),
                    "handed_out": "2026-03-08T12:00:00+00:00"}  # fmt: skip
    nonce = bytes.fromhex(json.loads((tmp_path / "receipt.json").read_bytes())["nonce"])
    assert stat.S_IMODE((tmp_path / "receipt.json").stat().st_mode) == 0o600
    assert opens(nonce, "p3", predicate_of(done["certificate"]))
    assert holding(root, nonce) == []
    assert not list(root.glob("requests/r1/receipt*"))
    with pytest.raises(NothingFound, match=r"handed out on 2026-03-08T12:00:00\+00:00"):
        project_in(root, days=8).receipt("r1", out=tmp_path / "again.json")
    assert not (tmp_path / "again.json").exists()


def test_nobody_gets_the_receipt_of_a_run_for_several(root, tmp_path):
    done = project_in(root).forget(["p3", "p5"])
    assert done["receipt"] is None
    with pytest.raises(BadInput, match="for several ids"):
        project_in(root).receipt("r1", out=tmp_path / "receipt.json")
    whole = predicate_of(done["certificate"])
    for number, person in ((1, "p3"), (2, "p5")):
        out = tmp_path / f"{number}.json"
        assert project_in(root).receipt("r1", number=number, out=out)["receipt"] == f"r1-00{number}"
        nonce = bytes.fromhex(json.loads(out.read_bytes())["nonce"])
        assert [opens(nonce, one, whole) for one in ("p3", "p5")] == [
            person == "p3",
            person == "p5",
        ]
        assert holding(root, nonce) == []
    with pytest.raises(NothingFound, match="no receipt r1-003"):
        project_in(root).receipt("r1", number=3, out=tmp_path / "receipt.json")


@pytest.mark.parametrize(("days", "there"), [(DAYS, True), (DAYS + 1, False)])
def test_after_ninety_days_the_next_command_destroys_it(root, given, tmp_path, days, there):
    sealed = Path(project_in(root).forget(["p3"])["receipt"])
    project_in(root, days=days).train(given, **OPTIONS)
    assert ("sealed" in json.loads(sealed.read_bytes())) == there
    assert not list(sealed.parent.glob("*.spent"))
    if not there:
        with pytest.raises(NothingFound, match="until 2026-05-30, for 90 days"):
            project_in(root, days=days).receipt("r1", out=tmp_path / "receipt.json")


def test_it_is_not_handed_out_after_its_day_either_where_nothing_was_swept(root, tmp_path):
    project_in(root).forget(["p3"])
    with pytest.raises(NothingFound, match="nobody asked for it"):
        project_in(root, days=DAYS + 1).receipt("r1", out=tmp_path / "receipt.json")


def test_a_receipt_does_not_stay_in_the_workspace_and_there_is_none_of_what_is_not(root, tmp_path):
    project_in(root).forget(["p3"])
    with pytest.raises(BadInput, match="outside"):
        project_in(root).receipt("r1", out=root / "receipt.json")
    with pytest.raises(NothingFound, match="no finished deletion r2"):
        project_in(root).receipt("r2", out=tmp_path / "receipt.json")


def test_killed_while_it_is_destroyed_it_is_destroyed_by_the_next_command(root, given, tmp_path):
    sealed = Path(project_in(root).forget(["p3"])["receipt"])
    spent = sealed.with_suffix(".spent")
    spent.hardlink_to(sealed)  # nothing stands in its place yet
    project_in(root).train(given, **OPTIONS)
    assert not spent.exists() and "sealed" in json.loads(sealed.read_bytes())
    spent.hardlink_to(sealed)
    write_atomic(sealed, canonical_json({"handed_out": "2026-03-01T12:00:00+00:00"}))
    other = tmp_path / "same file"
    other.hardlink_to(spent)
    project_in(root).train(given, **OPTIONS)
    assert not spent.exists() and set(other.read_bytes()) == {0}


def test_killed_while_it_was_handed_out_it_can_be_handed_out(root, tmp_path):
    sealed = Path(project_in(root).forget(["p3"])["receipt"])
    sealed.with_suffix(".spent").hardlink_to(sealed)
    project_in(root).receipt("r1", out=tmp_path / "receipt.json")
    assert json.loads(sealed.read_bytes()) == {"handed_out": "2026-03-01T12:00:00+00:00"}


def test_what_an_earlier_unweave_left_open_is_sealed_by_the_next_command(root, given, tmp_path):
    project_in(root).forget(["p3"])
    project_in(root).forget(["p5", "p7"])
    receipts = open_workspace(root).receipts()
    left = {
        root / "requests/r1/receipt.json": "r1",
        root / "requests/r2/receipts/001.json": "r2-001",
        root / "requests/r2/receipts/002.json": "r2-002",
    }
    (root / "requests/r2/receipts").mkdir()
    documents = {}
    for file, name in left.items():
        documents[name] = receipts.read(name, today="2026-03-01")
        write_atomic(file, canonical_json(documents[name]))
        receipts.file(name).unlink()
    write_atomic(root / "requests/r2/receipt.json", canonical_json({"nonce": "ab" * 32}))
    project_in(root).train(given, **OPTIONS)
    assert not list(root.glob("requests/*/receipt*"))
    for name, value in documents.items():
        assert receipts.read(name, today="2026-05-30") == value
        assert holding(root, bytes.fromhex(value["nonce"])) == []
    assert holding(root, b"\xab" * 32) == []
