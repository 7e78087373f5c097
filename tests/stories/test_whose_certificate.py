"""After a run for several people each has their own certificate and receipt, and is told which."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify
from unweave.cli import commands
from unweave.text.queue import shown

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def project_in(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture
def project(tmp_path):
    given = write_people(tmp_path / "people.csv")
    project_in(tmp_path / "workspace").train(given, **OPTIONS)
    return project_in(tmp_path / "workspace")


def hand_out(project, one, out):
    """Hand out the receipt that an answer names; return the file."""
    project.receipt(one["deletion"], number=one["number"], out=out)
    return out


def test_each_request_of_a_joint_run_names_its_own_certificate(project, tmp_path):
    asked = {"q1": ["p3"], "q2": ["nobody"], "q3": ["p5", "p7"], "q4": ["p9"]}
    for ids in asked.values():
        project.requests.add(ids, only=True)
    (run,) = project.requests.run()["runs"]
    certificates = {name: project.requests.show(name).get("certificates", []) for name in asked}
    assert run["certificates"] == {name: certificates[name] for name in ("q1", "q3", "q4")}
    assert [[one["number"] for one in certificates[name]] for name in asked] == [
        [1],
        [],
        [2, 3],
        [4],
    ]
    key = project.public_key
    for name, people in asked.items():
        for place, one in enumerate(certificates[name]):
            out = hand_out(project, one, tmp_path / f"{name}-{place}.json")
            for person in ("p3", "p5", "p7", "p9"):
                proved = verify(one["certificate"], public_key=key, receipt=out, subject=person)
                assert proved["ok"] == proved["speaks_of_subject"] == (person == people[place])
    (spent,) = project.requests.show("q1")["certificates"]
    assert (spent["receipt_until"], spent["receipt_handed_out"]) == (None, NOON.isoformat())


def test_an_id_is_recognised_however_it_is_padded_and_no_other_is(project, tmp_path):
    project.requests.add(["p3"], only=True)
    (run,) = project.requests.run()["runs"]
    (one,) = run["certificates"]["q1"]
    assert one["number"] is None and one["certificate"] == run["certificate"]
    receipt = hand_out(project, one, tmp_path / "receipt.json")
    known = {"public_key": project.public_key, "receipt": receipt}
    assert verify(run["certificate"], **known, subject=" p3 ")["ok"]
    found = verify(run["certificate"], **known, subject="p4")
    assert (found["ok"], found["verdict"]) == (False, "not of this person")
    project.requests.add(["p5"], only=True)
    (other,) = project.requests.run()["runs"]
    found = verify(other["certificate"], **known, subject="p3")
    assert (found["ok"], found["detail"]) == (
        False, "The receipt is of another certificate than this one.",
    )  # fmt: skip
    # Without the signer's key nothing is verified, whomever it speaks of.
    assert not verify(run["certificate"], receipt=receipt, subject="p3")["ok"]
    with pytest.raises(BadInput, match="go together"):
        verify(run["certificate"], receipt=receipt)
    with pytest.raises(BadInput, match="is no receipt"):
        verify(run["certificate"], receipt=project.public_key, subject="p3")


def test_a_request_names_each_run_that_forgot_one_of_its_people(project):
    project.requests.add(["p3"], only=True)
    project.requests.run()
    project.requests.add(["p3", "p5", "nobody"], only=True)
    project.requests.run()
    certificates = project.requests.show("q2")["certificates"]
    assert [(one["deletion"], one["number"]) for one in certificates] == [
        ("r1", None),
        ("r2", None),
    ]
    project.requests.add(["p3"], only=True)
    (settled,) = project.requests.run()["settled"]
    assert [one["deletion"] for one in settled["certificates"]] == ["r1"]


def test_who_was_let_in_and_forgotten_again_has_one_certificate_a_request(project, tmp_path):
    project.requests.add(["p3"], only=True)
    project.requests.run()
    later = project_in(project._session.root, days=1)
    later.readmit(["p3"])
    later.train(write_people(tmp_path / "again.csv"), **OPTIONS)
    later.requests.add(["p3"], only=True)
    later.requests.run()
    runs = {name: [one["deletion"] for one in later.requests.show(name)["certificates"]]
            for name in ("q1", "q2")}  # fmt: skip
    assert runs == {"q1": ["r1"], "q2": ["r2"]}


def test_the_command_shows_whose_is_whose_and_opens_it(project, tmp_path):
    for person in ("p3", "p5"):
        project.requests.add([person], only=True)
    project.requests.run()
    text = "\n".join(map(str, shown(project.requests.show("q2"))))
    assert "002.json (number 2 of r1)" in text and "receipt      r1-002: to be handed out" in text
    (one,) = project.requests.show("q2")["certificates"]
    receipt = hand_out(project, one, tmp_path / "receipt.json")
    asked = ["verify", one["certificate"], "--public-key", str(project.public_key),
             "--receipt", str(receipt), "--subject"]  # fmt: skip
    runner = CliRunner()
    found = runner.invoke(commands, [*asked, "p5"])
    assert found.exit_code == 0 and "it speaks of the id given" in found.output
    assert "deletion r1" in found.output
    found = runner.invoke(commands, [*asked, "p3", "--json"])
    assert found.exit_code == 1 and json.loads(found.output)["speaks_of_subject"] is False
    assert Path(one["certificate"]).name == "002.json"
