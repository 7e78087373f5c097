"""A workspace that TFX and MLMD wrote with the old code, with today's; all by the default backend.

Today's code runs in a process of its own, too: what holds an MLMD file may not open it otherwise.
"""

from pathlib import Path

import pytest

from golden.changed import CHANGED
from golden.digests import as_told_before, differences, forgotten, keys_of, planned, weights
from golden.old_code import REPOSITORY, CodeProcess
from golden.recipe import CONFIGURATIONS, TFX
from golden.workspaces import portable
from unlearning.keras_models import module_file
from unlearning.keras_models.module_file import FIRST_BUILT_IN, SOURCES
from unweave import verify

FIRST_MODEL = Path(module_file.__file__).with_name(SOURCES[FIRST_BUILT_IN])
pytestmark = pytest.mark.tfx


@pytest.fixture
def place(golden_tfx):
    """The workspace as the old code handed it over, where the old code wrote it."""
    return golden_tfx.copy(golden_tfx.place)


@pytest.fixture
def today():
    """Today's code."""
    with CodeProcess(REPOSITORY) as process:
        yield process


def test_every_question_has_the_answer_that_the_old_code_gave(place, golden_tfx, today):
    for (call, arguments), was in zip(TFX.questions, golden_tfx.answers["questions"], strict=True):
        told = today.told(place, call, *arguments, backend="tfx")
        lost = differences(was, portable(told, place)) - CHANGED.get(call, set())
        assert lost == set(), (call, arguments)
    audit = today.ask(place, "audit", backend="tfx", replay=1000, seed=1)
    assert audit["ok"], audit["findings"]


def test_a_deletion_is_planned_and_ends_as_the_old_code_did(place, golden_tfx, today):
    ((name, options),) = TFX.forgotten.items()
    person, answers = [CONFIGURATIONS[name].person(1)], golden_tfx.answers
    plan = today.ask(place, "plan", person, backend="tfx", **options)
    now, before = planned(plan), planned(answers["planned"][name])
    assert {**now, "models": as_told_before(now["models"], before["models"])} == before
    answer = today.ask(place, "forget", person, backend="tfx", **options)
    was = answers["forgotten"][name]
    assert weights(answer) == weights(was)
    assert as_told_before(forgotten(answer), forgotten(was)) == forgotten(was)
    assert keys_of(was) - keys_of(answer) <= CHANGED.get("forget", set())
    assert verify(answer["certificate"], public_key=answer["public_key"])["ok"]
    for call in ("audit", "doctor"):
        assert today.ask(place, call, backend="tfx")["ok"], call


def test_a_training_in_the_old_workspace_has_the_weights_of_the_old_code(place, golden_tfx, today):
    (name,) = TFX.trained
    # In a workspace that has forgotten somebody of this table the same command gives what was left.
    given = golden_tfx.given(name)
    given["module"] = given["module"] or str(FIRST_MODEL)  # today's built-in model is another
    answer = today.ask(place, "train", backend="tfx", by_first_rules=True, **given)
    before = golden_tfx.answers["before"]
    assert answer["excluded"] == before["rows_found"]
    assert answer["weights_digest"] == before["weights_digest_after"]
