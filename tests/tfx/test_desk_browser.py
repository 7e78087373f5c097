"""The desk as a browser shows it: each page in its variants, by axe, with the keyboard alone.

`make test-web` runs it. Without a Chromium on the PATH, or without Playwright, these are skipped.
"""

import json
import zipfile
from pathlib import Path
from shutil import copytree, move

import pytest
from PIL import Image

from fixtures.desk_in_browser import faults_of, looked_at, served
from fixtures.desk_users import quick_passwords, sign_in_at_once
from fixtures.small_desk import CORRECT, MODULES, RUN, make_workspace
from fixtures.small_table import OPTIONS, write_people
from fixtures.two_desks import make_two, project_of, two_of
from fixtures.warm_python import warm_executable
from lineage_store.requests import Policy
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.report.pdf import browser
from unweave.session.session import Session
from unweave.web.accounts.mail_server import MailServer
from unweave.web.accounts.users import ROLES
from unweave.web.desk_users import DeskUsers
from unweave.web.process.bindings import SECRET_HEADER, ProxySignIn
from unweave.web.process.matrix import MATRIX
from unweave.web.several.keeping_up import keep_up

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(browser() is None, reason="no Chromium is on the PATH")

TOP = Path(__file__).parents[2]
WIDTHS = (1280, 390)
FOUR_TIMES = 320  # pixels that are left of 1280 at 400 percent
FOCUSED = """() => { const one = document.activeElement, style = getComputedStyle(one);
  return [one.tagName, one.textContent.trim().slice(0, 30) || one.name || '',
          style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
          one.getBoundingClientRect().height > 0]; }"""


def pages_of(role):
    """The pages of a role: each route of the matrix, with data, and what is not there."""
    found = ["/nowhere", "/requests/q999", "/?show=over", "/?show=send&right=objection"]
    for rule in MATRIX:
        if rule.method != "GET" or (rule.roles and role not in rule.roles):
            continue
        places = {"model": "m2", "deletion": "r1", "link": "LINK", "letter": "en-done", "part": 0,
                  "node": "m2", "other": "q1"}  # fmt: skip
        numbers = range(1, 10) if "{request}" in rule.path else (1,)  # one in each state
        found += [rule.path.format(**places, request=f"q{number}") for number in numbers]
    files = (
        "/style.css",
        "/live.js",
        "/live",
        "/deletions/r1/live",
        "/healthz",
        "/audit/head",
        "/audit/key",
        "/records/requests.csv",
        "/models/m2/lineage.svg",
    )
    pages = (one for one in found if one not in files and not one.startswith(("/api/", "/metrics")))
    return [one for one in pages if not one.endswith("LINK")]


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as running:
        yield running.chromium.launch(executable_path=browser(), args=["--no-sandbox"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("requests"))


@pytest.fixture(scope="module")
def desk(workspace, tmp_path_factory):
    with served(copytree(workspace, tmp_path_factory.mktemp("browser") / "workspace")) as found:
        yield found


@pytest.fixture(scope="module")
def cookies(desk):
    return {role: sign_in_at_once(desk, f"The {role}", role).cookies()["desk"] for role in ROLES}


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_each_page_of_an_officer_has_no_fault(chromium, desk, cookies, width, colours):
    with looked_at(chromium, desk, cookies["officer"], width=width, color_scheme=colours) as page:
        for path in pages_of("officer"):
            page.goto(desk.binding.home.rstrip("/") + path)
            assert faults_of(page, width) == [], path


@pytest.mark.parametrize("role", ROLES[1:])
def test_each_page_of_the_other_roles_has_no_fault(chromium, desk, cookies, role):
    with looked_at(chromium, desk, cookies[role], width=390, color_scheme="dark") as page:
        for path in pages_of(role):
            page.goto(desk.binding.home.rstrip("/") + path)
            assert faults_of(page, 390) == [], path


def test_at_four_times_the_size_in_forced_colours_and_without_a_cookie(chromium, desk, cookies):
    home = desk.binding.home.rstrip("/")
    options = {"forced_colors": "active", "reduced_motion": "reduce"}
    with looked_at(chromium, desk, cookies["officer"], width=FOUR_TIMES, **options) as page:
        for path in pages_of("officer"):
            page.goto(home + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= FOUR_TIMES, path
    link = DeskUsers(Session(root=desk.root)).add("Nora Neu", "officer")["path"]
    for width in WIDTHS:
        with looked_at(chromium, desk, None, width=width) as page:
            for path in ("/sign-in", "/verify", "/accessibility", link, "/welcome/0"):
                page.goto(home + path)
                assert faults_of(page, width) == [], path


def test_what_is_shown_once_and_the_page_of_ones_own_request_have_no_fault(chromium, desk, cookies):
    home = desk.binding.home.rstrip("/")
    for width in (WIDTHS[1], FOUR_TIMES):
        with looked_at(chromium, desk, cookies["owner"], width=width) as page:
            page.goto(f"{home}/settings")
            page.fill("#name", f"An importer with a long name {width}")
            page.fill("#until", desk.today)
            page.click("text=Make a token")
            assert "unweave-token-" in page.inner_text("#result") and faults_of(page, width) == []
            page.fill("#url", f"https://hooks.example/{'long' * 30}/{width}")
            page.click("text=Add a webhook")
            assert "whsec_" in page.inner_text("#result") and faults_of(page, width) == []
            page.goto(f"{home}/settings/users")
            page.fill("#name", f"Somebody with a long name {width}")
            page.click("text=Add them")
            assert f"{home}/welcome/" in page.inner_text("#result")
            assert faults_of(page, width) == []
            page.goto(f"{home}/settings/letters/de-done")
            page.click("text=Use it")
            assert "Anna Example" in page.inner_text("#result") and faults_of(page, width) == []
        with looked_at(chromium, desk, cookies["officer"], width=width) as page:
            page.goto(f"{home}/requests/q9")
            page.click("text=Make a link")
            link = page.inner_text("#result code")
            assert link.startswith(f"{home}/own/") and faults_of(page, width) == []
        with looked_at(chromium, desk, None, width=width, color_scheme="dark") as page:
            page.goto(link)
            assert faults_of(page, width) == []
            page.click("text=Open it in this browser")
            assert page.url == f"{home}/own" and faults_of(page, width) == []
            assert "it waits for you" in page.inner_text("h1")
            page.goto(link)  # it was used
            assert faults_of(page, width) == []


def test_forms_of_rights_mail_and_evidence_have_no_fault_in_any_state(
    chromium, workspace, tmp_path
):
    with served(copytree(workspace, tmp_path / "workspace", symlinks=True)) as desk:
        home, queue = desk.binding.home.rstrip("/"), Project(desk.root).requests
        corrected = queue.add(["p12"], right="rectification")["request"]
        asked = queue.add(["p13"])["request"]
        queue.ask_fee(asked, amount="10 EUR", reason="the fifth time")
        DeskUsers(Session(root=desk.root)).set_mail_server(
            MailServer(host="mail.example", port=465, security="tls", sender="d@a.example")
        )
        for name in ("q3", "q6.rows"):
            (desk.outbox / name).mkdir(parents=True)
        (desk.outbox / "q3" / "letter.txt").write_text("Dear Quinn")
        (desk.outbox / "q6.rows" / "rows.csv").write_text("person\np8\n")
        cookie = sign_in_at_once(desk, "The officer", "officer").cookies()["desk"]
        with looked_at(chromium, desk, cookie, width=390) as page:
            for request in (corrected, asked, "q6"):
                page.goto(f"{home}/requests/{request}")
                assert faults_of(page, 390) == [], request
            page.goto(f"{home}/requests/q3")
            page.fill("#mail-to", "no address@mail.example")
            page.evaluate("document.querySelector('#mail-to').form.noValidate = true")
            page.click("text=Send it by mail >> nth=-1")
            assert page.title().startswith("Error: ") and faults_of(page, 390) == []
            page.fill("#mail-to", "quinn@mail.example")
            page.click("text=Send it by mail >> nth=-1")
            assert "It waits to go by mail" in page.inner_text("#result")
            assert faults_of(page, 390) == []
            page.goto(f"{home}/audit")
            page.click("text=Choose the deletions")
            page.click("text=Get the evidence")
            assert page.title().startswith("Error: ") and faults_of(page, 390) == []
            page.goto(f"{home}/records")
            page.click("text=Name another")
            assert faults_of(page, 390) == []


def test_an_error_is_summed_up_at_the_top_and_tied_to_its_field(chromium, desk, cookies):
    home = desk.binding.home.rstrip("/")
    with looked_at(chromium, desk, cookies["officer"], width=390) as page:
        page.goto(f"{home}/requests/q3")
        page.click("text=Show names")
        assert page.title().startswith("Error: ")
        assert faults_of(page, 390) == []
        page.click("text=Say why you read the names.")
        field = page.locator("#why")
        assert field.get_attribute("aria-invalid") == "true"
        assert page.locator(f"#{field.get_attribute('aria-describedby').strip()}").is_visible()


def test_the_keyboard_alone_reaches_all_and_shows_where_it_is(chromium, desk, cookies):
    home = desk.binding.home.rstrip("/")
    with looked_at(chromium, desk, cookies["officer"]) as page:
        page.goto(f"{home}/")
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)[1] == "Skip to the content"
        page.keyboard.press("Enter")
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            tag, words, outlined, there = page.evaluate(FOCUSED)
            if tag == "BODY":
                break
            assert outlined and there, (tag, words)
            seen.append(words)
        for words in ("File a request", "Run all that is ready", "q3", "Say who is meant"):
            assert words in seen
        # A request is filed, and focus is at what came of it.
        page.goto(f"{home}/requests/new")
        page.focus("#ids")
        page.keyboard.type("p12")
        page.focus("#verified_how")
        page.keyboard.press("Enter")
        page.wait_for_url("**/requests/q*#result")
        assert "The request is filed." in page.inner_text("#result")


def test_the_lineage_is_searched_and_walked_by_its_boxes(chromium, desk, cookies):
    home = desk.binding.home.rstrip("/")
    with looked_at(chromium, desk, cookies["engineer"], width=390) as page:
        page.goto(f"{home}/models")
        page.click("text=Search the lineage")
        page.fill("#what", "Anna Example")
        page.keyboard.press("Enter")
        page.wait_for_selector(".errors")
        assert page.url == f"{home}/lineage" and page.title().startswith("Error: ")
        assert faults_of(page, 390) == [] and "Anna" not in page.content()
        page.fill("#what", "2")
        page.click("text=Look >> nth=-1")
        assert faults_of(page, 390) == []
        page.click(".places >> text=m2")
        page.click("svg >> text=deletion r1")  # a box is a link, as the word beside it is
        assert page.url == f"{home}/lineage/r1" and faults_of(page, 390) == []
        page.focus("svg a[href='/lineage/q1']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{home}/lineage/q1")
        page.fill("#to", "unit 0 of part 1 of m2")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{home}/lineage/q1/to/m2.1.u0")
        assert faults_of(page, 390) == [] and "in 4 steps." in page.inner_text("h1")


def test_what_pages_show_of_other_workspaces_has_no_fault(chromium, tmp_path):
    """Spellings, an approval and an error there; one is away while the others answer."""
    (tmp_path / "made").mkdir()
    desk = two_of(make_two(tmp_path / "made"), tmp_path)
    (other,) = desk.joined
    project_of(other).requests.set_policy(Policy(approve_above=1))
    queue = project_of(desk).requests
    for ids in (["P4"], ["p1", "p2"], ["p3"]):
        queue.add(ids, by="Dora Ost")
    assert keep_up(desk) == []
    with served(desk.root, joined=desk.joined, python=desk.python) as at:
        home = at.binding.home.rstrip("/")
        roles = ("officer", "approver")
        by = {role: sign_in_at_once(at, f"The {role}", role).cookies()["desk"] for role in roles}
        with looked_at(chromium, at, by["approver"], width=390) as page:
            page.goto(f"{home}/requests/q2")
            assert page.locator("#approve-1").is_visible() and faults_of(page, 390) == []
        for width, colours in zip(WIDTHS, ("light", "dark"), strict=True):
            options = {"width": width, "color_scheme": colours}
            with looked_at(chromium, at, by["officer"], **options) as page:
                page.goto(f"{home}/people")
                page.fill("#id", "p4")
                page.select_option("#why", "asks")
                page.click("text=Look up >> nth=-1")
                assert faults_of(page, width) == []
                page.goto(f"{home}/requests/q1")
                page.click("text=Write it down there")
                assert page.title().startswith("Error: ") and faults_of(page, width) == []
                page.select_option("#why-1", "meant")
                page.click("text=Show how they are spelled")
                assert "p4" in page.inner_text("#elsewhere") and faults_of(page, width) == []
        queue.run()
        move(other.root, tmp_path / "away")
        for width, colours in zip(WIDTHS, ("dark", "light"), strict=True):
            options = {"width": width, "color_scheme": colours}
            with looked_at(chromium, at, by["officer"], **options) as page:
                for path in ("/", "/requests/q1", "/requests/q3"):
                    page.goto(home + path)
                    assert "cannot be reached" in page.content()
                    assert faults_of(page, width) == [], path
                page.click("text=Try again >> nth=0")
                assert page.title().startswith("Error: ") and faults_of(page, width) == []


def test_each_role_goes_its_way_from_a_letter_to_its_answer(chromium, workspace, tmp_path):
    """Filed by one, approved by another, run by a third, answered, and looked at by an auditor."""
    commands = {
        "python": (warm_executable(*MODULES),),
        "run": ("-c", RUN),
        "correct": ("-c", CORRECT),
    }
    with served(copytree(workspace, tmp_path / "workspace", symlinks=True), **commands) as desk:
        home = desk.binding.home.rstrip("/")
        cookies = {one: sign_in_at_once(desk, f"The {one}", one).cookies()["desk"] for one in ROLES}
        with looked_at(chromium, desk, cookies["owner"]) as page:
            page.goto(f"{home}/settings/policy")
            page.fill("#approve_above", "1")
            page.click("text=Set the rules")
            assert "The rules hold from now on." in page.inner_text("#result")
        with looked_at(chromium, desk, cookies["officer"]) as page:
            page.goto(f"{home}/requests/new")
            page.fill("#ids", "p12\np13")
            page.fill("#requester", "Nora Neu")
            page.click("main button")
            request = page.url.partition("?")[0]
            assert "needs a second person" in page.inner_text("h1")
        with looked_at(chromium, desk, cookies["approver"], width=390) as page:
            page.goto(request)
            page.click("#approve")
            assert "The request is approved." in page.inner_text("#result")
        with looked_at(chromium, desk, cookies["engineer"]) as page:
            page.goto(f"{home}/models/m2/lineage")
            page.click("text=part 1")
            assert "Part 1 learnt from" in page.inner_text("h1")
        with looked_at(chromium, desk, cookies["officer"]) as page:
            page.goto(request)
            page.click("text=Run all that is ready")
            page.wait_for_url("**/?done=run**")
            desk.runs[0].wait(120)
            assert json.loads(desk.last_run.read_bytes()) == {"failed": []}
            page.goto(request)
            assert "Next: Send the answer" in page.inner_text("#next")
            page.fill("#to", "Nora Neu")
            page.click("text=Write the answer")
            with page.expect_download() as handed:
                page.click("text=Hand it over as one file")
            with zipfile.ZipFile(handed.value.path()) as archive:
                verify_page = archive.extract(
                    next(one for one in archive.namelist() if "verify" in one), tmp_path
                )
            page.click("text=It was sent")
            assert "written down that the answer was sent" in page.inner_text("#result")
        with looked_at(chromium, desk, cookies["auditor"], color_scheme="dark") as page:
            page.goto(f"{home}/audit?kind=answer+sent")
            assert "answer sent" in page.inner_text("table")
            page.click("text=Choose the deletions")
            page.fill("#model", "m3")
            with page.expect_download() as given:
                page.click("text=Get the evidence")
            with zipfile.ZipFile(given.value.path()) as archive:
                assert {"r1/certificate.json", "r2/certificate.json"} <= {*archive.namelist()}
        context = chromium.new_context(offline=True)  # whoever got the answer, without a network
        page = context.new_page()
        page.goto(Path(verify_page).as_uri())
        assert page.locator("input[type=file]").count() == 1
        context.close()


def test_an_empty_workspace_has_pages_without_a_fault(chromium, tmp_path, monkeypatch):
    quick_passwords(monkeypatch)
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    project.train(write_people(tmp_path / "people.csv"), **OPTIONS)
    with served(tmp_path / "workspace") as empty:
        cookie = sign_in_at_once(empty, "Dora Ost", "officer").cookies()["desk"]
        with looked_at(chromium, empty, cookie, width=390) as page:
            for path in ("/", "/models", "/models/m1", "/audit", "/records"):
                page.goto(empty.binding.home.rstrip("/") + path)
                assert faults_of(page, 390) == [], path


def test_the_picture_of_the_docs_is_made_of_todays_page(chromium, workspace, tmp_path):
    """Where the page has become another, the new picture is named, to be put in its place."""
    new = tmp_path / "desk.png"
    with served(copytree(workspace, tmp_path / "workspace")) as desk:
        cookie = sign_in_at_once(desk, "Dora Ost", "officer").cookies()["desk"]
        with looked_at(chromium, desk, cookie, color_scheme="light") as page:
            page.goto(desk.binding.home)
            page.screenshot(path=new, full_page=True)
    with Image.open(new) as made, Image.open(TOP / "docs" / "desk.png") as shown:
        assert made.size == shown.size, f"look at {new}, and copy it to docs/desk.png"


def test_who_comes_from_another_site_through_a_proxy_that_names_them_gets_in(
    chromium, workspace, tmp_path
):
    sign_in = ProxySignIn("X-User", "0123456789abcdef" * 2)
    said = {sign_in.header: "Dora", SECRET_HEADER: sign_in.secret}
    root = copytree(workspace, tmp_path / "workspace")
    DeskUsers(Session(root=root)).add("Dora", "officer")
    with (
        served(root, sign_in=sign_in) as desk,
        looked_at(chromium, desk, None, extra_http_headers=said) as page,
    ):
        link = f'<link rel="icon" href="data:,"><a href="{desk.binding.home}">The desk</a>'
        page.route(
            "http://elsewhere.example/",
            lambda one: one.fulfill(body=link, content_type="text/html"),
        )
        page.goto("http://elsewhere.example/")
        page.click("a")
        page.wait_for_url(desk.binding.home)
        assert "Dora, officer" in page.inner_text("header")
