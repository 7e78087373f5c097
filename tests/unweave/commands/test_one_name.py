"""One name for one thing in `--json`, in whatever a command answers; `ok` is in all of it.

`model` is a model's id, `request` one of the queue's, `deletion` a run's. Older names stay beside.
"""

import json
from datetime import date, timedelta

import click
import pytest

import pipelines.backends
from fixtures.run_here import run_here
from fixtures.small_table import OPTIONS, write_people
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands

TRAIN = (
    "train --data people.csv --label-column label --subject-column person --family naive-bayes "
    "--shards 2 --name churn"
)
LATER = date.today() + timedelta(days=9)
# In their order, on one workspace of sixteen people with five rows each; what is refused has a !.
READING = f"""
    {TRAIN}
    models --all | status | describe --name Acme
    ! cost | ! detect --data people.csv --row-id-column id
    trace subject p1 | trace model churn | ! trace batch m1:s0.r0.e0.b0
    ! trace update m1:s0.p0 | trace checkpoint m1:s0.r0
    query data | query hyperparameters | query libraries | query pipeline | query deployed
    query failures | query subjects | query models-of p1 | query free
    request add p1 --only | request list | request show q1 | request policy
"""
CHANGING = f"""
    {TRAIN}
    name churn --purpose x | rollback churn
    recipient add Ads | recipient list | recipient end 1
    serving add https://a.example | serving list | serving end 2
    request inbox inbox | request calendar --out due.ics
    request hold q1 --reason x --until 2999-01-01
    request release q1 | request ask-more q1 --doubt x | request more-came q1
    request extend q1 --because complexity | request not-identified q1 | request more-came q1
    request ask-fee q1 --amount 20 --reason x | request fee-agreed q1
    request letter q1 --out sent/q1 | request sent q1 | request letters q1
    request attach q1 people.csv
    request add p2 --only --proposal --by nobody | request approve q2 --by somebody
    request cancel q2
    request add P-3 | request answer q3 --only
    request add p4 --only --right restriction --ground 18(1)(a) | request keep-rows q4
    request announce-lift q4 --because verified --on 2999-01-01 --out sent/q4 | ! request lift q4
    request add p5 --only --right objection | request uphold q5
    request add p6 --only | request refuse q6 --ground 17(3)(e) --reason x --out sent/q6
    run-requests --dry-run | run-requests | request show q1
    request answer-pack q1 --out sent/q1-done | request receipt r1 --number 2 --out receipt.json
    verify workspace/requests/r1/certificate.json --public-key workspace/keys/public.pem
    recipient told 1 r1 | serving confirm 2 r1
    forget p7 --dry-run | forget p7 | report r1 | readmit p7
    log head | log show | log prove --event 1 --out proof.json | log check | log clock
    user add Dora --role officer | user invite Dora | user list | user end Dora
    user token CRM --role owner --until {LATER} | user tokens | user end-token t1
    webhook add https://a.example | webhook list | webhook deliver | webhook end w1
    mail set mail.example --sender d@a.example | mail show | mail deliver | mail end
    request add p8 --only | request link q7
    audit | doctor | evidence r1 --out evidence.zip | retire churn --superseded
    export record --out record.md
"""
ELSEWHERE = {
    "demo": "tells a story of TFX pipelines: tests/tfx",
    "evaluate": "needs TensorFlow: test_evaluate_command.py",
    "predict": "needs TensorFlow: test_predict_command.py",
    "graph": "draws what ML Metadata has: tests/unweave/graphs",
}


def every_command(group=commands, before=()):
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from every_command(one, (*before, name))
        elif any("--json" in option.opts for option in one.params):
            yield " ".join((*before, name))


def misnamed(answer):
    """Yield what goes by an older name alone, or by a name that is another thing's."""
    if isinstance(answer, list):
        for one in answer:
            yield from misnamed(one)
    if not isinstance(answer, dict):
        return
    for old, name in (("model_id", "model"), ("request_id", "deletion")):
        if old in answer and answer.get(name, "") != answer[old]:
            yield old, answer
    run = answer.get("run")
    if isinstance(run, str) and run[1:].isdigit() and answer.get("deletion") != run:
        yield "run", answer
    for name, letter in (("model", "m"), ("deletion", "r")):
        if isinstance(value := answer.get(name), str) and value[:1] != letter:
            yield name, answer
    listed = answer.get("requests")
    runs = isinstance(listed, list) and any(str(one)[:1] == "r" for one in listed)
    if runs and answer.get("deletions") != listed:
        yield "requests", answer
    for name, inner in answer.items():
        if name not in ("config", "body", "report"):  # as they were written down
            yield from misnamed(inner)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(pipelines.backends, "TfxBackend", DirectBackend)
    write_people(tmp_path / "people.csv")
    (tmp_path / "inbox").mkdir()
    return tmp_path


def wrong_in(said, folder):
    """Run commands; yield what is wrong with their answers, and the name of each."""
    known = sorted(every_command(), key=len, reverse=True)
    for line in (part.strip() for whole in said.splitlines() for part in whole.split(" | ")):
        if not line:
            continue
        refused, line = line.startswith("! "), line.removeprefix("! ")
        status, output, errors = run_here(*line.split(" "), "--json", folder=folder)
        answer = json.loads(output)
        wrong = [(line, *one) for one in misnamed(answer)]
        if answer.get("ok") is not (status == 0) or ("error" in answer) is not refused:
            wrong.append((line, status, answer.get("ok"), answer.get("error"), errors))
        yield next(name for name in known if f"{line} ".startswith(f"{name} ")), wrong


def test_commands_that_read_say_ok_and_name_things_alike(folder):
    assert [wrong for _, wrong in wrong_in(READING, folder) if wrong] == []


def test_every_command_says_ok_and_names_things_alike(folder):
    told = [*wrong_in(READING + CHANGING, folder)]
    assert [wrong for _, wrong in told if wrong] == []
    assert {name for name, _ in told} == {*every_command()} - {*ELSEWHERE}


def test_the_walk_finds_what_it_looks_for():
    assert [*misnamed({"models": [{"model_id": "m1"}]})] == [("model_id", {"model_id": "m1"})]
    assert [one for one, _ in misnamed({"run": "r1", "deletion": "q1"})] == ["run", "deletion"]


def test_what_fails_is_not_ok_in_python_s_words_either(folder):
    Project(folder / "workspace", backend=DirectBackend()).train(folder / "people.csv", **OPTIONS)
    status, output, _ = run_here("request", "show", "q9", "--json", folder=folder)
    assert status == 3 and json.loads(output)["ok"] is False
