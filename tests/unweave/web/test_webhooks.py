"""Webhooks: what is told, to whom never, and what becomes of it where nobody is there."""

import base64
import hmac
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.api_caller import Caller
from fixtures.desk_users import sign_in_at_once
from fixtures.run_here import run_here
from fixtures.small_desk import SECRETS
from lineage_store.errors import BadInput
from unweave.api.project import Project
from unweave.session.session import Session
from unweave.web.accounts.desk_file import FILE
from unweave.web.accounts.webhooks import FIRST_WAIT
from unweave.web.desk_users import DeskUsers
from unweave.web.operations import webhooks_told
from unweave.web.operations.webhooks_told import tell_webhooks
from unweave.web.process import outgoing
from unweave.web.process.outgoing import Address, NotReached, is_public, post


@contextmanager
def listening(status=204, headers=()):
    """A server on this machine, and what it was sent."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, dict(self.headers), body))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?of=unweave", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def add(desk, url):
    return DeskUsers(Session(root=desk.root)).make_webhook(url, local=True)


def later(desk, seconds):
    return replace(desk, now=lambda: desk.now() + timedelta(seconds=seconds))


def test_what_happens_to_requests_is_told_in_order_signed_and_names_nobody(desk):
    with listening() as (url, got):
        secret = add(desk, url)["secret"]
        assert tell_webhooks(desk) == {"told": 0, "failed": 0}  # what was before is not told
        queue = Project(desk.root).requests
        queue.add(["p13"], requester="Quinn Thirteen", reason="moved away", by="Dora Ost")
        queue.hold("q8", reason="Quinn asked", until="2099-01-01", by="Dora Ost")
        assert tell_webhooks(desk) == {"told": 2, "failed": 0}
        assert tell_webhooks(desk) == {"told": 0, "failed": 0}
    told = [json.loads(body) for _, _, body in got]
    assert [(one["type"], one["data"]["request"]) for one in told] == [
        ("request queued", "q10"), ("request held", "q8")
    ]  # fmt: skip
    assert all(one.keys() == {"type", "timestamp", "data"} for one in told)
    assert all(one["data"].keys() == {"event", "request"} for one in told)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    for path, headers, body in got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        # All but the signature, which has "p2" in it by chance.
        text = str((headers, body)).replace(expected, "")
        assert path == "/hook?of=unweave" and not any(secret in text for secret in SECRETS)
    assert len({headers["webhook-id"] for _, headers, _ in got}) == 2
    kept = (desk.root / FILE).read_bytes()
    assert url.encode() not in kept and key not in kept and secret.encode() not in kept


@pytest.mark.parametrize("status, headers", [(500, ()), (302, (("location", "/elsewhere"),)),
                                             (404, ())])  # fmt: skip
def test_what_was_not_taken_is_told_again_later_and_from_where_it_stopped(desk, status, headers):
    with listening(status, headers) as (url, got):
        add(desk, url)
        Project(desk.root).requests.hold("q8", reason="a", until="2099-01-01")
        assert tell_webhooks(desk) == {"told": 0, "failed": 1} and len(got) == 1
        assert tell_webhooks(desk) == {"told": 0, "failed": 0}  # not yet
        assert tell_webhooks(later(desk, FIRST_WAIT + 1)) == {"told": 0, "failed": 1}
        assert tell_webhooks(later(desk, FIRST_WAIT + 3)) == {"told": 0, "failed": 0}
        assert len({headers["webhook-id"] for _, headers, _ in got}) == 1 and len(got) == 2
        assert {path for path, _, _ in got} == {"/hook?of=unweave"}  # no redirect is followed


def test_nobody_tells_the_same_twice_at_the_same_time(desk, monkeypatch):
    with listening() as (url, got):
        add(desk, url)
        Project(desk.root).requests.hold("q8", reason="a", until="2099-01-01")
        real = post

        def meanwhile(*given):
            assert tell_webhooks(desk) == {"told": 0, "failed": 0}
            real(*given)

        monkeypatch.setattr(webhooks_told, "post", meanwhile)
        assert tell_webhooks(desk) == {"told": 1, "failed": 0}
    assert len(got) == 1


LOCAL = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "ff02::1",
)  # fmt: skip


@pytest.mark.parametrize("address", LOCAL)
def test_an_address_within_is_none_that_is_asked(address):
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_of_four_bytes_is_judged_alike_however_it_is_hidden(address):
    public = is_public(str(address))
    assert is_public(f"::ffff:{address}") is public
    assert public is (address.is_global and not address.is_multicast)


def test_public_addresses_are_asked():
    assert all(map(is_public, ("93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946")))


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://2130706433/",
            "https://0x7f.1/", "https://127.1/"],
)  # fmt: skip
def test_this_machine_is_not_asked_under_any_spelling(url):
    with pytest.raises(NotReached):
        post(Address(url), b"{}", {})


def test_a_name_is_looked_up_once_and_all_of_its_addresses_are_public(monkeypatch):
    """A name that leads elsewhere at the second look (DNS rebinding), or to one within besides."""
    looked, asked = [], []

    def look_up(host, port, **_):
        looked.append(host)
        some = [["8.8.8.8"], ["8.8.8.8", "127.0.0.1"]][len(looked) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in some]

    def connect(to, _):
        asked.append(to)
        raise OSError("not from a test")

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(outgoing.socket, "create_connection", connect)
    for _ in range(2):
        with pytest.raises(NotReached):
            post(Address("https://rebinds.example:8443/"), b"{}", {})
    assert looked == ["rebinds.example"] * 2 and asked == [("8.8.8.8", 8443)]


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/", "ftp://hooks.example/", "file:///etc/passwd", "https://", "hooks",
     "https://a@hooks.example/", "https://hooks.example/#x", "https://hooks.example/\r\nX: y",
     "https://hooks.example/ a", "https://hooks.example:0/", "https://hooks.example:99999/",
     "https://hooks.ex\xe4mple/", "https://hooks.example/" + "x" * 2_000, "https://[::1"],
)  # fmt: skip
def test_an_address_that_will_not_do_is_refused_and_not_repeated(url):
    with pytest.raises(BadInput) as refused:
        Address(url)
    assert "hooks" not in str(refused.value)


def test_by_page_and_program_no_address_within_is_added_and_secrets_are_told_once(desk):
    owner = sign_in_at_once(desk, "Olga Zwei", "owner")
    owner.get("/settings")
    owner.send("/settings/webhooks", url="http://127.0.0.1:8484/")
    assert owner.answer.status_code == 422 and "#url" in owner.page.links
    owner.send("/settings/webhooks", url="https://hooks.example/x")
    secret = "whsec_" + owner.text.partition("whsec_")[2][:44]
    owner.get("/settings")
    assert secret not in owner.text and "https://hooks.example/x" in owner.text
    owner.send("/settings/webhooks/w1/end")
    assert "is told nothing any more" in owner.text
    program = Caller(desk, "owner")
    for body in ({"url": "http://169.254.169.254/"}, {"url": "https://a", "local": True}):
        assert program.send("makeWebhook", body=body).status_code == 422
    assert program.do("listWebhooks") == {"webhooks": []}
    assert Caller(desk, "officer").send("listWebhooks").status_code == 403


def test_the_command_adds_lists_tells_and_ends(desk):
    where = ("--workspace", str(desk.root))

    def told(*arguments):
        status, said, why = run_here("webhook", *arguments, *where, folder=desk.root.parent)
        assert status == 0, why
        return said

    with listening() as (url, got):
        assert "whsec_" in told("add", url, "--local")
        assert told("list") == f"w1: {url}\n"
        Project(desk.root).requests.hold("q8", reason="a", until="2099-01-01")
        assert told("deliver") == "1 told, 0 not reached.\n" and len(got) == 1
    assert "w1 is told nothing any more" in told("end", "w1")
    assert told("list").startswith("There is no webhook")
