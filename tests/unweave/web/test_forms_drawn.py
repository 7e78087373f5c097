"""Forms that are drawn, sent by everybody of each role and by nobody: no error, no other's data.

Each begins with a form as it stands on a page, or with the fields of all of them; a fuzzer changes
its fields and its bytes. Of those that only change the queue some examples are tried at once, of
those that write letters and packs in the long suite, for a minute (`--fuzz-seconds`).
"""

import json
import re
import time
from contextlib import suppress
from itertools import count
from urllib.parse import quote, urlencode

import pytest

from fixtures.desk_users import quick_passwords, sign_in_at_once
from fixtures.script_free import ScriptFree
from fixtures.small_desk import SECRETS, desk_of
from fixtures.small_table import OPTIONS, write_people
from lineage_store.canonical import canonical_json
from pipelines.backends.direct import DirectBackend
from tests.faults.parsers import Parser
from tests.faults.test_fuzz import fuzz
from unweave import Project
from unweave.web.accounts.too_often import Limit
from unweave.web.accounts.users import ROLES
from unweave.web.application import application
from unweave.web.process.matrix import MATRIX
from unweave.web.several.joined_workspaces import joined_to
from unweave.web.several.keeping_up import keep_up

REQUESTS = range(3, 10)
# What ends a sign-in or starts a run takes nothing that somebody writes.
WITHOUT = ("/sign-out", "/run")
# They show names to who may read them, after a reason and with an event.
NAMING = ("/requests/{request}/names", "/requests/{request}/elsewhere/names", "/people")
ROUTES = [
    rule.path
    for rule in MATRIX
    if rule.method == "POST" and not rule.path.startswith("/api/") and rule.path not in WITHOUT
]
QUICK = [
    "/sign-in", "/welcome/{link}", "/own/{link}", "/verify", "/requests/new",
    "/requests/{request}/names", "/requests/{request}/who", "/requests/{request}/hold",
    "/requests/{request}/file", "/requests/{request}/sent", "/requests/{request}/link", "/people",
    "/requests/{request}/elsewhere", "/requests/{request}/elsewhere/names",
    "/requests/{request}/elsewhere/who", "/requests/{request}/elsewhere/approve",
    "/settings/tokens", "/settings/webhooks",
]  # fmt: skip
PLACES = {"token": "t1", "webhook": "w1", "link": "0" * 64, "model": "m2", "letter": "en-done"}
PAGES = ["/sign-in", "/verify", "/requests/new", "/people", "/settings",
         *(f"/requests/q{number}" for number in REQUESTS)]  # fmt: skip


@pytest.fixture(scope="module")
def forms(workspace_of_requests, tmp_path_factory):
    """What fills in the form of each route, by its path."""
    here = tmp_path_factory.mktemp("drawn")
    Project(here / "other", backend=DirectBackend()).train(write_people(here / "p.csv"), **OPTIONS)
    alone = desk_of(workspace_of_requests, here, pages=Limit(10_000_000, 60.0, lambda: 0.0))
    desk = joined_to(alone, (here / "other",))
    assert keep_up(desk) == []
    with pytest.MonkeyPatch.context() as patched:
        quick_passwords(patched)
        browsers = [sign_in_at_once(desk, f"The {role}", role) for role in ROLES]
        browsers.append(ScriptFree(application(desk), desk.binding.home))
        known, tokens = on_pages(browsers)
        everything = {name: value for one in known.values() for name, value in one.items()}
        turn = count()

        def form(path):
            def check(data):
                number = REQUESTS[next(turn) % len(REQUESTS)]
                where = path.format(request=f"q{number}", **PLACES)
                for browser, token in zip(browsers, tokens, strict=True):
                    answer = browser.post_body(where, body_of(data, token))
                    # 503 is a limit, or a workspace in use; it is said, and so is what is wrong.
                    assert answer.status_code < 500 or answer.status_code == 503, answer.text
                    assert not list(desk.root.glob("unforeseen-*"))
                    if path not in NAMING:
                        shown = [name for name in SECRETS if stands_alone(name, browser.text)]
                        assert not [name for name in shown if name.encode() not in data], shown

            return Parser(canonical_json(known.get(path, everything)), check, as_json=True)

        yield {path: form(path) for path in ROUTES}


def stands_alone(name, shown):
    """Say whether a name is shown; within a drawn key of letters it stands by chance."""
    return re.search(rf"(?<![\w+/=-]){re.escape(name)}(?![\w+/=-])", shown) is not None


def on_pages(browsers):
    """Return the fields of the forms on pages, by route, and the token of each browser."""
    known, tokens = {}, []
    for browser in browsers:
        token = ""
        for page in PAGES:
            browser.get(page)
            for form in browser.page.forms:
                fields = {name: value or "x" for name, value in form["fields"].items()}
                token = fields.pop("token", token)
                fields |= {name: values[0] for name, values in form["ticks"].items()}
                known.setdefault(route_of(form["action"] or page), fields)
        tokens.append(token)
    return known, tokens


def route_of(address):
    parts = address.partition("?")[0].split("/")
    if parts[1:2] == ["requests"] and parts[2:3] != ["new"]:
        parts[2] = "{request}"
    return "/".join(parts)


def body_of(data, token):
    """Return a form's body: of what says fields as a browser sends them, of all else as it is."""
    with suppress(ValueError, RecursionError):
        told = json.loads(data)
        if isinstance(told, dict):
            pairs = [(name, text(value)) for name, value in (told | {"token": token}).items()]
            return urlencode(pairs, quote_via=quote, errors="surrogatepass").encode()
    return b"token=" + token.encode() + b"&" + data


def text(value):
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("path", QUICK)
def test_a_few_forms_by_each_role_are_taken_or_refused(forms, path):
    forms[path].check(forms[path].given)
    fuzz(forms[path], examples=2, number=1)


def test_a_minute_of_forms_by_each_role_are_taken_or_refused(forms, pytestconfig):
    end = time.monotonic() + pytestconfig.getoption("--fuzz-seconds")
    number = 0
    while time.monotonic() < end:
        path = ROUTES[number % len(ROUTES)]
        fuzz(forms[path], examples=4, number=2 + number // len(ROUTES))
        number += 1
    print(f"up to {4 * number} forms in {pytestconfig.getoption('--fuzz-seconds'):g} s")


def test_every_form_of_a_page_is_among_those_that_are_drawn(forms):
    assert set(forms) == set(ROUTES) and set(QUICK) <= set(ROUTES)
    assert all(path.format(request="q3", **PLACES) for path in ROUTES)
