"""What an owner sets at the desk: users, rules, the controller, templates of letters."""

import pytest

from fixtures.api_caller import Caller
from fixtures.desk_users import sign_in_at_once
from fixtures.script_free import ScriptFree
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.log import events
from lineage_store.requests import Policy, Sender
from unweave.api.project import Project
from unweave.letters.own_templates import OwnTemplates
from unweave.web.application import application

HOME = "http://127.0.0.1:8484"


@pytest.fixture
def owner(desk):
    return sign_in_at_once(desk, "Olga Zwei", "owner")


def logged(desk, kind):
    with reading_index(desk.session.workspace()) as connection:
        return [dict(one.body) for one in events.events(connection) if one.kind == kind]


def test_an_owner_adds_invites_and_ends_users_and_each_is_an_event(desk, owner):
    owner.get("/settings/users")
    owner.send("/settings/users", name="", role="officer")
    assert owner.answer.status_code == 422 and "#name" in owner.page.links
    owner.send("/settings/users", name="Nora Neu", role="officer")
    first = owner.text.partition(f"{HOME}/welcome/")[2][:64]
    new = ScriptFree(application(desk), desk.binding.home)
    assert "Nora Neu" in new.get(f"/welcome/{first}").text
    owner.send("/settings/users", name="nora  NEU", role="auditor")
    assert "There is a user of that name" in owner.text
    owner.get("/settings/users")
    assert first not in owner.answer.text and "a link that was not used yet" in owner.text
    token = owner.page.forms[0]["fields"]["token"]
    owner.post("/settings/users/invite", {"token": token, "user": "Nora Neu"})
    second = owner.text.partition(f"{HOME}/welcome/")[2][:64]
    assert second != first and new.get(f"/welcome/{first}").status_code != 200
    signed_in = sign_in_at_once(desk, "Emil", "engineer")
    owner.post("/settings/users/end", {"token": token, "user": "Emil"})
    assert "is let in no more" in owner.text and signed_in.get("/models").url.path == "/sign-in"
    owner.post("/settings/users/end", {"token": token, "user": "olga zwei"})
    assert "Nobody ends themselves" in owner.text and owner.get("/settings").status_code == 200

    program = Caller(desk, "owner")
    link = program.do("addUser", body={"name": "Paul", "role": "approver"})["link"]
    assert new.get(link).status_code == 200
    assert program.do("inviteUser", body={"name": "Paul"})["link"] != link
    assert program.do("endUser", body={"name": "Paul"})["ended"]
    for name in ("Paul", "A program, owner"):  # who is there no more, and itself
        assert program.send("endUser", body={"name": name}).status_code in (404, 422)
    names = [one["name"] for one in program.do("listUsers")["users"]]
    assert names == ["A program, owner", "Nora Neu", "Olga Zwei"]
    by_desk = [one["role"] for one in logged(desk, "user added")]
    assert by_desk == ["owner", "officer", "engineer", "approver"]
    assert len(logged(desk, "user invited again")) == len(logged(desk, "user ended")) == 2


def test_rules_are_those_of_the_command_and_senders_stay(desk, owner):
    project = Project(desk.root)
    project.requests.set_policy(Policy(approve_above=2, senders=(Sender(uid=4711),)))
    owner.get("/settings/policy")
    owner.send("/settings/policy", approve_above="many")
    assert owner.answer.status_code == 422 and "#approve_above" in owner.page.links
    owner.send("/settings/policy", approve_above="2", register_years="")
    assert "#register_years" in owner.page.links
    owner.send("/settings/policy", register_years="3", deadline_days="9999")
    assert owner.answer.status_code == 422 and "#deadline_days" in owner.page.links
    owner.send("/settings/policy", approve_above="5", deadline_days="", regime="ccpa")
    assert "The rules hold from now on." in owner.text
    expected = Policy(approve_above=5, regime="ccpa", senders=(Sender(uid=4711),))
    assert project.requests.policy == expected
    owner.send("/settings/policy", approve_above="")
    assert "No request needs a second person" in owner.text
    program = Caller(desk, "owner")
    body = {"regime": "gdpr", "register_years": 5, "approve_above_user": 7}
    told = program.do("setPolicy", body=body)
    assert told["approve_above"] is None and told | body == told
    for wrong in ({"regime": "mine"}, {"register_years": -1}, {"approve_above": "9"},
                  {"approve_above": True}, {"senders": []}):  # fmt: skip
        assert program.send("setPolicy", body=body | wrong).status_code == 422, wrong
    assert program.do("showPolicy") == told
    assert [one["setting"] for one in logged(desk, "setting changed")] == ["policy"] * 3


def test_who_answers_for_the_data_is_described_and_letters_name_them(desk, owner, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser to print letters with
    owner.get("/settings/controller")
    owner.send("/settings/controller", name="Hof\tAG")
    assert owner.answer.status_code == 422 and "#name" in owner.page.links
    owner.send("/settings/controller", name="Hof AG", authority="The authority of Bern")
    assert "It is described so from now on." in owner.text
    program = Caller(desk, "owner")
    told = program.do("describeController", body={"contact": "Hof 1, Bern"})
    assert (told["name"], told["contact"]) == ("Hof AG", "Hof 1, Bern")
    assert program.send("describeController", body={}).status_code == 422
    assert "purposes" in program.do("showController")["missing"]
    officer = Caller(desk, "officer")
    refusal = {"ground": "12(5)(b)", "reason": "the fifth time", "to": "Ten"}
    officer.do("refuseRequest", request="q8", body=refusal)
    letter = (desk.outbox / "q8" / "letter.txt").read_text()
    assert "Hof AG" in letter and "The authority of Bern" in letter


def test_a_letter_has_the_workspace_s_own_words_until_they_are_given_back(desk, owner, monkeypatch):
    monkeypatch.setenv("PATH", "")
    owner.get("/settings/letters")
    assert "All letters are those that ship" in owner.text
    owner.get("/settings/letters/en-received")
    own = "We have it, {{ facts.to }}\n\nYour request {{ facts.request }} came in.\n"
    owner.send("/settings/letters/en-received", template=own)
    assert "We have it, Anna Example" in owner.text and "q0 came in." in owner.text
    officer = Caller(desk, "officer")
    officer.do("writeAnswer", request="q3")
    assert "Your request q3 came in." in (desk.outbox / "q3" / "letter.txt").read_text()
    owner.get("/settings/letters")
    assert "1 letter has a template of your own" in owner.text
    owner.get("/settings/letters/en-received")
    owner.send("/settings/letters/en-received/end")
    assert "The template that ships is used again." in owner.text
    program = Caller(desk, "owner")
    assert "came in" in program.do("setLetter", letter="de-done", body={"template": own})["reads"]
    assert program.do("showLetter", letter="de-done")["own"]
    assert sum(one["own"] for one in program.do("listLetters")["letters"]) == 1
    assert not program.do("endLetter", letter="de-done")["own"]
    assert program.send("endLetter", letter="de-done").status_code == 404
    for letter in ("fr-done", "en-..", "en-frame", "done"):
        assert program.send("showLetter", letter=letter).status_code == 404
        assert owner.get(f"/settings/letters/{letter}").status_code == 404


def test_templates_that_ship_are_taken_as_they_are(tmp_path):
    own = OwnTemplates(tmp_path)
    for language, kind in own.letters():
        text = own.text(language, kind)
        assert own.save(language=language, kind=kind, text=text)["reads"]
        assert own.has(language, kind) and own.text(language, kind) == text.rstrip() + "\n"


@pytest.mark.parametrize(
    "body",
    ["{{ ''.__class__.__mro__ }}", "{{ facts.__init__.__globals__ }}", "{{ facts.nobody }}",
     "{% for one in range(10**9) %}x{% endfor %}", "{% include 'frame.j2' %}", "{% if %}",
     "{{ cycler.__init__.__globals__.os.popen('id').read() }}", "{% extends '/etc/passwd' %}",
     "{{ facts.controller.with_said }}", ""],
)  # fmt: skip
def test_a_template_that_reaches_out_or_cannot_be_written_is_refused(tmp_path, body):
    own = OwnTemplates(tmp_path)
    with pytest.raises(BadInput):
        own.save(language="en", kind="done", text=f"A subject\n\n{body}")
    assert not own.has("en", "done") and not any(tmp_path.iterdir())
