"""Several workspaces at one desk, by the API: what the forms do, and nobody's path in an answer."""

import shutil

import pytest

from fixtures.api_caller import Caller
from fixtures.two_desks import make_two, project_of, two_of
from lineage_store.requests import Policy


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_two(tmp_path_factory.mktemp("two"))


@pytest.fixture
def desk(made, tmp_path):
    return two_of(made, tmp_path)


def test_programs_do_in_another_workspace_what_the_forms_do(desk):
    (other,) = desk.joined
    there = project_of(other).requests
    there.set_policy(Policy(approve_above=1))
    officer, approver = Caller(desk, "officer"), Caller(desk, "approver")
    request = officer.do("fileRequest", body={"ids": ["P4"], "requester": "Quinn"})["request"]
    (part,) = officer.do("showRequest", request=request)["elsewhere"]
    assert part == {
        "workspace": 1, "name": "other", "request": "q1", "reached": True, "done": False,
        "state": "waiting for an answer", "behind": [],
        "alike": [{"number": 1, "rows": 5, "why": "case"}],
    }  # fmt: skip
    body = {"workspace": 1, "because": "meant"}
    names = officer.do("readNamesElsewhere", request=request, body=body)
    assert names["named"] == ["P4"] and names["spellings"][0]["id"] == "p4"
    body = {"workspace": 1, "also": ["1"]}
    told = officer.do("answerWhoIsMeantElsewhere", request=request, body=body)
    assert told["elsewhere"][0]["state"] == "waiting for approval"
    told = approver.do("approveElsewhere", request=request, body={"workspace": 1})
    assert told["elsewhere"][0]["state"] == "waiting"
    found = officer.do("lookUpPerson", body={"id": "p4", "because": "asks"})
    assert found["elsewhere"] == [
        {
            "workspace": "other",
            "found": {name: found[name] for name in found if name != "elsewhere"},
        }
    ]
    wrong = officer.send("approveElsewhere", request=request, body={"workspace": 1})
    assert wrong.status_code == 403
    for said in ({"workspace": 2}, {"workspace": 10_000_000}, {"workspace": "1"}):
        assert approver.send("approveElsewhere", request=request, body=said).status_code == 422


def test_a_workspace_that_is_away_is_told_of_without_a_path(desk, tmp_path):
    (other,) = desk.joined
    officer = Caller(desk, "officer")
    request = officer.do("fileRequest", body={"ids": ["p1"]})["request"]
    shutil.move(other.root, tmp_path / "away")
    (part,) = officer.do("showRequest", request=request)["elsewhere"]
    assert (part["request"], part["reached"], part["state"]) == ("q1", False, None)
    found = officer.do("lookUpPerson", body={"id": "p1", "because": "asks"})
    assert found["elsewhere"] == [{"workspace": "other", "found": None}]
    answer = officer.send("carryOver", request=request)
    assert answer.status_code == 422 and "other cannot be reached" in answer.json()["detail"]
    assert str(tmp_path) not in answer.text
    shutil.move(tmp_path / "away", other.root)
    assert officer.do("carryOver", request=request)["elsewhere"][0]["behind"] == []
