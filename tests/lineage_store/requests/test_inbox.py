"""The inbox: whose files are believed, and what becomes of those that are not."""

import json
import os
import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from lineage_store.keys.signing import create_signing_key, to_base64
from lineage_store.requests.inbox import Accepted, Refused, look_through
from lineage_store.requests.policy import Policy, Sender, load_policy
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.options.policy import changed_policy

ME = os.getuid()
ANN, BEN = "annegret.mueller@example.org", "benedikt.oberhuber@example.org"
MINE = Policy(senders=(Sender(uid=ME),))


@pytest.fixture
def key(tmp_path):
    """A key whose public half lies in a file."""
    return create_signing_key(
        path_private=tmp_path / "private.pem", path_public=tmp_path / "public.pem"
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture(scope="module")
def original(tmp_path_factory, write_csv):
    """A workspace with one model; never written to after this."""
    root = tmp_path_factory.mktemp("original") / "workspace"
    rows = [[str(n), (ANN, BEN, "c", "d")[n % 4], str(n % 7), "xy"[n % 2]] for n in range(80)]
    Project(root, backend=DirectBackend()).train(
        write_csv([["row", "who", "size", "label"], *rows]),
        label="label", subject="who", row_id="row", model_family="naive-bayes",
    )  # fmt: skip
    return root


@pytest.fixture
def project(original, tmp_path):
    shutil.copytree(original, tmp_path / "workspace")
    return Project(tmp_path / "workspace", backend=DirectBackend())


def put(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def one(folder, policy):
    """What becomes of the only file."""
    (found,) = look_through(folder, policy)
    return found


def test_a_file_of_an_accepted_user_is_believed_and_nobody_elses_is(folder):
    put(folder / "a.csv", f"subject\n{ANN}\n")
    assert isinstance(one(folder, MINE), Accepted)
    for policy in (Policy(), Policy(senders=(Sender(uid=ME + 1),))):
        refused = one(folder, policy)
        assert isinstance(refused, Refused) and "neither signed nor owned" in refused.why


def test_a_file_that_others_could_have_written_is_refused(folder):
    put(folder / "a.csv", f"subject\n{ANN}\n").chmod(0o620)
    assert "chmod go-w" in one(folder, MINE).why


@pytest.mark.parametrize("spelling", ["raw", "base64"])
def test_a_signed_file_is_believed_whoever_owns_it(folder, key, tmp_path, spelling):
    policy = changed_policy(
        Policy(), approve_above=None, no_approval=False, deadline_days=None, regime=None, owners=[],
        key_files=[tmp_path / "public.pem"], proposes=False, accept_nobody=False,
    )  # fmt: skip
    path = put(folder / "a.json", json.dumps({"subjects": [ANN]}))
    signature = key.sign(path.read_bytes())
    written = signature if spelling == "raw" else to_base64(signature).encode() + b"\n"
    (folder / "a.json.sig").write_bytes(written)
    assert one(folder, policy).entries[0].ids == (ANN,)
    path.write_text(json.dumps({"subjects": [BEN]}))
    assert "none of an accepted key" in one(folder, policy).why
    path.write_text(json.dumps({"subjects": [ANN]}))
    (folder / "a.json.sig").write_bytes(Ed25519PrivateKey.generate().sign(path.read_bytes()))
    assert "none of an accepted key" in one(folder, policy).why
    (folder / "a.json.sig").write_bytes(b"x")
    assert "none of an accepted key" in one(folder, policy).why


def test_a_signature_that_does_not_hold_is_not_made_good_by_the_owner(folder):
    put(folder / "a.csv", f"subject\n{ANN}\n")
    (folder / "a.csv.sig").write_bytes(bytes(64))
    assert "none of an accepted key" in one(folder, MINE).why


def test_links_folders_and_devices_are_refused(folder, tmp_path):
    elsewhere = put(tmp_path / "elsewhere.csv", f"subject\n{ANN}\n")
    (folder / "a-link.csv").symlink_to(elsewhere)
    os.link(elsewhere, folder / "b-hard.csv")
    (folder / "c-folder.csv").mkdir()
    os.mkfifo(folder / "d-pipe.csv")
    found = list(look_through(folder, MINE))
    assert len(found) == 4 and all(isinstance(file, Refused) for file in found)


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("a.json", '{"subjects": ["p015"], "subjects": ["p016"]}', "has a field twice"),
        (
            "a.json",
            '[{"rows": ["1"]}, {"rows": ["2"], "reason": "", "rows": ["3"]}]',
            "field twice",
        ),
        ("a.json", '{"subjects": [{"x": 1, "x": 2}]}', "has a field twice"),
        ("a.csv", "subject,subject\np017,p018\n", "names a column twice"),
        ("a.csv", "subject, reason,reason \np017,a,b\n", "names a column twice"),
        ("a.csv", "subject,,\np017,,\n", "names a column twice"),
        ("a.csv", "", "asks for nothing"),
        ("a.csv", f"subject,reason\n{ANN}\n", "Line 2 has not as many fields"),
        (
            "a.csv",
            f"subject,shoe size\n{ANN},44\n",
            "a column that no request has, number 2",
        ),
        ("a.csv", f"subject,row\n{ANN},4\n", "Line 2 names neither subjects nor rows, or both"),
        ("a.csv", "subject,reason\n,x\n", "Line 2 names neither"),
        ("a.csv", f'subject\n"{ANN}\n', "quotes are open"),
        ("a.json", "{", "is no JSON"),
        ("a.json", "[1]", "Request 1 is no object"),
        ("a.json", json.dumps([{"subjects": [ANN]}, {"subjects": "x"}]), "Request 2 names neither"),
        ("a.json", json.dumps({"subjects": [ANN, 4]}), "Request 1 has an id that is empty or no"),
        ("a.json", json.dumps({"rows": ["4"], "reason": [ANN]}), "has a field that is no text"),
        ("a.txt", ANN, "neither a .csv nor a .json"),
    ],
)
def test_a_file_that_is_wrong_is_refused_without_saying_whom_it_names(folder, name, text, words):
    put(folder / name, text)
    refused = one(folder, MINE)
    assert isinstance(refused, Refused) and words in refused.why
    assert ANN not in refused.why


@given(
    name=st.sampled_from(["a.csv", "a.json"]),
    data=st.one_of(
        st.binary(max_size=60),
        st.text(alphabet='subject,row"\n[]{}:x5', max_size=60).map(str.encode),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["subjects", "rows", "reason"]), inner, max_size=3
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
@example(name="a.json", data=b'{"rows": []}')
def test_whatever_a_file_holds_it_is_accepted_or_refused(new_folder, name, data):
    folder = new_folder()
    (folder / name).write_bytes(data)
    (folder / name).chmod(0o600)
    found = one(folder, MINE)
    if isinstance(found, Accepted):
        assert found.entries and all(entry.ids and all(entry.ids) for entry in found.entries)
    else:
        assert found.why


def test_a_json_file_with_half_a_sign_is_refused(project, folder):
    project.requests.set_policy(MINE)
    for fields in ({"subjects": ["\ud800"]}, {"subjects": [ANN], "reason": "\ud800"}):
        put(folder / "a.json", json.dumps(fields))
        (refused,) = project.requests.inbox(folder)["refused"]
        assert "not text in UTF-8" in refused["why"]
    assert project.requests.list(ended=True)["requests"] == []


def test_what_is_accepted_is_queued_and_removed_and_the_rest_stays(project, folder):
    project.requests.set_policy(MINE)
    put(folder / "a.csv", f"subject,reason,deadline\n{ANN},letter,2999-01-01\n{BEN},call,\n")
    put(folder / "b.json", json.dumps([{"rows": ["5", "6"], "requester": "Dora"}]))
    put(folder / "c.csv", f"subject,guarantee\nc,exact\n{BEN},hopeful\n")
    put(folder / ".hidden", ANN)
    answer = project.requests.inbox(folder)
    assert answer["accepted"] == [
        {"file": "a.csv", "requests": [{"request": "q1", "duplicate": False},
                                       {"request": "q2", "duplicate": False}]},
        {"file": "b.json", "requests": [{"request": "q3", "duplicate": False}]},
    ]  # fmt: skip
    (refused,) = answer["refused"]
    assert refused["file"] == "c.csv" and refused["why"].startswith("Request 2: ")
    assert BEN not in refused["why"]
    assert sorted(path.name for path in folder.iterdir()) == [".hidden", "c.csv"]
    shown = project.requests.show("q1")
    assert (shown["named"], shown["reason"], shown["deadline"]) == ([ANN], "letter", "2999-01-01")
    assert project.requests.show("q3")["named"] == ["5", "6"]
    assert project.requests.show("q3")["added_by"] == f"user {ME}"


def test_a_file_that_is_dropped_again_asks_for_nothing_new(project, folder):
    project.requests.set_policy(MINE)
    for duplicate in (False, True):
        put(folder / "a.csv", f"subject\n{ANN}\n")
        answer = project.requests.inbox(folder)
        assert answer["accepted"][0]["requests"] == [{"request": "q1", "duplicate": duplicate}]


def test_a_detector_only_proposes(project, folder):
    project.requests.set_policy(Policy(senders=(Sender(uid=ME, proposes=True),)))
    put(folder / "a.csv", f"subject\n{ANN}\n")
    project.requests.inbox(folder)
    assert project.requests.show("q1")["state"] == "proposal"
    assert project.requests.run()["runs"] == []


def test_the_policy_is_kept_and_a_sender_named_again_is_replaced(project, tmp_path):
    options = {
        "approve_above": None, "no_approval": False, "deadline_days": None, "regime": None,
        "owners": [], "key_files": [], "proposes": False, "accept_nobody": False,
    }  # fmt: skip
    policy = changed_policy(Policy(), **options | {"owners": [str(ME)], "approve_above": 3})
    policy = changed_policy(policy, **options | {"owners": [str(ME)], "proposes": True})
    assert policy == Policy(approve_above=3, senders=(Sender(uid=ME, proposes=True),))
    project.requests.set_policy(policy)
    workspace = open_workspace(tmp_path / "workspace")
    assert load_policy(workspace) == policy
    assert (workspace.root / "policy.json").stat().st_mode & 0o777 == 0o600
    assert changed_policy(policy, **options | {"accept_nobody": True}).senders == ()
    for wrong in ({"proposes": True}, {"owners": ["no such user"]}):
        with pytest.raises(BadInput):
            changed_policy(policy, **options | wrong)
    (workspace.root / "policy.json").write_text("[]")
    with pytest.raises(BadInput, match="is no policy"):
        load_policy(workspace)
