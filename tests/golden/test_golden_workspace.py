"""Today's code opens, asks, audits and forgets from a workspace of an old commit, as that did."""

import base64
import json
import os
import subprocess
from functools import cache, reduce
from pathlib import Path

import pytest

from fixtures.first_rules import first_rules
from fixtures.warm_python import warm_python
from golden.changed import CHANGED
from golden.digests import (
    FILE,
    as_told_before,
    differences,
    forgotten,
    keys_of,
    planned,
    summary,
    weights,
)
from golden.old_code import REPOSITORY, CodeFailed, CodeProcess, NoHistory, unpack
from golden.recipe import CONFIGURATIONS, DIRECT, ROUNDED
from golden.workspaces import Golden, digests_of, portable
from lineage_store.errors import NothingFound, UnweaveError
from pipelines.backends.direct import DirectBackend
from unlearning.keras_models import module_file
from unlearning.keras_models.module_file import FIRST_BUILT_IN, SOURCES
from unweave import Project, verify

# What answers no longer say as they did, by call: an entry needs an issue that says so.

FIRST_MODEL = Path(module_file.__file__).with_name(SOURCES[FIRST_BUILT_IN])


def project_in(root):
    return Project(root, backend=DirectBackend(), reveal=True)


def gone(call, old, new):
    """The keys that an answer had and has no more, but for those that an issue took away."""
    return keys_of(old) - keys_of(new) - CHANGED.get(call, set())


@pytest.fixture(scope="module")
def copy(golden_workspace):
    """A copy that tests ask, and change nothing in."""
    return golden_workspace()


@pytest.fixture(scope="module")
def changed(golden_workspace):
    """A copy that tests forget from, each other people."""
    return golden_workspace()


@pytest.fixture(scope="module")
def forget(changed):
    """Return a function that forgets from a configuration, after those before it.

    So the old code did: a descendant depends on what was forgotten from its base before.
    """

    @cache
    def forgotten_from(name):
        before = list(DIRECT.forgotten)[: list(DIRECT.forgotten).index(name)]
        for one in before:
            forgotten_from(one)
        person = CONFIGURATIONS[name].person(1)
        return project_in(changed).forget([person], **DIRECT.forgotten[name])

    return forgotten_from


@pytest.fixture(scope="module")
def trained(golden, new_folder):
    """Return a function that trains a configuration with today's code, and its base before it.

    Kinds and splits are told by the rules of that time.
    """
    root = new_folder() / "workspace"

    @cache
    def train(name):
        base = CONFIGURATIONS[name].base
        given = golden.given(name)
        if base is not None:
            given["base"] = train(base)["model_id"]
        if given["module"] is None:  # today's built-in model is another
            given["module"] = FIRST_MODEL
        with first_rules():
            return project_in(root).train(**given)

    train.root = root
    return train


def test_without_the_history_one_sentence_says_so(tmp_path):
    with pytest.raises(NoHistory, match="clone the repository with its whole history"):
        unpack("0" * 40, tmp_path / "code")


def test_code_that_is_not_in_the_folder_is_no_old_code(tmp_path):
    with pytest.raises(CodeFailed, match="was imported from|No module named"):
        CodeProcess(tmp_path)


def test_the_recipe_gives_what_is_written_down(golden):
    assert summary(golden.answers, rounded=ROUNDED) == json.loads(FILE.read_bytes())


@pytest.mark.parametrize(
    "number", range(len(DIRECT.questions)), ids=lambda n: DIRECT.questions[n][0]
)
def test_a_question_has_the_answer_that_the_old_code_gave(copy, golden, number):
    call, arguments = DIRECT.questions[number]
    try:
        told = {"answer": reduce(getattr, call.split("."), project_in(copy))(*arguments)}
    except UnweaveError as error:
        told = {"error": str(error), "exit_status": error.exit_status}
    was = golden.answers["questions"][number]
    assert differences(was, portable(told, copy)) <= CHANGED.get(call, set())


def test_the_command_line_answers(copy, golden, tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [*warm_python(), "-m", "unweave", *arguments, "--workspace", copy, "--json"],
            capture_output=True, text=True, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    before = golden.answers["before"]
    (status,) = (
        answer["answer"]
        for (call, _), answer in zip(DIRECT.questions, golden.answers["questions"], strict=True)
        if call == "status"
    )
    checked = run("log", "check", "--public-key", copy / "keys" / "public.pem")
    assert checked["size"] == checked["signed_size"] == status["event_log"]["size"]
    page = tmp_path / "report.html"
    run("report", before["request_id"], "--out", page)
    assert before["request_id"] in page.read_text(encoding="utf-8")
    certificate = copy / Path(before["certificate"]).relative_to(golden.place)
    assert run("verify", certificate, "--public-key", copy / "keys" / "public.pem")["ok"]


def test_the_certificate_that_the_old_code_signed_is_verified(copy, golden):
    before = golden.answers["before"]
    certificate = copy / Path(before["certificate"]).relative_to(golden.place)
    answer = verify(certificate, public_key=project_in(copy).public_key)
    assert answer["ok"] and answer["rows"] == before["rows_found"]
    envelope = json.loads(certificate.read_bytes())
    statement = base64.b64decode(envelope["payload"]).replace(b'"exact"', b'"exakt"')
    altered = copy.parent / "altered.json"
    altered.write_text(json.dumps({**envelope, "payload": base64.b64encode(statement).decode()}))
    assert not verify(altered, public_key=project_in(copy).public_key)["ok"]


@pytest.mark.parametrize("number", [1, pytest.param(1000)])
def test_segments_are_taken_again_to_the_same_bits(copy, number):
    answer = project_in(copy).audit(replay=number, seed=1)
    assert answer["ok"], answer["findings"]
    replay = answer["replay"]
    assert replay["compared"] == "bit for bit"
    assert replay["replayed"] == min(number, replay["segments"])


@pytest.mark.parametrize("name", DIRECT.forgotten)
def test_a_plan_takes_as_many_steps_as_before(copy, golden, name):
    was = golden.answers["planned"][name]
    answer = project_in(copy).plan([CONFIGURATIONS[name].person(1)], **DIRECT.forgotten[name])
    now, before = planned(answer), planned(was)
    assert {**now, "models": as_told_before(now["models"], before["models"])} == before
    assert gone("plan", was, answer) == set()


@pytest.mark.parametrize("name", DIRECT.forgotten)
def test_a_deletion_ends_with_the_weights_of_the_old_code(changed, forget, golden, name):
    person, was = CONFIGURATIONS[name].person(1), golden.answers["forgotten"][name]
    project, answer = project_in(changed), forget(name)
    assert weights(answer) == weights(was)
    assert as_told_before(forgotten(answer), forgotten(was)) == forgotten(was)
    assert gone("forget", was, answer) == set()
    assert verify(answer["certificate"], public_key=project.public_key)["ok"]
    with pytest.raises(NothingFound, match="was forgotten on"):
        project.trace_subject(person)


def test_what_the_old_code_published_for_good_is_told_and_how_to_begin_anew(changed, trained):
    project = project_in(changed)
    told = project.status()["earlier"]
    assert told == project.audit()["earlier"]
    assert told["models"][0] == "m1" and "confirm guesses" in told["what"]
    assert "keys/secret" in told["how"]
    proof = project.forget([CONFIGURATIONS["plain"].person(2)])["certificate"]
    statement = json.loads(base64.b64decode(json.loads(Path(proof).read_bytes())["payload"]))
    assert statement["predicate"]["not_covered"][-1] == told["what"]
    trained("plain")
    assert project_in(trained.root).status()["earlier"] is None


def test_after_deletions_the_workspace_is_in_order(changed):
    project = project_in(changed)
    assert project.audit()["ok"] and project.doctor()["ok"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_training_ends_with_the_weights_of_the_old_code(trained, golden, name):
    was = golden.answers["trained"][name]
    same = ("weights_digest", "steps", "rows_by_split")
    assert {key: trained(name)[key] for key in same} == {key: was[key] for key in same}
    assert was["metrics"].items() <= trained(name)["metrics"].items()
    assert gone("train", was, trained(name)) == set()


def test_a_change_through_a_hard_link_is_found_and_keys_are_no_links(tmp_path):
    made = Golden(tmp_path / "golden")
    for name in ("keys/r1.open", "tfx/header.json"):
        (made.kept / name).parent.mkdir(parents=True)
        (made.kept / name).write_text("as it was")
    (made.folder / "answers.json").write_text(json.dumps({"files": digests_of(made.kept)}))
    copy = made.copy(tmp_path / "copy")
    (copy / "keys" / "r1.open").write_text("overwritten in place")
    assert made.changed() == []
    (copy / "tfx" / "header.json").write_text("overwritten in place")
    assert made.changed() == ["tfx/header.json"]
