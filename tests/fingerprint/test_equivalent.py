"""Older code is equivalent to today's while a run of both says so, and no longer."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fingerprint.admit import Refused, admitted, clone, differing, start, told
from unlearning.fingerprint.code_fingerprint import code_digest, fingerprint
from unlearning.fingerprint.equivalent import TABLE, equivalents, same_code
from unlearning.fingerprint.source_names import FOLDERS

TOP = Path(__file__).parents[2]
FIRST = "961ed0a"
# What that commit's own `code_digest` says: SHA-256 over the bytes of the files that it lists.
FIRST_DIGEST = "7871dfda143be31431e152b7aa1d450607e17ff6db9e9980ec62e5e44221ed43"


def test_models_of_the_first_commit_are_of_equivalent_code():
    assert same_code(FIRST_DIGEST, code_digest()), (
        "The fingerprint of the code has changed, and nobody has shown that models trained by "
        "earlier versions are still the same bits, so every one of them would be retrained whole: "
        "run `make equivalent` and commit unlearning/fingerprint/equivalent.json, or say in the "
        "changelog that the bits of training have changed."
    )


def test_every_entry_of_the_table_is_of_today():
    table = equivalents(TOP / "unlearning" / "fingerprint" / TABLE)
    assert {entry.now for entry in table} == {code_digest()}
    assert all(entry.configurations >= 20 for entry in table)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A copy of the repository in which one constant of the training is another."""
    copy = tmp_path_factory.mktemp("planted") / "unweave"
    for folder in FOLDERS:
        shutil.copytree(TOP / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "unlearning" / "keras_models" / "tabular.py"
    text = file.read_text(encoding="utf-8")
    assert "LEARNING_RATE = 1e-3" in text
    file.write_text(text.replace("LEARNING_RATE = 1e-3", "LEARNING_RATE = 2e-3"), encoding="utf-8")
    return copy


def test_a_changed_constant_takes_the_entry_away(planted):
    digest = fingerprint(planted).digest
    assert digest != code_digest() and not same_code(FIRST_DIGEST, digest)


def test_one_configuration_and_uncalled_functions_are_not_enough():
    run = {"code": "a", "digests": {"plain": ["1"]}, "executed": [], "built_in": ""}
    with pytest.raises(Refused, match="at least 20"):
        admitted(FIRST, run, run)
    many = {**run, "digests": {str(number): ["1"] for number in range(20)}}
    with pytest.raises(Refused, match="no configuration calls .*train_shard"):
        admitted(FIRST, many, many)
    other = {**many, "digests": {**many["digests"], "7": ["2"]}}
    with pytest.raises(Refused, match="the states differ in 7$"):
        admitted(FIRST, other, many)


def test_the_first_commit_is_admitted_again_and_not_by_planted_code(planted, tmp_path):
    old = told(start(clone(FIRST, tmp_path / "old")))
    now = told(start(TOP, "--executed"))
    entry = admitted(FIRST, old, now)  # its digest of the states is that of this machine
    known = equivalents(TOP / "unlearning" / "fingerprint" / TABLE)
    assert entry in [replace(one, states=entry.states) for one in known]
    assert old["code"] == FIRST_DIGEST
    changed = told(start(planted, "plain"))
    assert differing(old, changed) == ["plain"]
