"""The list of planted faults fits the code: `make mutants` plants them."""

from collections import Counter
from pathlib import Path

import pytest

from mutants import Mutant, read_mutants

TOP = Path(__file__).parents[2]
MUTANTS = read_mutants()
FEWEST, LAWS = 40, range(1, 12)


def test_there_are_enough_for_every_law():
    laws = Counter(mutant.law for mutant in MUTANTS)
    assert len(MUTANTS) >= FEWEST
    assert {law for law in LAWS if laws[law] < 3} == set()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: f"{one.file}: {one.line[:40]}")
def test_the_line_stands_there_once_and_the_test_is_there(mutant):
    text = (TOP / mutant.file).read_text(encoding="utf-8")
    assert mutant.planted(text) != text
    assert (TOP / mutant.arguments[0].partition("::")[0]).exists()


def test_a_fault_that_cannot_be_planted_is_told():
    mutant = Mutant(1, "a.py", "t", "x = 1", "x = 2")
    assert mutant.planted("def f():\n    x = 1\n") == "def f():\n    x = 2\n"
    for text in ("x = 3\n", "x = 1\nx = 1\n"):
        with pytest.raises(ValueError, match="times"):
            mutant.planted(text)
