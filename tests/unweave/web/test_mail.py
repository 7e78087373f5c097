"""Letters by mail: to whom and by what they go, when they are tried again, what stays of them."""

import logging
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.api_caller import Caller
from fixtures.desk_users import sign_in_at_once
from fixtures.run_here import run_here
from fixtures.small_mail_server import certificate, mail_server, trust
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.api.project import Project
from unweave.session.session import Session
from unweave.web.accounts.desk_file import FILE
from unweave.web.accounts.mail_server import MailServer, is_mail_address
from unweave.web.accounts.waiting_mails import FIRST_WAIT
from unweave.web.desk_users import DeskUsers
from unweave.web.mail import letters_mailed
from unweave.web.mail.letters_mailed import send_mails
from unweave.web.mail.mail_posting import post_mail
from unweave.web.process.outgoing import NotReached

TO = "quinn.two@mail.example"
LOGIN = ("desk", "a pass word")
NOTHING = {"sent": 0, "failed": 0, "refused": 0}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def officer(desk, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser to print letters with
    return sign_in_at_once(desk, "Dora Ost", "officer")


def server_at(port, security="starttls", **more):
    given = {"host": "localhost", "port": port, "sender": "desk@unweave.example", "local": True}
    return MailServer(security=security, **(given | more))


def set_server(desk, *arguments, **more):
    DeskUsers(Session(root=desk.root)).set_mail_server(server_at(*arguments, **more))


def write_and_mail(officer, request, *, answer=False):
    officer.get(f"/requests/{request}")
    officer.send(f"/requests/{request}/pack", **({"to": "Quinn Two"} if answer else {}))
    assert "Send it by mail to" in officer.text
    officer.send(f"/requests/{request}/mail", to=TO)
    assert "It waits to go by mail" in officer.text


def later(desk, seconds):
    return replace(desk, now=lambda: desk.now() + timedelta(seconds=seconds))


def logged(desk):
    with reading_index(desk.session.workspace()) as connection:
        return [(one.kind, dict(one.body)) for one in events.events(connection)]


def left(desk):
    return sorted(one.name for one in desk.outbox.iterdir())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_answer_goes_by_tls_with_its_files_and_is_written_down_as_sent(
    officer, desk, files, monkeypatch, caplog, security
):
    caplog.set_level(logging.DEBUG)
    trust(monkeypatch, files[0])
    with mail_server(files=files, at_once=security == "tls", login=LOGIN) as post:
        set_server(desk, post.port, security, user=LOGIN[0], password=LOGIN[1])
        write_and_mail(officer, "q1", answer=True)
        kept = (desk.root / FILE).read_bytes()
        assert not any(one.encode() in kept for one in (TO, *LOGIN[1:], "unweave.example"))
        assert send_mails(desk) == NOTHING | {"sent": 1}
        assert send_mails(desk) == NOTHING and len(post.mails) == 1
    (sent,), mail = post.mails, post.read()
    assert (sent["from"], sent["to"], sent["tls"]) == ("desk@unweave.example", TO, True)
    assert mail["subject"] == "Your request q1" and mail["message-id"].endswith("@unweave.example>")
    assert "Dear Quinn Two" in mail.get_body().get_content()
    names = [one.get_filename() for one in mail.iter_attachments()]
    assert {"certificate.json", "receipt.json", "verify.html", "public.pem"} <= {*names}
    assert left(desk) == [] and (desk.root / FILE).read_bytes().find(TO.encode()) < 0
    told = [(kind, body["request"]) for kind, body in logged(desk)[-2:]]
    assert told == [("letter mailed", "q1"), ("answer sent", "q1")]
    officer.get("/requests/q1")
    assert "The answer was sent on" in officer.text and "Letter mailed" in officer.text
    assert TO not in caplog.text and TO not in str(logged(desk)) and TO not in officer.text
    # What it says of itself is not the machine's name.
    assert {line for line in post.said if line.startswith("ehlo")} == {"ehlo unweave.example"}


def test_a_letter_of_what_is_open_leaves_the_request_open(officer, desk, files, monkeypatch):
    trust(monkeypatch, files[0])
    with mail_server(files=files) as post:
        set_server(desk, post.port)
        officer.get("/requests/q3")
        officer.send("/requests/q3/pack", language="de")
        officer.send("/requests/q3/mail", to=TO)
        assert send_mails(desk) == NOTHING | {"sent": 1}
    assert post.read()["subject"] == "Ihre Anfrage q3" and left(desk) == []
    assert "answer sent" not in {kind for kind, _ in logged(desk)}
    assert officer.get("/requests/q3").status_code == 200 and "Ready to run" in (
        officer.get("/").text
    )


def test_what_is_not_taken_is_tried_again_later_as_the_same_mail(officer, desk, files, monkeypatch):
    trust(monkeypatch, files[0])
    answers, ids, at = {}, [], 0
    with mail_server(files=files, login=LOGIN, answers=answers) as post:
        set_server(desk, post.port, user=LOGIN[0], password=LOGIN[1])
        write_and_mail(officer, "q3")
        monkeypatch.setattr(letters_mailed, "mail_of", _noting(letters_mailed.mail_of, ids))
        for times, (word, said) in enumerate(
            (("RCPT", "450 later"), ("MAIL", "421 busy"), ("DATA", "451 no"), ("AUTH", "535 no"))
        ):
            answers.clear()
            answers[word] = said
            assert send_mails(later(desk, at)) == NOTHING | {"failed": 1}, word
            assert send_mails(later(desk, at + FIRST_WAIT - 5)) == NOTHING, word  # not yet
            at += (FIRST_WAIT << times) + 5
        officer.get("/requests/q3")
        assert "it was not taken 4 times so far, and is tried again" in officer.text
        answers.clear()
        assert post.mails == []
        assert send_mails(later(desk, at)) == NOTHING | {"sent": 1}
        assert len(ids) == 5 and len({*ids}) == 1 and len(post.mails) == 1


def _noting(real, ids):
    def mail_of(files, *, message_id, **more):
        ids.append(message_id)
        return real(files, message_id=message_id, **more)

    return mail_of


def test_what_will_never_be_taken_is_told_and_not_tried_again(officer, desk, files, monkeypatch):
    trust(monkeypatch, files[0])
    answers = {"RCPT": "550 no such user"}
    with mail_server(files=files, answers=answers) as post:
        set_server(desk, post.port)
        write_and_mail(officer, "q3")
        assert send_mails(desk) == NOTHING | {"refused": 1}
        assert send_mails(later(desk, 10**6)) == NOTHING and post.mails == []
        officer.get("/requests/q3")
        assert "refused to take it" in officer.text and left(desk) == ["q3"]
        answers.clear()
        answers["DATA"] = "554 spam"
        officer.send("/requests/q3/mail", to="other@mail.example")  # another may be given
        assert send_mails(desk) == NOTHING | {"refused": 1} and post.mails == []
    assert "letter mailed" not in {kind for kind, _ in logged(desk)}
    officer.get("/requests/q3")
    officer.send("/requests/q3/mail/end")
    assert "It does not go by mail." in officer.text and left(desk) == ["q3"]


def test_a_server_that_has_no_tls_or_not_its_own_name_is_told_nothing(
    officer, desk, files, monkeypatch, tmp_path
):
    other = certificate(tmp_path, "elsewhere.example")
    for served, trusted in (({}, files), ({"files": other}, other), ({"files": files}, other)):
        trust(monkeypatch, trusted[0])
        with mail_server(**served) as post:
            server = server_at(post.port, user=LOGIN[0], password=LOGIN[1])
            with pytest.raises(NotReached):
                post_mail(server, b"Subject: x\r\n\r\nx", to=TO)
        said = [line.partition(" ")[0] for line in post.said]
        assert not {"MAIL", "RCPT", "AUTH", "DATA"} & {*said} and TO not in str(post.said)


def test_in_clear_it_goes_to_this_machine_alone_and_inwards_by_the_command_alone(desk, monkeypatch):
    with pytest.raises(BadInput, match="this machine alone"):
        server_at(25, "none", host="mail.example")
    with pytest.raises(BadInput, match="this machine alone"):
        server_at(25, "none", local=False)
    with pytest.raises(BadInput, match="in clear"):
        server_at(25, "none", user="a", password="b")
    with mail_server() as post:
        post_mail(server_at(post.port, "none"), b"Subject: x\r\n\r\n.x\r\n", to=TO)
        assert post.mails[0]["data"].endswith(b".x\r\n") and not post.mails[0]["tls"]
        # A name that leads within is not asked where nobody said that it may.
        with pytest.raises(NotReached, match="network of its own"):
            post_mail(replace(server_at(post.port), local=False), b"", to=TO)
        assert len(post.mails) == 1
    owner = Caller(desk, "owner")
    body = {"host": "mail.example", "port": "25", "security": "none", "sender": "a@b.example"}
    assert owner.send("setMailServer", body=body).status_code == 422
    for wrong in ({"host": "a b"}, {"port": "0"}, {"port": "70000"}, {"sender": "a@b\r\nBcc: c"},
                  {"user": "only"}, {"host": "h\r\nx"}, {"password": "only"}):  # fmt: skip
        given = {**body, "security": "tls", **wrong}
        assert owner.send("setMailServer", body=given).status_code == 422, wrong
    assert owner.do("showMailServer")["host"] is None


@pytest.mark.parametrize(
    "address", ["", "a", "@b.example", "a@", "a@b@c", "a b@c.example", "a@b..c", ".a@b", "a.@b",
                "a..b@c", "a@-b", "a@b\r\nBcc: c@d", "<a@b>", '"a"@b', "a@[127.0.0.1]",
                "ä@b.example", "a@b.example,c@d.example", "a@" + "b." * 126 + "cc"],
)  # fmt: skip
def test_what_is_no_one_address_is_refused_and_not_repeated(officer, desk, address):
    assert not is_mail_address(address)
    (desk.outbox / "q3").mkdir(parents=True)
    (desk.outbox / "q3" / "letter.txt").write_text("x")
    if address:
        body = {"to": address}
        answer = Caller(desk, "officer").send("mailAnswer", request="q3", body=body)
        assert answer.status_code == 422 and address not in answer.json()["detail"].split()


@given(st.emails(domains=st.just("mail.example")))
def test_addresses_as_people_have_them_are_taken(address):
    assert is_mail_address(address)


def test_what_became_another_meanwhile_is_not_sent(officer, desk, files, monkeypatch):
    """Taken back, written anew, or said to be sent: nobody said that this is to go."""
    trust(monkeypatch, files[0])
    with mail_server(files=files) as post:
        set_server(desk, post.port)
        write_and_mail(officer, "q3")
        Project(desk.root).requests.cancel("q3")  # by the command line, which has no outbox
        assert send_mails(desk) == NOTHING
        write_and_mail(officer, "q8")
        officer.send("/requests/q8/pack")
        assert send_mails(desk) == NOTHING
        write_and_mail(officer, "q7")
        officer.send("/requests/q7/sent")
        assert send_mails(desk) == NOTHING
        write_and_mail(officer, "q9")
        shutil.rmtree(desk.outbox / "q9")  # as a run does
        assert send_mails(desk) == NOTHING and post.said == []


def test_a_letter_that_is_written_while_another_is_on_its_way_stays(
    officer, desk, files, monkeypatch
):
    trust(monkeypatch, files[0])
    with mail_server(files=files) as post:
        set_server(desk, post.port)
        write_and_mail(officer, "q3")
        real = post_mail

        def meanwhile(*given, **more):
            assert send_mails(desk) == NOTHING  # nobody sends the same at the same time
            real(*given, **more)
            officer.get("/requests/q3")
            officer.send("/requests/q3/pack", language="de")

        monkeypatch.setattr(letters_mailed, "post_mail", meanwhile)
        assert send_mails(desk) == NOTHING | {"sent": 1} and len(post.mails) == 1
    assert "Ihre" in (desk.outbox / "q3" / "letter.txt").read_text()


def test_by_page_and_program_a_server_is_set_and_its_password_told_nowhere(desk, officer):
    owner = sign_in_at_once(desk, "Olga Zwei", "owner")
    owner.get("/settings/mail")
    given = {"host": "mail.example", "port": "465", "security": "tls", "sender": "d@a.example"}
    owner.send("/settings/mail", **given | {"host": "a b"})
    assert owner.answer.status_code == 422 and "#host" in owner.page.links
    owner.send("/settings/mail", **given, user="desk", password=LOGIN[1])
    assert "Letters can be sent by this server" in owner.text and LOGIN[1] not in owner.answer.text
    program = Caller(desk, "owner")
    assert program.do("showMailServer") == given | {"port": 465, "user": "desk"}
    owner.send("/settings/mail/end")
    assert "No letter goes by mail" in owner.text
    assert program.do("setMailServer", body=given)["host"] == "mail.example"
    assert program.do("endMailServer")["host"] is None
    assert program.send("endMailServer").status_code == 404
    caller = Caller(desk, "officer")
    officer.get("/requests/q3")
    officer.send("/requests/q3/pack")
    assert "Send it by mail to" not in officer.text  # there is no server
    assert caller.send("mailAnswer", request="q3", body={"to": TO}).status_code == 422
    assert program.do("setMailServer", body=given)
    assert caller.do("mailAnswer", request="q3", body={"to": TO})["mail"] == "waits"
    assert caller.do("endMail", request="q3")["mail"] is None
    assert caller.send("endMail", request="q3").status_code == 404
    settings = [body["setting"] for kind, body in logged(desk) if kind == "setting changed"]
    assert settings == ["mail server"] * 5


def test_the_command_sets_shows_delivers_and_ends(desk, officer, files, monkeypatch, tmp_path):
    trust(monkeypatch, files[0])
    secret = tmp_path / "password"
    secret.write_text(LOGIN[1] + "\n")

    def told(*arguments):
        where = ("--workspace", str(desk.root))
        status, said, why = run_here("mail", *arguments, *where, folder=desk.root.parent)
        assert status == 0, why
        return said

    with mail_server(files=files, login=LOGIN) as post:
        said = told("set", "localhost", "--port", str(post.port), "--sender", "d@a.example",
                    "--user", LOGIN[0], "--password-file", str(secret), "--local")  # fmt: skip
        assert said == f"Letters go from d@a.example by localhost:{post.port}, as desk.\n"
        assert told("show") == said
        write_and_mail(officer, "q3")
        assert told("deliver") == "1 sent, 0 not taken yet, 0 refused.\n" and len(post.mails) == 1
    assert told("end").startswith("No letter goes by mail")
