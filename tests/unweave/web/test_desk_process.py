"""The process of the desk: which keys it opens, and what it does not import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import unweave
from fixtures.api_caller import Caller
from fixtures.desk_users import sign_in_at_once
from fixtures.small_desk import WITHHELD, withhold
from lineage_store.errors import BadInput
from lineage_store.index import events_to_be_signed, reading_index
from lineage_store.log import events
from lineage_store.workspace import open_for_the_desk
from unweave.web.process.matrix import MATRIX

TOP = Path(unweave.__file__).parents[1]
# Serves every page of a workspace to who has the cookie, and tells what it opened and imported.
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
desk = Desk(root=Path(sys.argv[1]), binding=bind("127.0.0.1:8484"))
served = application(desk)
heavy = {"tensorflow", "tfx", "apache_beam", "ml_metadata", "pandas", "keras"} & {*sys.modules}
sys.path.insert(0, sys.argv[2])
from fixtures.script_free import ScriptFree
browser = ScriptFree(served, desk.binding.home)
browser._client.cookies.set("desk", sys.argv[3], domain="127.0.0.1")
statuses = {path: browser.get(path, authorization="Bearer " + sys.argv[5]).status_code
            for path in json.loads(sys.argv[4])}
browser.get("/requests/q3")
statuses["names"] = browser.send("/requests/q3/names", why="answer").status_code
assert "Quinn Two" in browser.text and "moved away" in browser.text
heavy |= {"tensorflow", "tfx", "apache_beam", "ml_metadata", "keras"} & {*sys.modules}
print(json.dumps({"statuses": statuses, "opened": opened, "heavy": sorted(heavy)}))
"""


def test_it_serves_every_page_by_two_keys_alone_and_without_tensorflow(desk):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    program = Caller(desk, "officer")
    withhold(desk)  # what it must never open is not there
    places = {
        "model": "m2",
        "deletion": "r1",
        "link": "0",
        "part": "0",
        "node": "m2",
        "other": "q1",
    }
    paths = sorted(
        {
            rule.path.format(**places, request=f"q{number}")
            for rule in MATRIX
            if rule.method == "GET" and "officer" in (rule.roles or {"officer"})
            for number in range(1, 10)
        }
    )
    process = subprocess.run(
        [sys.executable, "-c", VISITS, desk.root, TOP / "tests", officer.cookies()["desk"],
         json.dumps(paths), program.secret],
        capture_output=True, check=False, text=True, env=os.environ | {"PYTHONPATH": str(TOP)},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr[-2000:]
    told = json.loads(process.stdout)
    expected = dict.fromkeys(paths, 200) | {
        "/welcome/0": 422, "/own/0": 422, "/own": 422, "/own-file": 422, "names": 200
    }  # fmt: skip
    assert told["statuses"] == expected and told["heavy"] == []
    within = str(desk.root / "keys")
    keys = {Path(one).name for one in told["opened"] if within in one}
    assert {"desk-lookup", "desk-requests", "public.pem"} <= keys
    assert not keys & {*WITHHELD}
    assert keys - {"r1.json"} == {
        "desk-lookup", "desk-requests", "public.pem", "pseudonyms.sqlite?mode=ro"
    }  # fmt: skip
    assert not list(desk.root.glob("unforeseen-*"))


def test_what_the_desk_logs_the_next_command_signs(desk):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    workspace = open_for_the_desk(desk.root)
    head = workspace.head_file.read_bytes()
    officer.get("/requests/q3")
    officer.send("/requests/q3/names", why="identity")
    with reading_index(workspace) as connection:
        last = list(events.events(connection))[-1]
    assert (last.kind, last.body["request"], last.body["because"]) == (
        "names shown",
        "q3",
        "identity",
    )
    assert workspace.head_file.read_bytes() == head
    assert "the next command signs the other 1" in officer.get("/audit").text
    officer.get("/requests/q8")
    officer.send("/requests/q8/release")  # a command
    assert "The hold has ended." in officer.text
    assert "covers all of them" in officer.get("/audit").text
    assert "Names shown, by Dora Ost" in officer.get("/requests/q3").text


def test_nothing_is_shown_of_whom_no_event_says_that_they_were_read(desk, monkeypatch):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    officer.get("/requests/q3")
    monkeypatch.setattr(events, "append", lambda *_, **__: (_ for _ in ()).throw(OSError("full")))
    officer.send("/requests/q3/names", why="answer")
    assert officer.answer.status_code == 500 and "Quinn" not in officer.answer.text
    monkeypatch.undo()
    officer.get("/requests/q3")
    officer.send("/requests/q3/names", why="")
    assert officer.answer.status_code == 422 and "Say why you read the names." in officer.text
    assert "Quinn" not in officer.answer.text


@pytest.mark.parametrize("name", ["row", "placement", "manifest"])
def test_a_key_that_the_desk_has_not_is_refused_and_not_guessed(desk, name):
    keys = open_for_the_desk(desk.root).keys()
    with pytest.raises(BadInput, match="does not hold the key"):
        getattr(keys, name)
    with pytest.raises(AttributeError):
        keys.anything_else  # noqa: B018
    for name in ("lookup", "requests", "pseudonyms", "key_id"):
        assert getattr(keys, name)


def test_a_key_of_the_desk_is_private_whole_and_there(desk):
    workspace, key = open_for_the_desk(desk.root), desk.root / "keys" / "desk-requests"
    whole = key.read_bytes()
    key.chmod(0o640)
    with pytest.raises(BadInput, match="can be read by others"):
        workspace.keys()
    key.chmod(0o600)
    key.write_bytes(whole[:-1])
    with pytest.raises(BadInput, match="is damaged"):
        workspace.keys()
    key.unlink()
    with pytest.raises(BadInput, match="every command that writes makes it"):
        workspace.keys()


def test_an_event_of_the_desk_is_there_whole_or_not_at_all(desk):
    workspace = open_for_the_desk(desk.root)
    with reading_index(workspace) as connection:
        before = events.head(connection)
    with pytest.raises(RuntimeError), events_to_be_signed(workspace) as connection:
        connection.execute("DELETE FROM staff")
        raise RuntimeError
    with reading_index(workspace) as connection:
        assert events.head(connection) == before
        assert connection.execute("SELECT count(*) FROM staff").fetchone()[0]
