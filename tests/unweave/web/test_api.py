"""The API: what it says of itself, what it does, and that it is what the pages do."""

import io
import json
import zipfile
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

import unweave
from fixtures.api_caller import BY_NAME, Caller
from fixtures.desk_users import sign_in_at_once
from fixtures.small_desk import SECRETS
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.desk.request_queue import RequestQueue
from unweave.session.session import Session
from unweave.web.api.openapi import document
from unweave.web.api.operations_done import DONE
from unweave.web.api.operations_table import METRICS, OPERATIONS, PLACES, ROOT
from unweave.web.process.clerk import is_started
from unweave.web.process.matrix import MATRIX

TOP = Path(unweave.__file__).parents[1]
TODAY = date.today()
LATER = str(TODAY + timedelta(days=20))


def logged(desk, kind):
    with reading_index(desk.session.workspace()) as connection:
        return [one.body for one in events.events(connection) if one.kind == kind]


def test_the_description_is_the_one_that_is_committed_and_holds_by_the_standard():
    told = document()
    written = json.loads((TOP / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert told == written, "python -m unweave.web.describe_api > docs/openapi.json"
    standard = pytest.importorskip("openapi_spec_validator")  # which Python 3.10 has not
    standard.OpenAPIV31SpecValidator(told).validate()


def test_every_operation_stands_in_the_table_in_the_matrix_and_is_done():
    known = {(one.method, ROOT + one.path) for one in OPERATIONS}
    assert known == {(rule.method, rule.path) for rule in MATRIX if rule.path.startswith("/api/")}
    assert DONE.keys() == BY_NAME.keys() | {METRICS.name} and len(BY_NAME) == len(OPERATIONS)
    # An id of a person may stand in no address: of a path and a query every value is said.
    for one in OPERATIONS:
        assert {part[1:-1] for part in one.path.split("/") if "{" in part} <= PLACES.keys()
        assert not one.body or one.method == "POST"


def test_officers_and_approvers_do_by_tokens_what_they_do_by_forms(desk, monkeypatch):
    """Every operation on a request is done here once, and answered as the description has it."""
    monkeypatch.setenv("PATH", "")  # no browser to print letters with
    officer, approver = Caller(desk, "officer"), Caller(desk, "approver")
    filed = officer.do("fileRequest", body={"ids": ["p13"], "requester": "Thirteen"})
    new = filed["request"]
    assert not filed["duplicate"]
    again = officer.do("fileRequest", body={"ids": ["p13"], "requester": "Thirteen"})
    assert again["request"] == new and again["duplicate"]
    told = officer.do("showRequest", request=new)
    assert told["history"][0]["by"] == "A program, officer" and told["ids"] == 1
    held = officer.do("holdRequest", request=new, body={"reason": "a claim", "until": LATER})
    assert (held["state"], held["held_until"]) == ("held", LATER)
    assert officer.do("releaseRequest", request=new)["state"] == "waiting"
    assert officer.do("makeOwnLink", request=new)["link"].startswith("/own/")
    doubt = {"doubt": "two of that name"}
    assert officer.do("askForMore", request=new, body=doubt)["stands_since"]
    assert officer.do("sayMoreCame", request=new, body={})["stands_since"] is None
    assert officer.do("sayUnidentified", request=new)["state"] == "cannot identify"
    assert officer.do("sayMoreCame", request=new)["state"] == "waiting"
    extended = officer.do("extendRequest", request=new, body={"because": "complexity"})
    assert extended["extended"] == "complexity"
    assert officer.do("writeAnswer", request=new)["written"]
    assert officer.do("saySent", request=new) == {"request": new, "done": "erased"}
    assert officer.do("cancelRequest", request=new)["state"] == "cancelled"

    alike = officer.do("showRequest", request="q4")["alike"]
    names = officer.do("readNames", request="q4", body={"because": "meant"})
    assert names["named"] == ["P4"] and names["spellings"] == [alike[0] | {"id": "p4"}]
    meant = officer.do("answerWhoIsMeant", request="q4", body={"also": ["1"]})
    assert (meant["state"], meant["ids"]) == ("waiting", 2)
    assert approver.do("approveRequest", request="q5")["state"] == "waiting"

    assert officer.do("keepRows", request="q6")["keep_rows"]
    lifts = {"because": "verified", "on": str(TODAY + timedelta(days=2)), "language": "de"}
    assert officer.do("announceLift", request="q6", body=lifts)["state"] == "to be lifted"
    refusal = {"ground": "12(5)(b)", "reason": "the fifth time this week", "to": "Ten"}
    assert officer.do("refuseRequest", request="q8", body=refusal)["state"] == "refused"
    written = officer.send("handOver", request="q8")
    with zipfile.ZipFile(io.BytesIO(written.content)) as archive:
        assert "q8/letter.txt" in archive.namelist()
    assert officer.do("saySent", request="q8")["done"] == "sent"
    assert officer.do("showRequest", request="q8")["sent"]
    assert officer.do("writeAnswer", request="q7", body={"answer": True})["state"] == "done"

    objection = officer.do("fileRequest", body={"ids": ["p14"], "right": "objection"})["request"]
    assert officer.do("upholdObjection", request=objection)["state"] == "waiting"
    found = officer.do("lookUpPerson", body={"id": "p4", "because": "asks"})
    assert found["models"][0]["model"] == "m2" and found["alike"] == []
    assert [one["because"] for one in logged(desk, "person looked up")] == ["asks"]
    assert {one["because"] for one in logged(desk, "names shown")} == {"meant", "answer"}
    missing = {one.name for one in OPERATIONS if "{request}" in one.path} - officer.done
    # By others, on its day, in test_mail.py, test_rights_forms.py and test_several_by_programs.py.
    assert missing == {
        "approveRequest", "liftRestriction", "mailAnswer", "endMail", "correctRequest", "takeRows",
        "eraseRows", "askForFee", "sayFeeAgreed", "carryOver", "readNamesElsewhere",
        "answerWhoIsMeantElsewhere", "approveElsewhere",
    }  # fmt: skip


def test_a_restriction_is_lifted_on_its_day(desk):
    officer = Caller(desk, "officer")
    early = officer.send("liftRestriction", request="q6")
    assert early.status_code == 422
    now = datetime.now(timezone.utc)
    then = RequestQueue(Session(root=desk.root, now=lambda: now - timedelta(days=1)))
    on = str(now.date())
    then.announce_lift("q6", because="verified", on=on, out=desk.root.parent / "letter")
    assert officer.do("liftRestriction", request="q6")["state"] == "lifted"


def test_every_other_operation_is_answered(desk):
    engineer, auditor, owner = (Caller(desk, role) for role in ("engineer", "auditor", "owner"))
    assert auditor.do("describeApi")["openapi"] == "3.1.0"
    assert owner.do("listModels")["models"][0]["model"] == "m2"
    every = engineer.do("listModels", query={"show": "all", "limit": "1"})
    assert every["next"] == "m2"
    assert (
        engineer.do("listModels", query={"show": "all", "cursor": "m2"})["models"][0]["state"]
        == "deleted"
    )
    assert engineer.do("showModel", model="m2")["line"] == ["m1", "m2"]
    deletion = engineer.do("showDeletion", deletion="r1")
    assert (deletion["state"], deletion["requests"]) == ("done", ["q1"])
    told = auditor.do("verifyCertificate", body={"certificate": deletion["certificate"]})
    assert told["ok"]
    changed = deletion["certificate"].replace("payload", "Payload")
    assert not auditor.do("verifyCertificate", body={"certificate": changed})["ok"]
    assert auditor.do("listEvents", query={"kind": "model made"})["events"][0]["kind"] == (
        "model made"
    )
    assert auditor.do("showHead")["size"] >= 10
    assert auditor.do("showRecords")["figures"]["answered"] == 2
    assert owner.do("showRun") == {"running": None, "started": False, "failed": []}
    body = {"name": "Importer", "role": "officer", "until": LATER}
    made = owner.do("makeToken", body=body)
    assert made["secret"] and made["token"] in str(owner.do("listTokens"))
    assert owner.do("endToken", token=made["token"])["ended"]
    hook = owner.do("makeWebhook", body={"url": "https://hooks.example/unweave"})
    assert hook["secret"].startswith("whsec_")
    assert owner.do("listWebhooks")["webhooks"][0]["webhook"] == hook["webhook"] == "w1"
    assert owner.do("endWebhook", webhook="w1")["ended"]
    assert engineer.do("startRun") == {"started": True}
    while is_started(desk):
        desk.runs[0].wait(60)
    assert engineer.do("showRun")["failed"] == []


def test_lists_go_on_where_they_stopped_and_end(desk):
    auditor = Caller(desk, "auditor")
    for show in ("open", "over"):
        whole = auditor.do("listRequests", query={"show": show})
        assert whole["next"] is None and len(whole["requests"]) > 1
        found, cursor = [], None
        while True:
            query = {"show": show, "limit": "1"} | ({"cursor": cursor} if cursor else {})
            page = auditor.do("listRequests", query=query)
            found, cursor = found + page["requests"], page["next"]
            if cursor is None:
                break
        assert found == whole["requests"]
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = auditor.do(
            "listEvents", query={"limit": "5"} | ({"cursor": cursor} if cursor else {})
        )
        seen, cursor = seen + page["events"], page["next"]
    assert [one["seq"] for one in seen] == list(range(len(seen), 0, -1))


def test_what_is_listed_is_what_the_command_prints(desk):
    auditor = Caller(desk, "auditor")
    printed = RequestQueue(Session(root=desk.root)).list()["requests"]
    listed = auditor.do("listRequests")["requests"]
    assert sorted(listed, key=lambda one: one["request"]) == printed


@pytest.mark.parametrize("role", ["officer", "approver", "engineer", "auditor", "owner"])
def test_no_answer_names_anybody_but_those_that_are_asked_for_names(desk, role):
    caller = Caller(desk, role)
    for rule in MATRIX:
        if rule.method != "GET" or not rule.path.startswith(ROOT) or role not in rule.roles:
            continue
        name = next(o.name for o in OPERATIONS if (o.method, ROOT + o.path) == ("GET", rule.path))
        if name == "showHead":
            continue  # base 64, in which anything may stand by chance
        for number in range(1, 10) if "{request}" in rule.path else (1,):
            places = {"request": f"q{number}", "model": "m2", "deletion": "r1",
                      "letter": "en-done"}  # fmt: skip
            text = caller.send(name, **places).text.replace(_certificate(desk), "")
            assert not any(secret in text for secret in SECRETS), (name, number)
            assert role != "auditor" or "Dora Ost" not in text, name


def _certificate(desk):
    path = desk.session.workspace().request("r1").certificate
    return json.dumps(path.read_text(encoding="utf-8"))


def test_a_form_and_a_call_leave_the_same_behind(desk, workspace_of_requests, tmp_path):
    """The same hold by a page and by a program: rows and events equal but for whoever did it."""
    from fixtures.small_desk import desk_of

    other = desk_of(workspace_of_requests, tmp_path / "other")
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    officer.get("/requests/q3")
    officer.send("/requests/q3/hold", reason="a claim", until=LATER)
    Caller(other, "officer").do("holdRequest", request="q3", body={"reason": "a claim",
                                                                  "until": LATER})  # fmt: skip
    by_form, by_call = (logged(one, "request held")[-1] for one in (desk, other))
    assert {**by_form, "by": None} == {**by_call, "by": None}
    lines = [RequestQueue(Session(root=one.root)).show("q3") for one in (desk, other)]
    for one in lines:
        one.pop("history")
    assert lines[0] == lines[1]
