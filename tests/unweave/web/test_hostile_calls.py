"""What a stranger sends to the API, by the token of any role or by none."""

import hashlib
import json
import logging
import sqlite3
import uuid
from dataclasses import replace

import pytest

from fixtures.api_caller import BY_NAME, Caller
from fixtures.small_desk import desk_of
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.web.accounts.asked_once import KEPT
from unweave.web.accounts.desk_file import FILE
from unweave.web.accounts.too_often import Limit
from unweave.web.api.api_guard import LARGEST_BODY
from unweave.web.api.operations_table import OPERATIONS, ROOT
from unweave.web.process.bodies import Bodies

MARK = "Marja-4711"  # an id of somebody, which no error, address or log may repeat
KEY = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture
def officer(desk):
    return Caller(desk, "officer")


def count(desk, kind):
    with reading_index(desk.session.workspace()) as connection:
        return sum(one.kind == kind for one in events.events(connection))


def raw(caller, name, content, kind="application/json", **places):
    one = BY_NAME[name]
    headers = {"authorization": f"Bearer {caller.secret}", "content-type": kind,
               "idempotency-key": str(uuid.uuid5(uuid.NAMESPACE_URL, repr(content)))}  # fmt: skip
    path = ROOT + one.path.format(**places)
    return caller.client.request(one.method, path, content=content, headers=headers)


@pytest.mark.parametrize(
    "content, kind, status",
    [
        (b'{"ids": ["%s"]}', "text/plain", 415),
        (b'{"ids": ["%s"]}', "application/json; charset=utf-16", 415),
        (b"ids=%s", "application/x-www-form-urlencoded", 415),
        (b'{"ids": ["%s"]', "application/json", 400),
        (b'["%s"]', "application/json", 400),
        (b'{"ids": ["%s"], "ids": ["p1"]}', "application/json", 400),
        (b'{"ids": ["%s"], "rows": NaN}', "application/json", 400),
        (b'{"ids": ["%s", "\xff"]}', "application/json", 400),
        (b"[" * 100_000 + b'"%s"' + b"]" * 100_000, "application/json", 400),
        (b'{"ids": "%s"}', "application/json", 422),
        (b'{"ids": []}', "application/json", 422),
        (b'{"ids": ["%s", " "]}', "application/json", 422),
        (b'{"ids": ["%s", 7]}', "application/json", 422),
        (b'{"ids": ["%s\\ud800"]}', "application/json", 422),
        (b'{"%s": ["p1"]}', "application/json", 422),
        (b'{"ids": ["p1"], "%s": true}', "application/json", 422),
        (b'{"ids": ["p1"], "right": "%s"}', "application/json", 422),
        (b'{"ids": ["p1"], "received": "%s"}', "application/json", 422),
        (b'{"ids": ["p1"], "received": "20260101"}', "application/json", 422),
        (b'{"ids": ["p1"], "received": "2026-02-30"}', "application/json", 422),
        (b'{"ids": ["p1"], "ground": "%s"}', "application/json", 422),
        (b'{"ids": ["p1"], "rows": "%s"}', "application/json", 422),
        (b'{"ids": ["p1"], "reason": "' + b"x" * 20_001 + b'"}', "application/json", 422),
        (b'{"ids": ["%s"], "deadline": "2999-01-01"}', "application/json", 200),
        (b'{"ids": ["%s"], "ground": null}', "application/json", 200),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_never_what_was_sent(officer, desk, content, kind, status):
    answer = raw(officer, "fileRequest", content.replace(b"%s", MARK.encode()), kind)
    assert answer.status_code == status, answer.text
    assert MARK not in answer.text and not list(desk.root.glob("unforeseen-*"))
    assert count(desk, "request queued") == (9 if status != 200 else 10)


def test_an_id_in_an_address_is_refused_and_stands_in_no_answer_and_no_log(
    workspace_of_requests, tmp_path, caplog
):
    often = Limit(10_000, 60.0, lambda: 0.0)  # more calls than a minute allows
    officer = Caller(desk_of(workspace_of_requests, tmp_path, pages=often), "officer")
    caplog.set_level(logging.INFO)
    places = {"request": MARK, "model": MARK, "deletion": MARK, "token": MARK, "webhook": MARK,
              "letter": MARK}  # fmt: skip
    for one in OPERATIONS:
        if "{" in one.path:
            answer = officer.send(one.name, body={} if one.method == "POST" else None, **places)
            assert answer.status_code in (403, 404) and MARK not in answer.text
        known = {"request": "q3", "model": "m1", "deletion": "r1", "token": "t1", "webhook": "w1",
                 "letter": "en-done"}  # fmt: skip
        for query in ({"id": MARK}, {MARK: "1"}, {"cursor": MARK}):
            answer = officer.send(one.name, query=query, **known)
            assert answer.status_code in (400, 403) and MARK not in answer.text
    assert officer.client.get(f"{ROOT}/{MARK}").status_code == 404
    ours = [one.getMessage() for one in caplog.records if one.name == "unweave.desk"]
    assert len(ours) > len(OPERATIONS) and MARK not in "".join(ours)
    assert "q3" not in "".join(ours) and officer.secret not in caplog.text


@pytest.mark.parametrize(
    "name, cursor",
    [
        ("listRequests", "open_2026-01-01_1 OR 1=1"),
        ("listRequests", "open_2026-13-99_-1"),
        ("listRequests", "over_" + "9" * 40),
        ("listRequests", "open_2026-01-01_१"),
        ("listEvents", "1'"),
        ("listEvents", "-1"),
        ("listModels", "m1;"),
        ("listModels", "../m1"),
    ],
)
def test_a_forged_cursor_is_refused(desk, name, cursor):
    auditor = Caller(desk, "auditor")
    assert auditor.send(name, query={"cursor": cursor}).status_code == 400
    for limit in ("0", "-1", "201", "1e3", "", "50\n", "\uff15"):
        assert auditor.send(name, query={"limit": limit}).status_code == 400


def test_a_cursor_of_another_list_or_place_shows_nothing_that_the_role_may_not_see(desk):
    auditor = Caller(desk, "auditor")
    whole = auditor.do("listRequests")["requests"]
    assert auditor.do("listRequests", query={"cursor": "over_3"})["requests"] == whole
    beyond = {"cursor": "open_9999-99-99_999999999999"}
    assert auditor.do("listRequests", query=beyond) == {"requests": [], "next": None}
    assert auditor.do("listEvents", query={"cursor": "0"})["events"] == []
    engineer = Caller(desk, "engineer")
    assert engineer.send("listRequests", query={"cursor": "over_3"}).status_code == 403


def test_a_body_is_small_and_counted_while_it_comes(officer):
    content = b'{"ids": ["' + b"x" * LARGEST_BODY + b'"]}'
    answer = raw(officer, "fileRequest", content)
    assert answer.status_code == 413 and answer.headers["content-type"].endswith("problem+json")
    assert raw(officer, "lookUpPerson", content).status_code == 413
    large = json.dumps({"certificate": "x" * LARGEST_BODY}).encode()
    assert raw(officer, "verifyCertificate", large).status_code == 200
    assert raw(officer, "verifyCertificate", b" " * ((16 << 20) + 1)).status_code == 413


def test_what_the_gate_turns_away_is_a_problem_for_programs(desk):
    few = replace(desk, pages=Limit(3, 60.0, lambda: 0.0))
    officer = Caller(few, "officer")
    other = {"host": "evil.example"}
    assert officer.send("listRequests", headers=other).status_code == 421
    answer = officer.client.request("DELETE", f"{ROOT}/requests/q3")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert officer.client.post(f"{ROOT}/head").status_code == 405
    assert [officer.send("showHead").status_code for _ in range(3)] == [200, 200, 429]
    assert officer.send("showHead").headers["retry-after"] == "60"


@pytest.mark.parametrize("role", ["officer", "owner"])
def test_a_token_is_taken_whole_as_a_bearer_s_and_until_it_ends(desk, role):
    caller, owner = Caller(desk, role), Caller(desk, "owner", "Who ends it")
    secret, path = caller.secret, f"{ROOT}/head"
    for given in (
        [], [""], ["Bearer"], ["Bearer "], [f"Basic {secret}"], [secret], [f"Bearer {secret} "],
        [f"Bearer {secret[:-1]}"], [f"Bearer {secret}0"], [f"Bearer {secret.upper()}"],
        ["Bearer " + "x" * 100_000], [f"Bearer {secret}", f"Bearer {secret}"],
        ["Bearer " + hashlib.sha256(secret.encode()).hexdigest()], ["Bearer t1"],
    ):  # fmt: skip
        answer = caller.client.get(path, headers=[("authorization", one) for one in given])
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    assert caller.client.get(path, params={"access_token": secret}).status_code == 401
    assert caller.client.get(path, headers={"authorization": f"bearer {secret}"}).is_success
    assert caller.do("showHead")
    owner.do("endToken", token=caller.number)
    assert caller.send("showHead").status_code == 401


def test_nobody_is_told_of_what_is_not_theirs_whatever_they_send(desk):
    """Who may not is told so before anything that was sent is looked at."""
    for role in ("engineer", "auditor"):
        caller = Caller(desk, role)
        for body in ({"ids": ["p2"]}, {"nonsense": 1}, None):
            assert caller.send("fileRequest", body=body).status_code == 403
            assert caller.send("readNames", body=body, request="q3").status_code == 403
            assert caller.send("readNames", body=body, request="q999").status_code == 403
    assert count(desk, "names shown") == 0


def test_names_are_told_by_no_other_operation_and_not_without_a_reason(officer, desk):
    for body in (None, {}, {"because": "x"}, {"because": None}):
        assert officer.send("readNames", body=body, request="q3").status_code == 422
    assert count(desk, "names shown") == 0
    assert officer.do("readNames", body={"because": "answer"}, request="q3")["named"] == ["p2"]
    assert count(desk, "names shown") == 1
    hold = {"reason": "Quinn Two asks", "until": "2099-01-01"}
    answer = officer.send("holdRequest", body=hold, request="q3")
    assert answer.is_success and not any(one in answer.text for one in ("Quinn", "p2", "moved"))


def test_who_filed_by_a_token_does_not_approve_by_another_of_that_name(desk):
    officer = Caller(desk, "officer", "The Import")
    many = {"ids": ["p12", "p13", "p14"], "requester": "Somebody"}
    filed = officer.do("fileRequest", body=many)["request"]
    told = officer.send("approveRequest", request=filed)
    assert told.status_code == 403
    with pytest.raises(Exception, match="as officer: end it first"):
        Caller(desk, "approver", "the  import")


def test_a_call_is_done_once_by_its_key_and_answered_twice(officer, desk):
    body = {"reason": "a claim", "until": "2099-01-01"}
    first = officer.send("holdRequest", body=body, key=KEY, request="q3")
    again = officer.send("holdRequest", body=body, key=KEY.upper(), request="q3")
    assert first.is_success and first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert count(desk, "request held") == 2  # of the workspace, and this one
    other = officer.send("holdRequest", body=body | {"reason": "b"}, key=KEY, request="q3")
    elsewhere = officer.send("holdRequest", body=body, key=KEY, request="q5")
    another = officer.send("releaseRequest", key=KEY, request="q3")
    assert {one.status_code for one in (other, elsewhere, another)} == {422}
    assert "used for something else" in other.json()["detail"]
    theirs = Caller(desk, "officer", "Another program")
    assert theirs.send("holdRequest", body=body, key=KEY, request="q5").is_success
    assert count(desk, "request held") == 3


def test_what_changes_something_has_a_key_that_is_nobody_s_id(officer):
    for key in ("", "1", MARK, KEY + "0", KEY.replace("-", ""), "p2"):
        answer = officer.send("releaseRequest", request="q8", headers={"idempotency-key": key})
        assert answer.status_code == 400 and (not key or key not in answer.text)


def test_what_failed_may_be_asked_again_by_the_same_key(officer):
    body = {"reason": "a claim", "until": "2020-01-01"}
    assert officer.send("holdRequest", body=body, key=KEY, request="q3").status_code == 422
    body["until"] = "2099-01-01"
    assert officer.send("holdRequest", body=body, key=KEY, request="q3").is_success


def test_after_a_restart_it_is_done_no_second_time_and_the_first_answer_is_told(officer, desk):
    first = officer.send("releaseRequest", key=KEY, request="q8").json()
    anew = Caller(replace(desk, bodies=Bodies()), "officer", "Another")
    anew.secret = officer.secret
    again = anew.send("releaseRequest", key=KEY, request="q8")
    assert again.status_code == 409 and again.json()["first"] == first
    assert count(desk, "request released") == 1


def test_a_call_whose_end_is_not_known_is_not_done_again_by_its_key(officer, desk):
    broken = Caller(replace(desk, python=("/bin/false",)), "officer", "Another")
    broken.secret = officer.secret
    answer = broken.send("releaseRequest", key=KEY, request="q8")
    assert answer.status_code == 500 and "gave no answer" in answer.json()["detail"]
    again = officer.send("releaseRequest", key=KEY, request="q8")
    assert again.status_code == 409 and "failed midway" in again.json()["detail"]
    assert count(desk, "request released") == 0


def test_a_key_is_forgotten_after_a_day(officer, desk):
    officer.send("releaseRequest", key=KEY, request="q8")
    moment = desk.now()

    class Later:
        def __call__(self):
            return moment.fromtimestamp(moment.timestamp() + KEPT + 60, tz=moment.tzinfo)

    later = Caller(replace(desk, now=Later()), "officer", "Another")
    later.secret = officer.secret
    answer = later.send("releaseRequest", key=KEY, request="q8")
    assert answer.status_code == 422 and "is not held" in answer.json()["detail"]


def test_a_token_is_told_once_also_to_who_asks_again(desk):
    owner = Caller(desk, "owner")
    body = {"name": "Import", "role": "officer", "until": str(desk.now().date())}
    first = owner.send("makeToken", body=body, key=KEY).json()
    again = owner.send("makeToken", body=body, key=KEY).json()
    assert first["secret"] and again == first | {"secret": None}
    assert len(owner.do("listTokens")["tokens"]) == 2


def test_nothing_of_a_body_lies_in_the_desk_s_file(desk, officer):
    """Whoever has the file and all keys finds the same for one person as for another (law 9)."""

    def left(ids, key):
        body = {"ids": [ids], "requester": "A requester of theirs", "reason": "so they say"}
        officer.send("fileRequest", body=body, key=key)
        with sqlite3.connect(desk.root / FILE) as connection:
            return connection.execute(
                "SELECT route, status FROM asked_once ORDER BY began DESC LIMIT 1"
            ).fetchone()

    keys = [str(uuid.uuid5(uuid.NAMESPACE_URL, one)) for one in ("a", "b")]
    assert left("p12", keys[0]) == left(MARK, keys[1]) == ("fileRequest", 200)
    data = (desk.root / FILE).read_bytes()
    for text in (MARK, "A requester", "so they say", "A program"):
        assert text.encode() not in data and hashlib.sha256(text.encode()).digest() not in data
    with sqlite3.connect(desk.root / FILE) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(asked_once)")]
    assert columns == ["digest", "route", "began", "status", "answer"]
