"""Random forget sets: what sums, or an optimum, leave has the bytes that a fresh process learns."""

import pytest

from lineage_store.tensors import state_digest
from tests.unlearning.families.contract_random import PartOfSums
from unlearning.families.known_families import with_trail

AT_ONCE = (*with_trail("sums"), *with_trail("optimum"))
FEW, MANY = 20, 1_000


def holds(root, sets):
    part = PartOfSums(root)
    before, subtracted, changed = state_digest(part.state), 0, 0
    for number, twin in enumerate(part.twins(sets)):
        left, by_subtraction = part.forgotten(number)
        assert left == twin, number
        subtracted, changed = subtracted + by_subtraction, changed + (left != before)
    assert number == sets - 1 and subtracted > sets / 5
    assert changed > sets / 2  # the untouched state fails
    assert state_digest(part.state) == before  # which nothing was taken out of


@pytest.mark.parametrize("family", AT_ONCE)
def test_some_random_forget_sets_leave_the_bytes_of_their_twins(family, originals):
    holds(originals(family).root, FEW)


@pytest.mark.parametrize("family", AT_ONCE)
def test_a_thousand_random_forget_sets_leave_the_bytes_of_their_twins(family, originals):
    holds(originals(family).root, MANY)
