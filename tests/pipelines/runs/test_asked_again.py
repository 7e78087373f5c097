"""An interrupted deletion that is asked for again, in other words: never 0 with less than asked."""

import csv
import random
import shutil
from pathlib import Path

import pytest

from lineage_store.errors import CheckFailed
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

OPTIONS = {
    "label": "label", "subject": "person", "shards": 1, "slices": 1, "epochs": 1, "record": "all",
}  # fmt: skip
MODULE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(numbers))
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=spec.loss)
    return model
"""


class Dying(DirectBackend):
    """A backend whose process is interrupted before anything is changed."""

    def delete(self, job):
        raise KeyboardInterrupt


def project_in(root, backend=None):
    return Project(root, backend=backend or DirectBackend())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A workspace with one model whose updates are recorded; never written to after this."""
    here = tmp_path_factory.mktemp("asked")
    draw = random.Random(3)
    with (here / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "age", "label"])
        for n in range(96):
            age = draw.gauss(0, 1)
            out.writerow([f"person-{n % 8}", f"{age:.3f}", "ab"[age > 0]])
    (here / "model.py").write_text(MODULE, encoding="utf-8")
    project_in(here / "ws").train(here / "t.csv", module=here / "model.py", **OPTIONS)
    return here / "ws"


@pytest.fixture
def interrupted(trained, tmp_path):
    """Return a function that begins a deletion in a copy, is interrupted, and gives the copy."""

    def begin(**how):
        root = Path(shutil.copytree(trained, tmp_path / "ws"))
        with pytest.raises(KeyboardInterrupt):
            project_in(root, Dying()).forget(["person-1"], **how)
        return project_in(root)

    return begin


@pytest.mark.parametrize("asked", [{"guarantee": "exact"}, {}])
def test_who_asks_for_exact_gets_exact_after_an_approximate_run(interrupted, asked):
    project = interrupted(strategy="amnesiac", reason="the first letter")
    answer = project.forget(["person-1"], reason="another letter", **asked)
    assert (answer["request_id"], answer["guarantee"]) == ("r2", "exact")
    assert answer["warnings"] == []
    assert [m["state"] for m in project.models()] == ["deleted", "deleted", "live"]
    for request in ("r1", "r2"):
        certificate = Path(answer["certificate"]).parents[1] / request / "certificate.json"
        verdict = verify(certificate, public_key=answer["public_key"])
        assert verdict["ok"], verdict
    assert verdict["models"][0]["guarantee"] == "exact"


def test_the_same_words_finish_what_they_began(interrupted):
    project = interrupted(strategy="amnesiac", reason="a letter")
    answer = project.forget(["person-1"], strategy="amnesiac", reason="a letter")
    assert (answer["request_id"], answer["guarantee"]) == ("r1", "approximate")
    assert not any("reason" in warning for warning in answer["warnings"])


def test_a_new_reason_is_not_dropped_in_silence(interrupted):
    project = interrupted(strategy="amnesiac", reason="a letter")
    answer = project.forget(["person-1"], strategy="amnesiac", reason="person-1 wrote again")
    assert answer["warnings"][0].startswith("The reason given now is not kept: r1 was recorded")
    assert not any("wrote again" in warning for warning in answer["warnings"])


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"strategy": "amnesiac-marginal"}, "it was another strategy's"),
        ({"strategy": "amnesiac", "repair": 1}, "it was repaired for fewer epochs"),
        ({"strategy": "amnesiac", "exact_by": "2999-01-01"}, "nothing exact takes its place"),
    ],
)
def test_what_is_less_than_asked_is_an_error_once_it_has_ended(interrupted, asked, words):
    project = interrupted(strategy="amnesiac")
    with pytest.raises(CheckFailed, match="r1 was interrupted, and has ended as") as caught:
        project.forget(["person-1"], **asked)
    assert words in str(caught.value) and caught.value.exit_status == 1
    assert project.status()["requests"] == {"done": 1}


def test_an_exact_run_is_no_less_than_an_approximate_one(interrupted):
    project = interrupted(guarantee="exact")
    answer = project.forget(["person-1"], strategy="amnesiac", repair=1)
    assert (answer["request_id"], answer["guarantee"]) == ("r1", "exact")
