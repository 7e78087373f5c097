"""Who may what at the desk: the table that is served by is the table that stands here."""

import pytest

from fixtures.api_caller import Caller
from fixtures.desk_users import sign_in_at_once
from fixtures.script_free import ScriptFree
from fixtures.small_desk import SECRETS, desk_of
from unweave.web.accounts.too_often import Limit
from unweave.web.accounts.users import ROLES
from unweave.web.api.operations_table import OPERATIONS, ROOT
from unweave.web.application import CALLS, HANDLERS, application
from unweave.web.process.matrix import BY_ROUTE, HOME, MATRIX, PUBLIC

# o officer, p approver, e engineer, a auditor, w owner; * everybody, signed in or not.
WHO = {
    "GET /": "op aw",
    "GET /live": "op aw",
    "GET /style.css": "*",
    "GET /live.js": "*",
    "GET /healthz": "*",
    "GET /metrics": "opeaw",
    "GET /sign-in": "*",
    "POST /sign-in": "*",
    "POST /sign-out": "opeaw",
    "GET /welcome/{link}": "*",
    "POST /welcome/{link}": "*",
    "GET /own/{link}": "*",
    "POST /own/{link}": "*",
    "GET /own": "*",
    "GET /own-file": "*",
    "GET /verify": "*",
    "POST /verify": "*",
    "GET /accessibility": "*",
    "GET /requests/new": "o",
    "POST /requests/new": "o",
    "GET /requests/{request}": "op aw",
    "POST /requests/{request}/names": "op",
    "POST /requests/{request}/who": "o",
    "POST /requests/{request}/approve": "p",
    "POST /requests/{request}/ask-more": "o",
    "POST /requests/{request}/more-came": "o",
    "POST /requests/{request}/unidentified": "o",
    "POST /requests/{request}/extend": "o",
    "POST /requests/{request}/hold": "o",
    "POST /requests/{request}/release": "o",
    "POST /requests/{request}/refuse": "o",
    "POST /requests/{request}/cancel": "o",
    "POST /requests/{request}/keep-rows": "o",
    "POST /requests/{request}/uphold": "o",
    "POST /requests/{request}/announce-lift": "o",
    "POST /requests/{request}/lift": "o",
    "POST /requests/{request}/pack": "o",
    "POST /requests/{request}/file": "o",
    "POST /requests/{request}/sent": "o",
    "POST /requests/{request}/rectify": "o",
    "POST /requests/{request}/rows": "o",
    "POST /requests/{request}/rows/erase": "o",
    "POST /requests/{request}/fee": "o",
    "POST /requests/{request}/fee/agreed": "o",
    "POST /requests/{request}/mail": "o",
    "POST /requests/{request}/mail/end": "o",
    "POST /requests/{request}/link": "o",
    "POST /requests/{request}/elsewhere": "o",
    "POST /requests/{request}/elsewhere/names": "op",
    "POST /requests/{request}/elsewhere/who": "o",
    "POST /requests/{request}/elsewhere/approve": "p",
    "GET /people": "o",
    "POST /people": "o",
    "POST /people/anew": "o",
    "POST /run": "o e",
    "GET /models": "opeaw",
    "GET /models/{model}": "opeaw",
    "GET /models/{model}/lineage": "opeaw",
    "GET /models/{model}/lineage.svg": "opeaw",
    "GET /models/{model}/parts/{part}": "opeaw",
    "GET /lineage": "opeaw",
    "POST /lineage": "opeaw",
    "GET /lineage/{node}": "opeaw",
    "GET /lineage/{node}/to/{other}": "opeaw",
    "GET /deletions/{deletion}": "opeaw",
    "GET /deletions/{deletion}/live": "opeaw",
    "GET /audit": "opeaw",
    "GET /audit/head": "opeaw",
    "GET /audit/key": "*",
    "POST /audit/evidence": "o aw",
    "GET /records": "o aw",
    "GET /records/requests.csv": "o aw",
    "POST /records/recipients": "o",
    "POST /records/recipients/told": "o",
    "POST /records/recipients/end": "o",
    "POST /models/{model}/name": "  e",
    "POST /models/{model}/rollback": "  e",
    "GET /settings": "w",
    "POST /settings/tokens": "w",
    "POST /settings/tokens/{token}/end": "w",
    "POST /settings/webhooks": "w",
    "POST /settings/webhooks/{webhook}/end": "w",
    "GET /settings/users": "w",
    "POST /settings/users": "w",
    "POST /settings/users/invite": "w",
    "POST /settings/users/end": "w",
    "GET /settings/policy": "w",
    "POST /settings/policy": "w",
    "GET /settings/controller": "w",
    "POST /settings/controller": "w",
    "GET /settings/letters": "w",
    "GET /settings/letters/{letter}": "w",
    "POST /settings/letters/{letter}": "w",
    "POST /settings/letters/{letter}/end": "w",
    "GET /settings/mail": "w",
    "POST /settings/mail": "w",
    "POST /settings/mail/end": "w",
    "GET /api/v1/openapi.json": "*",
    "GET /api/v1/requests": "op aw",
    "POST /api/v1/requests": "o",
    "GET /api/v1/requests/{request}": "op aw",
    "POST /api/v1/requests/{request}/names": "op",
    "POST /api/v1/requests/{request}/who": "o",
    "POST /api/v1/requests/{request}/approve": "p",
    "POST /api/v1/requests/{request}/ask-more": "o",
    "POST /api/v1/requests/{request}/more-came": "o",
    "POST /api/v1/requests/{request}/unidentified": "o",
    "POST /api/v1/requests/{request}/extend": "o",
    "POST /api/v1/requests/{request}/hold": "o",
    "POST /api/v1/requests/{request}/release": "o",
    "POST /api/v1/requests/{request}/refuse": "o",
    "POST /api/v1/requests/{request}/cancel": "o",
    "POST /api/v1/requests/{request}/keep-rows": "o",
    "POST /api/v1/requests/{request}/uphold": "o",
    "POST /api/v1/requests/{request}/announce-lift": "o",
    "POST /api/v1/requests/{request}/lift": "o",
    "POST /api/v1/requests/{request}/pack": "o",
    "POST /api/v1/requests/{request}/file": "o",
    "POST /api/v1/requests/{request}/sent": "o",
    "POST /api/v1/requests/{request}/rectify": "o",
    "POST /api/v1/requests/{request}/rows": "o",
    "POST /api/v1/requests/{request}/rows/erase": "o",
    "POST /api/v1/requests/{request}/fee": "o",
    "POST /api/v1/requests/{request}/fee/agreed": "o",
    "POST /api/v1/requests/{request}/mail": "o",
    "POST /api/v1/requests/{request}/mail/end": "o",
    "POST /api/v1/requests/{request}/link": "o",
    "POST /api/v1/requests/{request}/elsewhere": "o",
    "POST /api/v1/requests/{request}/elsewhere/names": "op",
    "POST /api/v1/requests/{request}/elsewhere/who": "o",
    "POST /api/v1/requests/{request}/elsewhere/approve": "p",
    "POST /api/v1/people/look-up": "o",
    "POST /api/v1/people/anew": "o",
    "GET /api/v1/run": "opeaw",
    "POST /api/v1/run": "o e",
    "GET /api/v1/models": "opeaw",
    "GET /api/v1/models/{model}": "opeaw",
    "GET /api/v1/deletions/{deletion}": "opeaw",
    "GET /api/v1/events": "opeaw",
    "GET /api/v1/head": "opeaw",
    "POST /api/v1/evidence": "o aw",
    "GET /api/v1/records": "o aw",
    "POST /api/v1/records/recipients": "o",
    "POST /api/v1/records/recipients/told": "o",
    "POST /api/v1/records/recipients/end": "o",
    "POST /api/v1/models/{model}/name": "  e",
    "POST /api/v1/models/{model}/rollback": "  e",
    "POST /api/v1/verify": "*",
    "GET /api/v1/tokens": "w",
    "POST /api/v1/tokens": "w",
    "POST /api/v1/tokens/{token}/end": "w",
    "GET /api/v1/webhooks": "w",
    "POST /api/v1/webhooks": "w",
    "POST /api/v1/webhooks/{webhook}/end": "w",
    "GET /api/v1/users": "w",
    "POST /api/v1/users": "w",
    "POST /api/v1/users/invite": "w",
    "POST /api/v1/users/end": "w",
    "GET /api/v1/policy": "w",
    "POST /api/v1/policy": "w",
    "GET /api/v1/controller": "w",
    "POST /api/v1/controller": "w",
    "GET /api/v1/letters": "w",
    "GET /api/v1/letters/{letter}": "w",
    "POST /api/v1/letters/{letter}": "w",
    "POST /api/v1/letters/{letter}/end": "w",
    "GET /api/v1/mail-server": "w",
    "POST /api/v1/mail-server": "w",
    "POST /api/v1/mail-server/end": "w",
}
API = ("/api/v1/", "/metrics")
LETTERS = dict(zip(("officer", "approver", "engineer", "auditor", "owner"), "opeaw", strict=True))
PLACES = {"request": "q3", "model": "m2", "deletion": "r1", "token": "t9", "webhook": "w9",
          "letter": "en-done",
          "part": "0", "node": "m2", "other": "q1",
          "link": "0" * 64}  # fmt: skip


def address(path):
    return path.format(**PLACES)


@pytest.fixture(scope="module")
def desk(workspace_of_requests, tmp_path_factory):
    here, often = tmp_path_factory.mktemp("matrix"), Limit(10_000, 60.0, lambda: 0.0)
    return desk_of(workspace_of_requests, here, pages=often)


@pytest.fixture(scope="module")
def browsers(desk):
    return {role: sign_in_at_once(desk, f"The {role}", role) for role in ROLES}


def test_every_route_stands_in_the_table_and_in_no_other_way():
    assert [f"{rule.method} {rule.path}" for rule in MATRIX] == list(WHO)
    assert HANDLERS.keys() | CALLS.keys() == BY_ROUTE.keys()
    assert len(MATRIX) == len(BY_ROUTE) == len(HANDLERS) + len(CALLS)
    for rule in MATRIX:
        told = WHO[f"{rule.method} {rule.path}"]
        let_in = {role for role, letter in LETTERS.items() if letter in told}
        assert (rule.roles, told == "*") == (let_in, rule.roles == PUBLIC)
    assert LETTERS.keys() == set(ROLES) == HOME.keys()
    for role, home in HOME.items():
        assert role in BY_ROUTE["GET", home].roles


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_let_in_where_it_may_and_nowhere_else(browsers, desk, role):
    browser = browsers[role]
    token = None
    for route, told in WHO.items():
        method, path = route.split()
        if path == "/sign-out" or (method, path) == ("POST", "/run") or path.startswith(API):
            continue  # the last thing that is done, what starts a run, and what programs ask
        lets_in = told == "*" or LETTERS[role] in told
        if method == "GET":
            status = browser.get(address(path)).status_code
            forms = [form["fields"].get("token") for form in browser.page.forms]
            token = next(filter(None, forms), token)
            assert (status == 403) is (not lets_in), route
            assert status in ((200, 422) if lets_in else (403,)), route
        elif not lets_in:
            status = browser.post(address(path), {"token": token}).status_code
            assert status == 403 and "Your role does not let you" in browser.text, route


@pytest.mark.parametrize("role", ROLES)
def test_each_roles_token_is_let_in_where_it_may_and_nowhere_else(browsers, desk, role):
    caller = Caller(desk, role)
    for one in OPERATIONS:
        told = WHO[f"{one.method} {ROOT}{one.path}"]
        if one.name == "startRun":
            continue
        # A body that is none: who is let in is told so, and nothing is done.
        body = None if one.method == "GET" else {"not a field": True}
        answer = caller.send(one.name, body=body, **PLACES)
        lets_in = told == "*" or LETTERS[role] in told
        assert (answer.status_code == 403) is (not lets_in), one.name
        assert answer.status_code in ((200, 422) if lets_in else (403,)), one.name
        # With a cookie in a token's stead nobody is let in: no page of anybody asks by it.
        by_cookie = browsers[role]._client.request(one.method, ROOT + one.path.format(**PLACES))
        assert by_cookie.status_code == (401 if told != "*" else answer.status_code), one.name


def test_a_page_fetched_as_nobody_names_no_one_and_does_nothing(desk):
    nobody = ScriptFree(application(desk), desk.binding.home)
    before = desk.root.joinpath("unweave.sqlite").read_bytes()
    for route, told in WHO.items():
        method, path = route.split()
        answer = nobody.get(address(path)) if method == "GET" else nobody.post(address(path), {})
        assert told == "*" or nobody.path == "/sign-in" or answer.status_code == 401, route
        assert told == "*" or answer.status_code == (401 if path.startswith(API) else 200), route
        assert path == "/audit/key" or not any(name in answer.text for name in SECRETS), route
    assert desk.root.joinpath("unweave.sqlite").read_bytes() == before


@pytest.mark.parametrize("role", ROLES)
def test_no_page_names_anybody_and_an_auditor_reads_staff_by_number(browsers, role):
    browser = browsers[role]
    rules = [rule for rule in MATRIX if role in rule.roles and not rule.path.startswith(API)]
    for rule in rules:
        if rule.method != "GET" or rule.path in ("/audit/head", "/audit/key"):
            continue  # what is base 64 there has "p2" in it by chance
        for number in range(1, 10) if "{request}" in rule.path else (1,):
            if rule.path in ("/audit/head", "/audit/key"):
                continue  # base 64, in which anything may stand by chance
            text = browser.get(rule.path.format(**PLACES | {"request": f"q{number}"})).text
            assert not any(name in text for name in SECRETS), (rule.path, number)
            if role == "auditor" and rule.path.startswith(("/requests", "/audit")):
                assert "Dora Ost" not in text


def test_the_approver_who_asked_or_filed_does_not_approve(browsers, desk):
    asked = sign_in_at_once(desk, "axel  zwo", "approver")  # as q5 has its requester, folded
    asked.get("/requests/q5")
    asked.send("/requests/q5/approve")
    assert asked.answer.status_code == 422 and "needs a second person" in asked.text
    filed = sign_in_at_once(desk, "DORA OST", "approver")
    filed.get("/requests/q5")
    filed.send("/requests/q5/approve")
    assert "needs a second person" in filed.text
    other = browsers["approver"]
    other.get("/requests/q5")
    other.send("/requests/q5/approve")
    assert "The request is approved." in other.text


def test_what_was_approved_holds_for_nobody_who_is_named_afterwards(browsers, desk):
    """Neither by the page nor past it: an officer names more people once a second one agreed."""
    officer, approver = browsers["officer"], browsers["approver"]
    officer.get("/requests/new")
    officer.send("/requests/new", ids="P3\np12\np13", requester="Three")
    page = officer.path.partition("?")[0]

    def approve():
        approver.get(page)
        approver.send(f"{page}/approve")
        return officer.get(page)

    assert "needs a second person" in officer.text
    approve()
    assert "spellings look alike" in officer.text
    officer.send(f"{page}/who", ticks={"also": ["1"]})
    assert "4 people: needs a second person" in officer.text
    approve()
    assert "4 people: ready to run" in officer.text
    token = officer.page.forms[0]["fields"]["token"]
    officer.post(f"{page}/who", {"token": token, "only": "1"})  # fewer: the approval holds
    assert "3 people: ready to run" in officer.text
    officer.post(f"{page}/who", {"token": token, "also": "1"})
    assert "4 people: needs a second person" in officer.text
