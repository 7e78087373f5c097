"""A deletion watched in Chromium: by two browsers at once, killed, finished, and scriptless."""

import json
import os
import signal
from shutil import copytree

import pytest

from fixtures.desk_in_browser import faults_of, looked_at, served
from fixtures.desk_users import sign_in_at_once
from fixtures.small_desk import MODULES, make_workspace
from fixtures.warm_python import warm_executable
from lineage_store.workspace import who_works
from unweave.report.pdf import browser

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(browser() is None, reason="no Chromium is on the PATH")

# What `unweave run-requests` does, and waits for a file's name where a test is to look on.
STEP_BY_STEP = """
import json, sys, time
from pathlib import Path
from pipelines.backends import direct
from pipelines.runs import forget
from unweave import Project
here = Path(sys.argv[2]).parent
def waiting(name, whole):
    def wait(*given, **named):
        while not (here / name).exists():
            time.sleep(0.02)
        return whole(*given, **named)
    return wait
direct.DirectBackend.delete = waiting("go", direct.DirectBackend.delete)
direct.must_pass = waiting("checked", direct.must_pass)
direct.certify = waiting("erased", direct.certify)
print(json.dumps(Project(sys.argv[2], backend=direct.DirectBackend()).requests.run()))
"""
OFTEN = "() => { window.looks = 0; new MutationObserver(() => window.looks++).observe("
CHANGES = OFTEN + "document.getElementById('far'), {childList: true}); }"


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as running:
        yield running.chromium.launch(executable_path=browser(), args=["--no-sandbox"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("requests"))


def test_two_watch_a_run_that_is_killed_and_finished(chromium, workspace, tmp_path):
    """An officer and an engineer, each in a browser; nobody presses reload, and nobody waits."""
    commands = {"python": (warm_executable(*MODULES),), "run": ("-c", STEP_BY_STEP)}
    with served(copytree(workspace, tmp_path / "workspace", symlinks=True), **commands) as desk:
        home = desk.binding.home.rstrip("/")
        cookies = {
            role: sign_in_at_once(desk, f"The {role}", role).cookies()["desk"]
            for role in ("officer", "engineer")
        }
        with (
            looked_at(chromium, desk, cookies["officer"]) as officer,
            looked_at(chromium, desk, cookies["engineer"], width=390, color_scheme="dark") as other,
        ):
            both = (officer, other)
            officer.goto(f"{home}/")
            officer.click("text=Run all that is ready")
            officer.wait_for_selector("text=Deletion r2 is running")
            officer.click(".run a")
            other.goto(f"{home}/deletions/r2")
            for page in both:
                page.wait_for_selector("text=This page is live")
                page.evaluate(CHANGES)
                assert "r2 is running" in page.inner_text("h1")
                assert faults_of(page, 1280 if page is officer else 390) == []
            officer.focus("text=Read this page again")
            (tmp_path / "go").touch()
            for page in both:
                page.wait_for_selector("text=Now: checking what came of it")
                assert page.evaluate("window.looks") > 0  # by the script, and no reload
                assert "checking" in page.text_content("#aloud") and "r2" in page.title()
            focused = "document.activeElement.textContent"
            assert officer.evaluate(focused) == "Read this page again"

            # The runner is killed: both pages say so, and the desk lives on.
            os.kill(who_works(desk.root).pid, signal.SIGKILL)
            for page in both:
                page.wait_for_selector("text=r2 was interrupted. The next run finishes it.")
                assert "stopped here" in page.inner_text(".phases .is-stopped")
                assert faults_of(page, 1280 if page is officer else 390) == []
            with looked_at(chromium, desk, cookies["officer"]) as third:
                assert third.goto(f"{home}/healthz").ok
                third.goto(f"{home}/")
                (tmp_path / "checked").touch()
                third.click("text=Run all that is ready")
                third.wait_for_selector("text=What is due runs now")
                for page in both:  # which still watch: what was killed goes on
                    page.wait_for_selector("li.is-now:has-text('Sign the certificate')")
                    assert "in its place, the old one erased" in page.inner_text(".changes")
                (tmp_path / "erased").touch()
                for page in both:
                    page.wait_for_selector("text=r2 is done.")
                    assert "Nothing further will come." in page.inner_text("#line")
                    page.click("text=Its report")
                    page.wait_for_selector("text=rows forgotten")
        assert not list(desk.root.glob("unforeseen-*"))
        assert json.loads(desk.last_run.read_bytes()) == {"failed": []}


def test_the_requests_say_what_runs_by_themselves_and_focus_stays(chromium, workspace, tmp_path):
    """Nobody presses reload, and the list is not read again under whoever reads it."""
    commands = {"python": (warm_executable(*MODULES),), "run": ("-c", STEP_BY_STEP)}
    with served(copytree(workspace, tmp_path / "workspace", symlinks=True), **commands) as desk:
        cookie = sign_in_at_once(desk, "The officer", "officer").cookies()["desk"]
        with looked_at(chromium, desk, cookie, width=390, color_scheme="dark") as page:
            page.goto(f"{desk.binding.home}?right=erasure")
            page.click("text=Run all that is ready")
            page.wait_for_selector("text=This page is live")
            page.wait_for_selector("text=Deletion r2 is running")
            page.evaluate(CHANGES)
            assert faults_of(page, 390) == []
            page.focus(".run a")
            (tmp_path / "go").touch()
            page.wait_for_selector("#far >> text=Now: checking")
            assert page.evaluate("window.looks") > 0 and "r2 is running: check" in page.title()
            assert page.evaluate("document.activeElement.textContent") == "r2"
            for name in ("checked", "erased"):
                (tmp_path / name).touch()
            page.wait_for_selector("text=Nothing runs any more.")
            assert "Nothing further will come." in page.inner_text("#line")
            assert faults_of(page, 390) == []
            page.click("text=Read this page again")
            page.wait_for_selector("text=Run all that is ready")
            assert page.locator("script").count() == 0
        assert not list(desk.root.glob("unforeseen-*"))


def test_a_page_whose_desk_ends_says_that_it_may_be_old(chromium, workspace, tmp_path):
    commands = {"python": (warm_executable(*MODULES),), "run": ("-c", STEP_BY_STEP)}
    with served(copytree(workspace, tmp_path / "workspace", symlinks=True), **commands) as desk:
        cookie = sign_in_at_once(desk, "The officer", "officer").cookies()["desk"]
        with looked_at(chromium, desk, cookie, java_script_enabled=False) as page:
            page.goto(desk.binding.home)
            page.click("text=Run all that is ready")
            page.wait_for_selector("text=Deletion r2 is running")
            page.goto(f"{desk.binding.home}deletions/r2")
            (tmp_path / "go").touch()
            # It reads itself again without a script, too.
            page.wait_for_selector("text=Now: checking what came of it", timeout=15_000)
        context = chromium.new_context()
        context.add_cookies([{"name": "desk", "value": cookie, "url": desk.binding.home}])
        page = context.new_page()
        page.goto(f"{desk.binding.home}deletions/r2")
        page.wait_for_selector("text=This page is live")
        os.kill(who_works(desk.root).pid, signal.SIGKILL)
    # The desk has ended by now, and the page stands open.
    page.wait_for_selector("text=The desk does not answer. What stands here may be old.")
    assert "r2" in page.inner_text("h1")
    context.close()


def test_a_page_from_before_a_run_holds_nothing_any_more_and_says_why(
    chromium, workspace, tmp_path
):
    """Two officers at once: one runs what is ready, the other holds it on a page of before."""
    commands = {"python": (warm_executable(*MODULES),), "run": ("-c", STEP_BY_STEP)}
    with served(copytree(workspace, tmp_path / "workspace", symlinks=True), **commands) as desk:
        one, two = (
            sign_in_at_once(desk, name, "officer").cookies()["desk"] for name in ("Dora", "Olga")
        )
        home = desk.binding.home.rstrip("/")
        with looked_at(chromium, desk, one) as runs, looked_at(chromium, desk, two) as holds:
            holds.goto(f"{home}/requests/q3")
            runs.goto(f"{home}/")
            runs.click("text=Run all that is ready")
            runs.click(".run a")
            runs.wait_for_selector("text=This page is live")
            form = "form[action='/requests/q3/hold']"
            holds.eval_on_selector(form, "one => one.closest('details').open = true")
            holds.fill(f"{form} [name=reason]", "a claim")
            holds.fill(f"{form} [name=until]", desk.today)
            holds.click(f"{form} button")
            holds.wait_for_selector("text=is being run (r2): it cannot be changed any more")
            assert faults_of(holds, 1280) == []
            holds.click("text=r2 >> nth=-1")  # and it leads to where the other is
            holds.wait_for_selector("text=This page is live")
            for name in ("go", "checked", "erased"):
                (tmp_path / name).touch()
            for page in (runs, holds):
                page.wait_for_selector("text=r2 is done.")
        assert json.loads(desk.last_run.read_bytes()) == {"failed": []}
