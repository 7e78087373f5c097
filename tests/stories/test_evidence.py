"""The evidence of deletions: one file that an auditor checks without the workspace."""

import json
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta, timezone

import pytest

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput, CheckFailed, NothingFound
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify
from unweave.api.event_log import check_proof_file

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture
def root(tmp_path):
    project = at(tmp_path / "workspace")
    project.train(write_people(tmp_path / "people.csv"), **OPTIONS)
    for ids in (["p1", "p2"], ["p3"], ["p4"]):
        project.forget(ids)
    return tmp_path / "workspace"


def test_deletions_are_chosen_by_a_model_s_line_or_by_days(root, tmp_path):
    project = at(root, days=2)
    project.forget(["p5"])
    project.train(write_people(tmp_path / "other.csv"), **OPTIONS)  # another line

    def of(**asked):
        name = f"{'-'.join(map(str, asked.values()))}.zip"
        return project.requests.evidence(out=tmp_path / name, **asked)["deletions"]

    assert of(model="m1") == of(model="m5") == of(since="2026-05-20") == ["r1", "r2", "r3", "r4"]
    assert of(until="2026-05-20") == ["r1", "r2", "r3"]
    assert of(since="2026-05-21", model="m2") == ["r4"]
    wrong = ({"model": "m6"}, {"until": "2026-05-19"}, {"since": "2026-13-01"},
             {"model": "m1", "draw": 1}, {"chosen": ["r1"], "until": "2026-05-20"})  # fmt: skip
    for asked in wrong:
        with pytest.raises(BadInput):
            of(**asked)
    with pytest.raises(NothingFound):
        of(model="m9")


def test_all_that_it_holds_is_checked_elsewhere_and_names_nobody(root, tmp_path):
    answer = at(root).requests.evidence(["r1", "r2"], out=tmp_path / "evidence.zip")
    assert answer["ok"] and answer["deletions"] == ["r1", "r2"] and "seed" not in answer
    here = tmp_path / "elsewhere"
    with zipfile.ZipFile(tmp_path / "evidence.zip") as archive:
        archive.extractall(here)
    root.rename(tmp_path / "away")
    key = here / "public.pem"
    proofs = sorted(here.glob("r*/*.json"))
    for name in ("r1/certificate.json", "r1/certificates/002.json", "r2/certificate.json"):
        assert verify(here / name, public_key=key)["ok"]
    for one in ("r1", "r2"):
        asked = check_proof_file(here / one / "asked.json", public_key=key)
        deleted = check_proof_file(here / one / "deleted.json", public_key=key)
        assert asked["event"]["kind"] == "deletion asked"
        assert deleted["event"]["kind"] == "rows deleted"
        assert {asked["event"]["body"]["request"], deleted["event"]["body"]["request"]} == {one}
        assert check_proof_file(here / one / "since.json", public_key=key)["kind"] == "consistency"
    changed = here / "r1" / "deleted.json"
    changed.write_bytes(changed.read_bytes().replace(b'"r1"', b'"r2"'))
    with pytest.raises(CheckFailed):
        check_proof_file(changed, public_key=key)
    assert json.loads((here / "audit.json").read_text())["ok"]
    assert not [file for file in proofs if "receipt" in file.name]
    whole = (tmp_path / "evidence.zip").read_bytes()
    assert not any(person.encode() + b'"' in whole for person in ("p1", "p2", "p3"))


def test_the_commands_of_its_readme_run(root, tmp_path):
    at(root).requests.evidence(["r1"], out=tmp_path / "evidence.zip")
    with zipfile.ZipFile(tmp_path / "evidence.zip") as archive:
        archive.extractall(tmp_path / "here")
    lines = (tmp_path / "here" / "README.txt").read_text().splitlines()
    commands = [line.split()[1:] for line in lines if line.startswith("    unweave")]
    assert len(commands) == 4
    for words in commands:
        done = subprocess.run(
            [sys.executable, "-m", "unweave", *words], cwd=tmp_path / "here", capture_output=True
        )
        assert done.returncode == 0, done.stderr


def test_a_draw_is_logged_and_drawn_again_by_its_seed(root, tmp_path):
    answer = at(root).requests.evidence(draw=2, out=tmp_path / "a.zip", by="Ada Auditor")
    again = at(root).requests.evidence(draw=2, seed=answer["seed"], out=tmp_path / "b.zip")
    assert answer["deletions"] == again["deletions"] and len(answer["deletions"]) == 2
    asked = ["log", "show", "--kind", "evidence drawn", "--json", "--workspace", str(root)]
    done = subprocess.run(
        [sys.executable, "-m", "unweave", *asked], capture_output=True, check=True
    )
    first, second = (one["body"] for one in json.loads(done.stdout)["events"])
    assert (first["seed"], first["draw"], first["of"]) == (answer["seed"], 2, 3)
    assert first["by"] != second["by"] and first["by"].startswith("s-")
    for wrong in (0, 4):
        with pytest.raises(BadInput, match="draw from 1 to 3"):
            at(root).requests.evidence(draw=wrong, out=tmp_path / "c.zip")
    with pytest.raises(BadInput, match="Name the deletions, or"):
        at(root).requests.evidence(out=tmp_path / "c.zip")
    with pytest.raises(NothingFound):
        at(root).requests.evidence(["r9"], out=tmp_path / "c.zip")
    assert not (tmp_path / "c.zip").exists()


def test_an_audit_that_finds_something_says_so_in_it(root, tmp_path):
    weights = next(path for path in (root / "serving").rglob("*") if path.is_file())
    weights.chmod(0o600)
    weights.write_bytes(weights.read_bytes() + b"x")
    answer = at(root).requests.evidence(["r1"], out=tmp_path / "evidence.zip")
    assert not answer["ok"]
    with zipfile.ZipFile(tmp_path / "evidence.zip") as archive:
        assert not json.loads(archive.read("audit.json"))["ok"]
