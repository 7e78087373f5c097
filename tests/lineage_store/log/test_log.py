"""The event log's command line and its proofs: whoever holds an older head catches every change."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.index.database import open_index
from lineage_store.index.signed_log import logging_events, sign_log
from lineage_store.keys.signing import create_signing_key, load_private_key, load_public_key
from lineage_store.log import events, proofs
from lineage_store.log.events import ORIGIN
from lineage_store.workspace.folder import open_workspace, writing
from tests.any_event import AnyEvent
from unweave.cli import commands

EVENTS = 7


def append(workspace, number):
    with logging_events(workspace) as connection:
        made = AnyEvent("model made", {"model": f"m{number}"})
        events.append(connection, made, time=f"2031-01-0{number}")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A workspace with a log of seven events, and the signed head after each, kept elsewhere."""
    root = tmp_path_factory.mktemp("log")
    with writing(root / "ws", create=True) as workspace:
        create_signing_key(path_private=workspace.signing_key, path_public=workspace.public_key)
        for number in range(1, EVENTS + 1):
            append(workspace, number)
            shutil.copy(workspace.head_file, root / f"head-{number}")
    return root


@pytest.fixture
def changed(story, tmp_path):
    """A copy of the workspace whose database owner lets nothing stand in the way."""
    shutil.copytree(story, tmp_path / "copy")
    connection = sqlite3.connect(tmp_path / "copy/ws/unweave.sqlite")
    for trigger in ("events_never_change", "events_never_go"):
        connection.execute(f"DROP TRIGGER {trigger}")
    yield tmp_path / "copy", connection
    connection.close()


def run(root, *arguments):
    done = CliRunner().invoke(commands, ["log", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def signed_anew(root, connection):
    """Rewrite all leaves and sign the head, as one can who owns database and key."""
    rows = connection.execute("SELECT seq, time, kind, body FROM events ORDER BY seq").fetchall()
    connection.execute("DELETE FROM events")
    connection.execute("DELETE FROM event_subtrees")
    for number, (_, time, kind, body) in enumerate(rows, start=1):
        event = {"seq": number, "time": time, "kind": kind, "body": json.loads(body)}
        leaf = events.leaf_of(event).hex()
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)",
                           (number, time, kind, body, leaf))  # fmt: skip
    connection.commit()
    sign_log(open_workspace(root / "ws"))


REWRITES = {
    "rewritten": 'UPDATE events SET body = \'{"model":"m9"}\' WHERE seq = 3',
    "reordered": "UPDATE events SET seq = CASE seq WHEN 2 THEN 30 WHEN 3 THEN 20 ELSE seq END",
    "dropped": "DELETE FROM events WHERE seq = 4",
    "cut short": "DELETE FROM events WHERE seq > 5",
    "dated back": "UPDATE events SET time = '2030-12-31' WHERE seq = 1",
}


@pytest.mark.parametrize("how", REWRITES)
def test_an_owner_who_changes_the_log_is_caught_by_a_head_that_was_kept(changed, how):
    root, connection = changed
    connection.execute(REWRITES[how])
    if how == "reordered":
        connection.execute("UPDATE events SET seq = seq / 10 WHERE seq >= 10")
    connection.commit()
    # Without signing anew, the log does not even agree with itself or its own head.
    with pytest.raises(CheckFailed):
        run(root, "check", "--workspace", root / "ws")
    signed_anew(root, connection)
    # With it, all is well to one who kept no head, and to nobody else.
    assert run(root, "check", "--workspace", root / "ws")[0] == 0
    with pytest.raises(CheckFailed, match="rewritten|removed"):
        run(root, "check", "--workspace", root / "ws", "--head", root / "head-7")
    # Nor is there a proof that today's log continues the head.
    with pytest.raises((CheckFailed, BadInput)):
        run(root, "prove", "--from", root / "head-7", "--out", root / "p", "--workspace",
            root / "ws")  # fmt: skip
    assert not (root / "p").exists()


def test_what_is_appended_is_told_from_what_was_changed(story, tmp_path):
    shutil.copytree(story, tmp_path / "copy")
    workspace = open_workspace(tmp_path / "copy/ws")
    append(workspace, 8)
    for number in range(1, EVENTS + 1):
        status, output = run(tmp_path, "check", "--workspace", workspace.root, "--head",
                             story / f"head-{number}", "--json")  # fmt: skip
        answer = json.loads(output)
        assert (status, answer["size"], answer["held_size"]) == (0, 8, number)
    # A head of more events than there are is of a log that was cut.
    with pytest.raises(CheckFailed, match="removed"):
        run(story, "check", "--workspace", story / "ws", "--head", workspace.head_file)


def test_every_event_is_proved_offline(story, tmp_path):
    key = story / "ws/keys/public.pem"
    for number in range(1, EVENTS + 1):
        proof = tmp_path / f"{number}.json"
        status, output = run(story, "prove", "--event", number, "--out", proof, "--workspace",
                             story / "ws", "--json")  # fmt: skip
        assert status == 0 and json.loads(output)["event"]["body"] == {"model": f"m{number}"}
        status, output = run(story, "check", "--proof", proof, "--public-key", key,
                             "--workspace", tmp_path / "nowhere")  # fmt: skip
        assert status == 0 and f"Event {number} (model made" in output
    for number in (0, 8):
        with pytest.raises(BadInput, match="no event"):
            run(story, "prove", "--event", number, "--out", proof, "--workspace", story / "ws")


def test_today_s_log_is_proved_to_continue_every_older_head(story, tmp_path):
    key = story / "ws/keys/public.pem"
    for number in range(1, EVENTS + 1):
        proof = tmp_path / f"{number}.json"
        run(story, "prove", "--from", story / f"head-{number}", "--out", proof, "--workspace",
            story / "ws")  # fmt: skip
        status, output = run(story, "check", "--proof", proof, "--public-key", key, "--json")
        answer = json.loads(output)
        assert (status, answer["earlier_size"], answer["size"]) == (0, number, EVENTS)


def proofs_of(workspace, story):
    checkpoint = workspace.head_file.read_bytes()
    with closing(open_index(workspace.index_file)) as connection:
        yield proofs.inclusion(connection, 3, checkpoint=checkpoint, size=EVENTS)
        yield proofs.consistency(
            connection,
            earlier=(story / "head-3").read_bytes(),
            old_size=3,
            checkpoint=checkpoint,
            size=EVENTS,
        )


def test_every_changed_byte_of_a_proof_fails(story):
    workspace = open_workspace(story / "ws")
    key = load_public_key(workspace.public_key)
    for proof in proofs_of(workspace, story):
        assert proofs.check_proof(proof, key, origin=ORIGIN).head.size == EVENTS
        for place in range(len(proof)):
            for change in (1, 32):
                other = bytearray(proof)
                other[place] ^= change
                with pytest.raises(CheckFailed):
                    proofs.check_proof(bytes(other), key, origin=ORIGIN)
        for other in (proof + b" ", proof[:-1], b"", b"{}", b"[]", proof.replace(b":", b": ", 1)):
            with pytest.raises(CheckFailed):
                proofs.check_proof(other, key, origin=ORIGIN)


def test_a_proof_of_another_signer_or_another_log_does_not_hold(story, tmp_path):
    workspace = open_workspace(story / "ws")
    create_signing_key(path_private=tmp_path / "private", path_public=tmp_path / "public")
    proof, _ = proofs_of(workspace, story)
    with pytest.raises(CheckFailed, match="not signed by the given key"):
        proofs.check_proof(proof, load_public_key(tmp_path / "public"), origin=ORIGIN)
    with pytest.raises(CheckFailed, match="not a checkpoint"):
        proofs.check_proof(proof, load_public_key(workspace.public_key), origin="other.log")
    # One who signs a head of his own over other events does not fit the path.
    with closing(open_index(workspace.index_file)) as connection:
        forged = events.TreeHead(EVENTS, bytes(32))
        head = events.sign_head(forged, load_private_key(workspace.signing_key), origin=ORIGIN)
        made = proofs.inclusion(connection, 3, checkpoint=head, size=EVENTS)
    with pytest.raises(CheckFailed, match="not in the log"):
        proofs.check_proof(made, load_public_key(workspace.public_key), origin=ORIGIN)


def test_the_head_and_the_events_are_shown(story, tmp_path):
    status, output = run(story, "head", "--workspace", story / "ws", "--out", tmp_path / "head")
    assert status == 0 and output.startswith("7 events, root ")
    assert (tmp_path / "head").read_bytes() == (story / "head-7").read_bytes()
    status, output = run(story, "show", "--workspace", story / "ws")
    assert status == 0 and len(output.splitlines()) == EVENTS
    asked = ("show", "--kind", "request held", "--workspace", story / "ws", "--json")
    assert json.loads(run(story, *asked)[1])["events"] == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["prove", "--out", "p"], BadInput, "Say what to prove"),
        (["prove", "--event", "1", "--from", "x", "--out", "p"], BadInput, "Say what to prove"),
        (["prove", "--from", "nowhere", "--out", "p"], BadInput, "cannot be read"),
        (["prove", "--event", "1", "--out", "nowhere/p"], BadInput, "cannot be written"),
        (["check", "--head", "nowhere"], BadInput, "cannot be read"),
    ],
)
def test_wrong_use_is_told(story, tmp_path, monkeypatch, arguments, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        run(story, *arguments, "--workspace", story / "ws")
    assert not list(tmp_path.iterdir())


def test_a_proof_is_not_checked_without_a_key(story):
    status, output = run(story, "check", "--proof", "p", "--workspace", story / "ws")
    assert status == 2 and "--proof goes with --public-key" in output


def test_a_signed_head_that_is_gone_fails_the_check_in_words(story, tmp_path):
    shutil.copytree(story / "ws", tmp_path / "ws")
    (tmp_path / "ws/log.head").unlink()
    for command in (["check"], ["head"], ["prove", "--event", "1", "--out", tmp_path / "p"]):
        with pytest.raises(CheckFailed, match=r"log\.head, is gone"):
            run(tmp_path, *command, "--workspace", tmp_path / "ws")


@pytest.mark.parametrize(
    "written",
    [
        b"1" * 5000,
        b"[" * 200_000,
        b'{"checkpoint":"\\ud800","event":{},"format":1,"kind":"inclusion","path":[]}\n',
        b'{"checkpoint":"","event":1e400,"format":1,"kind":"inclusion","path":[]}\n',
    ],
)
def test_what_cannot_be_a_proof_does_not_hold(story, written):
    key = load_public_key(story / "ws/keys/public.pem")
    with pytest.raises(CheckFailed, match="does not hold"):
        proofs.check_proof(written, key, origin=ORIGIN)
