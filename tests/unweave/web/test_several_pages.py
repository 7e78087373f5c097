"""Several workspaces at one desk, by its pages: what each shows of the others, and their forms."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import unweave
from fixtures.desk_users import sign_in_at_once
from fixtures.small_desk import WITHHELD
from fixtures.two_desks import HOME_ALONE, OTHER_ALONE, make_two, project_of, two_of, wait_for_runs
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.log import events
from lineage_store.requests import Policy
from unweave.cli import commands
from unweave.web import serve_desk
from unweave.web.mail.letters_mailed import send_mails
from unweave.web.operations.webhooks_told import tell_webhooks
from unweave.web.several.joined_workspaces import places_of
from unweave.web.several.keeping_up import keep_up

TOP = Path(unweave.__file__).parents[1]
# Serves the pages of a desk of two workspaces, and tells what it opened.
VISITS = """
import json, sys
from pathlib import Path
opened = []
def hook(event, arguments):
    if event in ("open", "sqlite3.connect") and arguments:
        opened.append(str(arguments[0]))
sys.addaudithook(hook)
from unweave.web.application import application
from unweave.web.process.bindings import bind
from unweave.web.process.desk import Desk
from unweave.web.several.joined_workspaces import joined_to
home = Desk(root=Path(sys.argv[1]), binding=bind("127.0.0.1:8484"))
desk = joined_to(home, (Path(sys.argv[2]),))
sys.path.insert(0, sys.argv[3])
from fixtures.script_free import ScriptFree
browser = ScriptFree(application(desk), desk.binding.home)
browser._client.cookies.set("desk", sys.argv[4], domain="127.0.0.1")
statuses = [browser.get(path).status_code for path in ("/", "/requests/q1", "/people")]
statuses.append(browser.send("/people", id="p1", why="asks").status_code)
assert "In other workspaces" in browser.text
browser.get("/requests/q1")
statuses.append(browser.send("/requests/q1/elsewhere/names", why="meant").status_code)
assert "p4 : 5 rows" in browser.text
heavy = {"tensorflow", "tfx", "apache_beam", "ml_metadata", "keras"} & {*sys.modules}
print(json.dumps({"statuses": statuses, "opened": opened, "heavy": sorted(heavy)}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = make_two(tmp_path_factory.mktemp("two"))
    return folder


@pytest.fixture
def desk(made, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser to print letters with
    return two_of(made, tmp_path)


def file(officer, ids):
    officer.get("/requests/new")
    officer.send("/requests/new", ids=ids, requester="Quinn Zwo")
    return officer.path.partition("?")[0]


def test_from_a_letter_to_one_answer_by_forms_alone(desk):
    (other,) = desk.joined
    project_of(other).requests.set_policy(Policy(approve_above=1))
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    approver = sign_in_at_once(desk, "Axel Zwo", "approver")
    page = file(officer, "P4")
    assert "other q1 Spellings look alike Say who is meant 0" in officer.text
    assert "Quinn" not in officer.text and "p4" not in officer.text
    officer.send(f"{page}/who", ticks={"only": ["1"]})
    officer.send(f"{page}/elsewhere/who", ticks={})
    assert "Tick those that are meant" in officer.text and officer.answer.status_code == 422
    officer.send(f"{page}/elsewhere/names", why="")
    assert "Say why you read the names." in officer.text
    officer.send(f"{page}/elsewhere/names", why="meant")
    assert "p4 : 5 rows, differs in case" in officer.text and "Quinn" not in officer.text
    with reading_index(other.session.workspace()) as connection:
        last = list(events.events(connection))[-1]
    assert (last.kind, last.body["request"], last.body["because"]) == ("names shown", "q1", "meant")
    officer.send(f"{page}/elsewhere/who", ticks={"also": ["1"]})
    assert "It is written down who is meant there." in officer.text
    assert "other q1 Needs a second person Approve it" in officer.text
    assert f"{page}/elsewhere/approve" not in officer.actions()
    approver.get(page)
    approver.send(f"{page}/elsewhere/approve")
    assert "It is approved there." in approver.text
    assert "other q1 Ready to run Run the deletion" in approver.text
    officer.get("/")
    officer.send("/run")
    assert "other : a command is at work there" in officer.text
    wait_for_runs(desk)
    assert (
        "Next: Send the answer" in officer.get(page).text and "Nothing: it is done" in officer.text
    )
    assert "What was done in other" in officer.text and "Approved, by Axel Zwo" in officer.text
    auditor = sign_in_at_once(desk, "Ute Ohnweg", "auditor")
    auditor.get(page)
    assert "What was done in other" in auditor.text and "Axel" not in auditor.text
    officer.send(f"{page}/pack")
    assert "other/certificate.json, other/public.pem, other/receipt.json" in officer.text
    officer.send(f"{page}/file")
    assert officer.answer.headers["content-type"] == "application/zip"
    officer.get(page)
    officer.send(f"{page}/sent")
    assert "Next: Nothing: the answer was sent" in officer.text


def test_a_workspace_that_is_away_stops_done_and_every_page_is_answered(desk, tmp_path):
    (other,) = desk.joined
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    page = file(officer, HOME_ALONE)
    shutil.move(other.root, tmp_path / "away")
    for path in ("/", page, "/people", "/models", "/records", "/audit"):
        assert officer.get(path).status_code == 200
    officer.get("/")
    assert "The workspace other cannot be reached: there is none where it lay." in officer.text
    officer.send("/run")
    wait_for_runs(desk)
    officer.get(page)
    text = officer.text
    assert "Next: Finish it in every workspace It is done here" in text
    assert text.count("other cannot be reached") == 2
    assert f"{page}/pack" not in officer.actions()
    officer.send(f"{page}/elsewhere")
    assert officer.answer.status_code == 422 and "This is not done yet" in officer.text
    officer.get("/?show=open")
    assert (
        "Done here, and not in every workspace q1 , erasure of 1 person: waits for other, due"
        in (officer.text)
    )
    assert "Finish it in every workspace" not in officer.text  # it is in another list
    officer.get("/?show=send")
    assert "Done Finish it in every workspace" in officer.text
    token = officer.page.forms[0]["fields"]["token"]
    officer.post(f"{page}/pack", {"token": token})  # what no page offers
    assert officer.answer.status_code == 422 and "not done in every workspace" in officer.text
    shutil.move(tmp_path / "away", other.root)
    officer.get(page)
    officer.send(f"{page}/elsewhere")
    assert "It is filed in every workspace, and as it stands here." in officer.text
    project_of(other).requests.run()
    officer.get(page)
    assert "Next: Send the answer" in officer.text
    assert "Done here, and not in every workspace" not in officer.get("/").text


def test_who_is_looked_up_is_told_of_each_and_a_part_that_there_is_not_is_refused(desk):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    page = file(officer, OTHER_ALONE)
    officer.get("/people")
    officer.send("/people", id=OTHER_ALONE, why="asks")
    assert f"{OTHER_ALONE} has no row in a model in use, here." in officer.text
    assert "other m1 none 5" in officer.text
    token = officer.page.forms[0]["fields"]["token"]
    for path, said in ((f"{page}/elsewhere/who", {"only": "1"}), (f"{page}/elsewhere/names", {})):
        for workspace in ("7", "x", ""):
            officer.post(path, {"token": token, "workspace": workspace, "why": "meant", **said})
            assert officer.answer.status_code == 422
    assert not list(desk.root.glob("unforeseen-*"))


def test_of_each_workspace_it_opens_the_two_keys_of_the_desk_alone(desk):
    (other,) = desk.joined
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    file(officer, "P4")
    for one in (desk, other):
        for name in WITHHELD:
            (one.root / "keys" / name).unlink()
    process = subprocess.run(
        [*desk.python, "-c", VISITS, desk.root, other.root, TOP / "tests",
         officer.cookies()["desk"]],
        capture_output=True, check=False, text=True, env=os.environ | {"PYTHONPATH": str(TOP)},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr[-2000:]
    told = json.loads(process.stdout)
    assert told["statuses"] == [200] * 5 and told["heavy"] == []
    for one in (desk, other):
        within = str(one.root / "keys")
        keys = {Path(path).name for path in told["opened"] if within in path}
        assert keys == {"desk-lookup", "desk-requests", "public.pem", "pseudonyms.sqlite?mode=ro"}


def test_the_command_serves_several_says_which_is_away_and_keeps_them_in_step(
    desk, tmp_path, monkeypatch
):
    (other,) = desk.joined
    begun, served = [], []
    monkeypatch.setattr(serve_desk, "Thread", lambda *, target, args, daemon: Begun(begun, args))
    monkeypatch.setattr("os.umask", lambda mask: mask)  # of a process, and not of this one
    monkeypatch.setattr("uvicorn.run", lambda application, **options: served.append(options))

    def serve(*roots):
        done = CliRunner().invoke(commands, ["serve", *map(str, roots)], catch_exceptions=False)
        assert done.exit_code == 0
        works, begun[:] = [work for _, work in begun], []
        return done.output, works

    assert len(places_of(desk)) == 1  # it was served before
    shutil.move(other.root, tmp_path / "away")
    said, works = serve(desk.root, other.root)
    assert "The workspace other cannot be reached: there is none where it lay." in said
    assert works == [tell_webhooks, send_mails, keep_up]
    shutil.move(tmp_path / "away", other.root)
    assert "other" not in serve(desk.root, other.root)[0]
    said, works = serve(desk.root)
    assert said == "The desk is at http://127.0.0.1:8484/\n"
    assert works == [tell_webhooks, send_mails] and len(served) == 3
    with pytest.raises(BadInput, match="are one workspace, or a copy of it"):
        serve(desk.root, other.root, other.root)


class Begun:
    """What stands for a thread: it is written down that it began, and with what."""

    def __init__(self, begun, args):
        self.begun, self.args = begun, args

    def start(self):
        self.begun.append(self.args)
