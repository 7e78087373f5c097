"""Every command that changes something has a form at the desk, or a line here that says why not."""

import re
from pathlib import Path

import click
import pytest

import unweave
from unweave.cli import commands
from unweave.web.process.matrix import BY_ROUTE

TEMPLATES = Path(unweave.__file__).parent / "web" / "templates"

READS = {
    "completion", "cost", "evaluate", "export", "graph", "log check", "log head", "log prove",
    "log show", "mail show", "models", "predict", "query", "recipient list", "report",
    "request calendar", "request letters", "request list", "request show", "serving list",
    "status", "trace", "user list", "user tokens", "verify", "webhook list",
}  # fmt: skip
FORMS = {
    "describe": "/settings/controller",
    "evidence": "/audit/evidence",
    "mail end": "/settings/mail/end",
    "mail set": "/settings/mail",
    "name": "/models/{model}/name",
    "readmit": "/people/anew",
    "recipient add": "/records/recipients",
    "recipient end": "/records/recipients/end",
    "recipient told": "/records/recipients/told",
    "request add": "/requests/new",
    "request announce-lift": "/requests/{request}/announce-lift",
    "request answer": "/requests/{request}/who",
    "request answer-pack": "/requests/{request}/pack",
    "request approve": "/requests/{request}/approve",
    "request ask-more": "/requests/{request}/ask-more",
    "request receipt": "/requests/{request}/pack",
    "request cancel": "/requests/{request}/cancel",
    "request elsewhere": "/requests/{request}/elsewhere",
    "request extend": "/requests/{request}/extend",
    "request ask-fee": "/requests/{request}/fee",
    "request fee-agreed": "/requests/{request}/fee/agreed",
    "request hold": "/requests/{request}/hold",
    "request keep-rows": "/requests/{request}/keep-rows",
    "request letter": "/requests/{request}/pack",
    "request lift": "/requests/{request}/lift",
    "request link": "/requests/{request}/link",
    "request more-came": "/requests/{request}/more-came",
    "request policy": "/settings/policy",
    "request refuse": "/requests/{request}/refuse",
    "request release": "/requests/{request}/release",
    "request sent": "/requests/{request}/sent",
    "request not-identified": "/requests/{request}/unidentified",
    "request uphold": "/requests/{request}/uphold",
    "rollback": "/models/{model}/rollback",
    "run-requests": "/run",
    "serving add": "/records/recipients",
    "serving confirm": "/records/recipients/told",
    "serving end": "/records/recipients/end",
    "user add": "/settings/users",
    "user end": "/settings/users/end",
    "user end-token": "/settings/tokens/{token}/end",
    "user invite": "/settings/users/invite",
    "user token": "/settings/tokens",
    "webhook add": "/settings/webhooks",
    "webhook end": "/settings/webhooks/{webhook}/end",
}
WITHOUT = {
    "audit": "reads all; what it found is all that it keeps, and evidence has it",
    "component": "is one task of a run whose tasks an orchestrator starts",
    "demo": "makes a workspace of its own",
    "detect": "looks at a model with a file, for whoever trains; what it proposes is approved here",
    "doctor": "repairs files of the machine, as their owner",
    "forget": "is what a request does, without a queue and a second person",
    "log clock": "which side of a clock was right is seen at the machine",
    "mail deliver": "the desk does it by itself",
    "request attach": "a file that came with a letter lies where the letter does",
    "request inbox": "takes files of a folder of the machine",
    "retire": "ends a model as its training began it: by whoever trains",
    "serve": "serves the desk",
    "train": "reads tables of the machine; a correction has its form",
    "webhook deliver": "the desk does it by itself",
}


def leaves(group, path=()):
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from leaves(one, (*path, name))
        else:
            yield " ".join((*path, name))


def actions():
    """The addresses of the forms in all templates, with places named as the matrix names them."""
    found = set()
    for file in TEMPLATES.glob("*.j2"):
        text = file.read_text(encoding="utf-8")
        found |= set(re.findall(r'<form method="post" action="([^"]+)"', text))
        found |= {f"/requests/{{{{ request }}}}/{to}"
                  for to in re.findall(r'call form\("([^"]+)"', text)}  # fmt: skip
    places = {"one.token": "token", "one.webhook": "webhook", "model.id": "model"}
    return {
        re.sub(r"\{\{ ([\w.]+) \}\}", lambda at: f"{{{places.get(at[1], at[1])}}}", one)
        for one in found
    }


def test_every_command_reads_has_a_form_or_says_why_it_has_none():
    every = [*READS, *FORMS, *WITHOUT]
    assert sorted(every) == sorted({*every}) == sorted(leaves(commands))
    assert all(WITHOUT.values())


@pytest.mark.parametrize("command", FORMS)
def test_its_form_stands_in_a_page_and_is_let_in(command):
    route = FORMS[command]
    assert ("POST", route) in BY_ROUTE and route in actions()
