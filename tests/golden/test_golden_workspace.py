"""Today's code opens, asks, audits and forgets from a workspace of an old commit, as that did."""

import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache, reduce
from pathlib import Path

import pytest

from golden.old_code import REPOSITORY
from golden.recipe import CONFIGURATIONS, FORGOTTEN, QUESTIONS
from golden.workspaces import portable
from lineage_store.errors import NothingFound, UnweaveError
from pipelines.direct import DirectBackend
from unweave import Project, verify

# What an answer no longer says as it did, by call, each with the reason.
CHANGED: dict[str, set[str]] = {}


def project_in(root):
    return Project(root, backend=DirectBackend())


def differences(old, new, at=""):
    """Return where an answer lacks something that an older one has, or has another value there."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            place
            for key, value in old.items()
            for place in (
                differences(value, new[key], f"{at}.{key}") if key in new else [f"{at}.{key}"]
            )
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = zip(old, new, strict=True)
        return [place for one, other in pairs for place in differences(one, other, f"{at}[]")]
    return [] if old == new else [at]


def verdicts(answer):
    """How many artifacts of each kind have which verdict."""
    counts = Counter()
    for one in answer["verdicts"]:
        counts[f"{one['kind']} {one['verdict']}"] += one["count"]
    return dict(counts)


def planned(answer):
    """What a plan comes to, without seconds and bytes."""
    return {
        "rows": answer["rows_found"],
        "steps": [answer["steps_planned"], answer["steps_full"]],
        "models": [
            {
                "strategy": plan["strategy"],
                "guarantee": plan["guarantee"],
                "steps": [plan["steps_planned"], plan["steps_full"]],
                "shards": {d["shard"]: [d["action"], d["steps"]] for d in plan["shards"]},
                "verdicts": verdicts(plan),
            }
            for plan in answer["plans"]
        ],
    }


def forgotten(answer):
    """What a deletion came to, without times and paths."""
    same = (
        "strategy", "guarantee", "basis", "rows_found", "affected_shards", "steps_recomputed",
        "steps_full", "updates_subtracted", "weights_digest_before", "weights_digest_after",
    )  # fmt: skip
    return [
        {
            **{name: change[name] for name in same},
            "checks": [[check["name"], check["outcome"]] for check in change["checks"]],
            "verdicts": verdicts(change),
        }
        for change in answer["models"]
    ]


@pytest.fixture(scope="module")
def copy(golden_workspace):
    """A copy that tests ask, and change nothing in."""
    return golden_workspace()


@pytest.fixture(scope="module")
def changed(golden_workspace):
    """A copy that tests forget from, each other people."""
    return golden_workspace()


@pytest.fixture(scope="module")
def trained(golden, new_folder):
    """Return a function that trains a configuration with today's code, and its base before it."""
    root = new_folder() / "workspace"

    @cache
    def train(name):
        base = CONFIGURATIONS[name].base
        options = {} if base is None else {"base": train(base)["model_id"]}
        return project_in(root).train(**golden.given(name), **options)

    return train


@pytest.mark.parametrize("number", range(len(QUESTIONS)), ids=lambda n: QUESTIONS[n][0])
def test_a_question_has_the_answer_that_the_old_code_gave(copy, golden, number):
    call, arguments = QUESTIONS[number]
    try:
        answer = {"answer": reduce(getattr, call.split("."), project_in(copy))(*arguments)}
    except UnweaveError as error:
        answer = {"error": str(error), "exit_status": error.exit_status}
    was = golden.answers["questions"][number]
    assert set(differences(was, portable(answer, copy))) <= CHANGED.get(call, set())


def test_the_command_line_answers(copy, golden, tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "unweave", *arguments, "--workspace", copy, "--json"],
            capture_output=True, text=True, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    said = dict(zip((call for call, _ in QUESTIONS), golden.answers["questions"], strict=True))
    assert run("status")["event_log"] == said["status"]["answer"]["event_log"]
    certificate = copy / Path(golden.answers["before"]["certificate"]).relative_to(golden.root)
    assert run("verify", certificate, "--public-key", copy / "keys" / "public.pem")["ok"]


def test_the_certificate_that_the_old_code_signed_is_verified(copy, golden):
    certificate = copy / Path(golden.answers["before"]["certificate"]).relative_to(golden.root)
    answer = verify(certificate, public_key=project_in(copy).public_key)
    assert answer["ok"] and answer["rows"] == golden.answers["before"]["rows_found"]


@pytest.mark.parametrize("number", [1, pytest.param(1000, marks=pytest.mark.slow)])
def test_segments_are_taken_again_to_the_same_bits(copy, number):
    answer = project_in(copy).audit(replay=number, seed=1)
    assert answer["ok"], answer["findings"]
    replay = answer["replay"]
    assert replay["compared"] == "bit for bit"
    assert replay["replayed"] == min(number, replay["segments"])


@pytest.mark.parametrize("name", FORGOTTEN)
def test_a_plan_takes_as_many_steps_as_before(copy, golden, name):
    answer = project_in(copy).plan([CONFIGURATIONS[name].person(1)], **FORGOTTEN[name])
    assert planned(answer) == planned(golden.answers["planned"][name])


@pytest.mark.parametrize("name", FORGOTTEN)
def test_a_deletion_ends_with_the_weights_of_the_old_code(changed, golden, name):
    person = CONFIGURATIONS[name].person(1)
    project = project_in(changed)
    answer = project.forget([person], **FORGOTTEN[name])
    assert forgotten(answer) == forgotten(golden.answers["forgotten"][name])
    assert verify(answer["certificate"], public_key=project.public_key)["ok"]
    with pytest.raises(NothingFound, match="was forgotten on"):
        project.trace_subject(person)
    assert project.audit()["ok"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_training_ends_with_the_weights_of_the_old_code(trained, golden, name):
    was = golden.answers["trained"][name]
    same = ("weights_digest", "steps", "rows_by_split", "metrics")
    assert {key: trained(name)[key] for key in same} == {key: was[key] for key in same}
