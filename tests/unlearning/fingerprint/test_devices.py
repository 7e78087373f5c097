"""A graphics card computes where it was asked for alone; what is to be known of it is recorded.

There is none where these tests run: what a driver would say is given as it says it.
"""

import pytest

from fixtures import SMALL_MODEL
from fixtures.small_table import write_people
from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.errors import BadInput
from lineage_store.ledger import TrainOptions
from pipelines.backends.direct import DirectBackend
from unlearning.families import family_of, run_environment
from unlearning.families.known_families import FAMILIES
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.fingerprint.devices import Card, card_facts, cards, cards_in, on_device
from unlearning.fingerprint.environment import differing
from unweave import Project

SAID = "NVIDIA A100-SXM4-40GB, 8.0, 550.54.15\n"
LIBRARIES = {"nvidia-cuda-runtime-cu12": "12.3.101", "nvidia-cudnn-cu12": "8.9.7.29"}
NONE_HERE = pytest.mark.skipif(bool(cards()), reason="there is a card")


@pytest.fixture
def people(tmp_path):
    return write_people(tmp_path / "people.csv")


def test_what_the_driver_says_is_read():
    assert cards_in(SAID) == (Card("NVIDIA A100-SXM4-40GB", "8.0", "550.54.15"),)
    assert cards_in("No devices were found\n") == ()


def test_name_capability_driver_libraries_and_tf32_belong_to_the_environment():
    facts = card_facts(cards_in(SAID * 2), LIBRARIES)
    assert facts == {
        "gpu": "NVIDIA-A100-SXM4-40GB",
        "gpu.capability": "8.0",
        "gpu.driver": "550.54.15",
        "gpu.nvidia-cuda-runtime-cu12": "12.3.101",
        "gpu.nvidia-cudnn-cu12": "8.9.7.29",
        "gpu.tf32": False,
    }
    newer = card_facts(cards_in(SAID), LIBRARIES | {"nvidia-cudnn-cu12": "9.1.0.70"})
    assert differing(facts, newer) == ["gpu.nvidia-cudnn-cu12"]
    assert differing({}, facts) == sorted(facts)


@pytest.mark.parametrize(
    ("said", "libraries", "why"),
    [
        ("", LIBRARIES, "names none on this machine: run this where there is one"),
        (SAID + "Tesla T4, 7.5, 550.54.15\n", LIBRARIES, "of several kinds"),
        (SAID, {"nvidia-cudnn-cu12": "8.9.7.29"}, "install tensorflow.and-cuda"),
    ],
)
def test_what_cannot_be_recorded_is_refused(said, libraries, why):
    with pytest.raises(BadInput, match=why) as raised:
        card_facts(cards_in(said), libraries)
    assert str(raised.value).count(". ") == 0 and "`device` cpu" in str(raised.value)


def test_without_a_card_nothing_is_added_and_old_ledgers_are_as_they_were(monkeypatch):
    monkeypatch.setenv("CUDA_MODULE_LOADING", "EAGER")
    assert on_device({"python": "3"}, "cpu") == {"python": "3"}
    assert on_device({}, "gpu")["CUDA_MODULE_LOADING"] == "EAGER"
    options = TrainOptions(model_family="naive-bayes")
    assert "device" not in options.in_header()
    assert not any(name.startswith("gpu") for name in run_environment(options, None))


@NONE_HERE
def test_a_model_of_a_machine_with_a_card_has_another_environment_here():
    there = {"python": "3", **card_facts(cards_in(SAID), LIBRARIES)}
    assert "gpu" in differing(there, on_device({"python": "3"}, "gpu"))


@NONE_HERE
def test_the_option_is_refused_where_there_is_no_card_before_anything_is_made(people, tmp_path):
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    asked = {"label": "label", "subject": "person", "module": SMALL_MODEL}
    with pytest.raises(BadInput, match="names none on this machine"):
        project.train(people, **asked, device="gpu")
    assert not list((tmp_path / "workspace").rglob("*.csv"))
    with pytest.raises(BadInput, match="TensorFlow sees no graphics card"):
        pin_tensorflow("gpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_that_is_no_network_has_no_use_for_it(family):
    known, asked = family_of(family), TrainOptions(model_family=family, device="gpu")
    refused = any("`device`" in one.why for one in known.unfit(None, asked))
    assert refused == (known.trail != "steps")


def test_networks_of_one_workspace_share_the_device(people, tmp_path):
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    asked = {"label": "label", "subject": "person", "module": SMALL_MODEL, "epochs": 1, "slices": 1}
    project.train(people, **asked, shards=1)
    (header,) = project.root.rglob("ledger/header.json")
    written = read_json(header)
    header.chmod(0o600)
    write_atomic(header, canonical_json({**written, "device": "gpu"}))
    with pytest.raises(BadInput, match="m1 was trained with `device` gpu"):
        project.train(people, **asked, shards=1)
    project.train(people, label="label", model_family="naive-bayes")
