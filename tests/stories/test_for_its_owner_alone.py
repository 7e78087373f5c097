"""A workspace is for its owner alone, and who may only read it can still ask."""

import csv
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.keys.secret import derive
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project

TOP = Path(__file__).parents[2]
OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 2}
NOBODY = 65534


def project_in(root):
    return Project(root, backend=DirectBackend())


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A workspace in which one person was forgotten; never written to after this."""
    here = tmp_path_factory.mktemp("owner")
    draw = random.Random(9)
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "town", "size", "label"])
        for number in range(80):
            size = draw.randrange(9)
            out.writerow([f"p{number % 16}", draw.choice("ABC"), size, "xy"[size > 4]])
    before = os.umask(0o022)  # whatever the user's is
    try:
        project = project_in(here / "workspace")
        project.train(here / "people.csv", **OPTIONS)
        project.forget(["p3"])
    finally:
        os.umask(before)
    return here / "workspace"


@pytest.fixture
def workspace(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "workspace"))


def loose(root):
    """What others than the owner may do anything with, the public key excepted."""
    return [
        str(path.relative_to(root.parent))
        for path in (root, *root.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and path.name != "public.pem"
    ]


def test_all_files_and_folders_are_for_the_owner_alone(original):
    assert loose(original) == []


def test_the_users_umask_is_as_it_was(original, workspace):
    before = os.umask(0o027)
    project_in(workspace).forget(["p5"])
    assert os.umask(before) == 0o027


def test_loose_modes_are_told_and_closed(workspace):
    workspace.chmod(0o755)
    (workspace / "keys" / "pseudonyms.sqlite").chmod(0o644)
    project = project_in(workspace)
    differences = [(one["where"], one["repaired"]) for one in project.doctor()["differences"]]
    assert differences == [("the workspace's folder", False), ("keys/pseudonyms.sqlite", False)]
    assert {one["part"] for one in project.audit()["findings"]} == {"records"}
    assert project.doctor(repair=True)["ok"]
    assert loose(workspace) == [] and project.audit()["ok"]


def test_a_command_that_writes_closes_the_folder(workspace):
    workspace.chmod(0o755)
    project_in(workspace).forget(["p5"])
    assert loose(workspace) == []


def keys_in(file):
    with closing(sqlite3.connect(file)) as connection:
        return dict(connection.execute("SELECT lookup, key FROM keys").fetchall())


def test_keys_of_pseudonyms_are_sealed_and_those_of_an_earlier_unweave_are_taken_over(workspace):
    file, older = workspace / "keys" / "pseudonyms.sqlite", workspace / "pseudonyms.sqlite"
    keys = derive((workspace / "keys" / "secret").read_bytes())
    sealed = keys_in(file)
    assert {len(key) for key in sealed.values()} == {12 + 32 + 16}
    with closing(Pseudonyms(file, keys, to_read=True)) as pseudonyms:
        known = pseudonyms.find("p5")
        plain = {lookup: pseudonyms._opened(lookup, key) for lookup, key in sealed.items()}
    file.rename(older)
    with closing(sqlite3.connect(older)) as connection, connection:
        connection.executemany(
            "UPDATE keys SET key = ? WHERE lookup = ?", [(key, one) for one, key in plain.items()]
        )
    assert open_workspace(workspace).pseudonym_file == older
    assert project_in(workspace).trace_subject("p5")["pseudonym"] == known.hex()
    assert older.exists()  # a question changes nothing
    project_in(workspace).forget(["p7"])
    assert not older.exists()
    assert {len(key) for key in keys_in(file).values()} == {12 + 32 + 16}
    assert not any(key in file.read_bytes() for key in plain.values())
    assert project_in(workspace).trace_subject("p5")["pseudonym"] == known.hex()


def test_another_secret_opens_no_key(workspace):
    file = workspace / "keys" / "pseudonyms.sqlite"
    keys = derive((workspace / "keys" / "secret").read_bytes())
    with closing(Pseudonyms(file, keys, to_read=True)) as pseudonyms:
        assert pseudonyms.find("p5") is not None
    with closing(Pseudonyms(file, derive(bytes(32)), to_read=True)) as pseudonyms:
        assert pseudonyms.find("p5") is None


QUESTIONS = [
    ["models"], ["status"], ["trace", "subject", "p5"], ["trace", "model", "m2"],
    ["query", "free", "m2"], ["query", "subjects", "m2"], ["log", "check"], ["log", "show"],
    ["request", "list"], ["audit"], ["audit", "--replay", "2"], ["doctor"],
]  # fmt: skip
WRITES = [["request", "add", "p5"], ["forget", "p5"], ["run-requests"]]

ASKED = """
import contextlib, io, json, os, sys
from unweave.cli import main

root = sys.argv[1]
told = {}
for words in json.loads(sys.stdin.read()):
    caught = io.StringIO()
    sys.argv = ["unweave", *words, "--workspace", root, "--json"]
    with contextlib.redirect_stdout(caught):
        try:
            main()
            status = 0
        except SystemExit as error:
            status = error.code or 0
    told[" ".join(words)] = [status, caught.getvalue()]
print(json.dumps(told))
"""


def asked(root, commands):
    """Ask as somebody who may read the workspace and not write it."""
    done = subprocess.run(
        [sys.executable, "-c", ASKED, root],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TOP)},
        preexec_fn=_without_rights,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def _without_rights():
    """Have no rights but those of modes, also as root."""
    if os.getuid() == 0:
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            assert libc.prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


@pytest.fixture
def read_only(workspace):
    paths = [workspace, *workspace.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    yield workspace
    for path in paths:
        path.chmod(path.stat().st_mode | 0o200)


def test_who_may_only_read_can_ask_and_is_told_what_cannot_be_done(read_only):
    files = {path: path.stat().st_mtime_ns for path in read_only.rglob("*")}
    answers = asked(read_only, QUESTIONS + WRITES)
    statuses = {words: status for words, (status, _) in answers.items()}
    written = {" ".join(words) for words in WRITES}
    assert {words: s for words, s in statuses.items() if words not in written and s} == {}
    assert {statuses[words] for words in written} == {2}
    for words in written:
        assert '"ok": false' in answers[words][1], answers[words]
    assert {path: path.stat().st_mtime_ns for path in read_only.rglob("*")} == files
