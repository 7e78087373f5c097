"""The desk as its command serves it: a process of its own, which logs no address."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import unweave
from lineage_store.errors import BadInput
from unweave.cli import commands
from unweave.demo.at_the_desk import OFFICER
from unweave.session.session import Session
from unweave.web.desk_users import DeskUsers

TOP = Path(unweave.__file__).parents[1]
SECONDS = 60


def command(*arguments):
    done = CliRunner().invoke(commands, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def ask(address, context=None):
    """Ask until somebody answers; return status and text."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except urllib.error.URLError:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_the_command_serves_and_logs_routes_and_never_addresses(desk):
    where = ("--workspace", str(desk.root))
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    added = json.loads(
        command("user", "add", "Dora Ost", "--role", "officer", "--desk", home, "--json", *where)
    )
    assert added["link"] == home + added["path"]
    assert "Dora Ost: officer, has not come in yet" in command("user", "list", *where)
    process = subprocess.Popen(
        [sys.executable, "-m", "unweave", "serve", str(desk.root), "--bind", f"127.0.0.1:{port}"],
        env=os.environ | {"PYTHONPATH": str(TOP)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert ask(f"{home}/healthz") == (200, "well\n")
        status, page = ask(added["link"])
        assert status == 200 and "Welcome, Dora Ost." in page
        assert ask(f"{home}/welcome/{'0' * 64}")[0] == 422
        assert ask(f"{home}/nowhere?id=p3")[0] == 404
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=SECONDS)
    assert f"The desk is at {home}/" in said and "GET /welcome/{link} 200" in said
    assert added["path"].rpartition("/")[2] not in said and "Dora" not in said and "p3" not in said
    assert "Traceback" not in said
    assert "is let in no more" in command("user", "end", "dora ost", *where)
    assert "The desk has no user" in command("user", "list", *where)


DEMO = """
import sys
from pathlib import Path
from unweave.demo.at_the_desk import open_desk
open_desk(Path(sys.argv[1]), place=sys.argv[2])
"""


def test_the_demo_opens_the_desk_and_says_by_which_link_an_officer_comes_in(desk):
    """Also once more, after an earlier time: then by a new link."""
    users, port = DeskUsers(Session(root=desk.root)), free_port()
    earlier = users.add(OFFICER, "officer")["path"]
    process = subprocess.Popen(
        [sys.executable, "-c", DEMO, desk.root, f"127.0.0.1:{port}"],
        env=os.environ | {"PYTHONPATH": str(TOP)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    home = f"http://127.0.0.1:{port}"
    try:
        said = process.stderr.readline()
        link = said.rpartition(home)[2].strip()
        status, page = ask(home + link)
        assert status == 200 and f"Welcome, {OFFICER}." in page
        assert ask(home + earlier)[0] == 422
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)


@pytest.mark.parametrize(
    "arguments, why",
    [
        (("--bind", "0.0.0.0:8484"), "give a certificate with `tls`"),
        (("--trusted-proxy",), "by which name"),
        (("--tls", "cert.pem"), "A certificate goes with its key"),
    ],
)
def test_what_would_not_be_safe_is_refused_before_anything_is_served(desk, arguments, why):
    with pytest.raises(BadInput, match=why):
        CliRunner().invoke(commands, ["serve", str(desk.root), *arguments], catch_exceptions=False)


def test_a_workspace_whose_desk_keys_are_missing_is_told_of_before_anybody_asks(desk):
    (desk.root / "keys" / "desk-lookup").unlink()
    with pytest.raises(BadInput, match="every command that writes makes it"):
        CliRunner().invoke(commands, ["serve", str(desk.root)], catch_exceptions=False)


def certificate(folder):
    """Write a certificate of `localhost` that signs itself, and its key."""
    key = ec.derive_private_key(7, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begun = datetime.now(timezone.utc) - timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begun, begun + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def test_by_tls_it_is_reached_from_elsewhere_and_its_cookie_is_of_this_host_alone(desk, tmp_path):
    certificate(tmp_path)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "unweave", "serve", str(desk.root), "--bind", f"0.0.0.0:{port}",
         "--tls", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem", "--name", "localhost"],
        env=os.environ | {"PYTHONPATH": str(TOP)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    try:
        home = f"https://localhost:{port}"
        assert ask(f"{home}/healthz", trusting) == (200, "well\n")
        with urllib.request.urlopen(f"{home}/sign-in", context=trusting) as answer:
            assert answer.headers["strict-transport-security"].startswith("max-age=")
        other = urllib.request.Request(f"{home}/sign-in", headers={"host": "127.0.0.1"})
        with pytest.raises(urllib.error.HTTPError, match="421"):
            urllib.request.urlopen(other, context=trusting)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
