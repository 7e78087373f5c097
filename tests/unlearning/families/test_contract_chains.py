"""Deletions that follow one another come to the twin of all of them, whatever came between.

In one request or in several, in any order; after people were let in again and forgotten once more;
and exactly after what was approximate.
"""

import pytest

from tests.unlearning.families.contract_cases import (
    case_of,
    every_family,
    sets_of,
    source,
)
from tests.unlearning.families.contract_states import differing, parts_of, state_of
from unlearning.strategies.known_strategies import exact_strategy, strategies_for

CHAINS = [
    pytest.param(family, marks=[pytest.mark.slow] if case_of(family).imports else [])
    for family in every_family()
]
APPROXIMATE = [
    pytest.param(family, one.name, marks=[pytest.mark.slow] if case_of(family).imports else [])
    for family in every_family()
    for one in strategies_for(family).values()
    if not one.claim.settles
]


@pytest.fixture
def one_and_some(originals, twins):
    """Return a function that gives one person, some others, and a function that gives twins."""

    def chosen(family):
        one, some = (
            list(sets_of(family)[name](originals(family))) for name in ("one row", "some people")
        )
        assert not set(one) & set(some)
        all_of_them = [one, some, [*one, *some]]
        return one, some, lambda people: state_of(twins(family, people, also=all_of_them))

    return chosen


@pytest.mark.parametrize("family", CHAINS)
def test_who_is_let_in_again_can_be_forgotten_again(family, copied, one_and_some, asked):
    one, some, twin_without = one_and_some(family)
    result = copied(family)
    steps = [
        (lambda: result.project.forget(one), one),
        (lambda: result.project.forget(some), [*one, *some]),
        (lambda: result.project.readmit(one), [*one, *some]),
        (lambda: result.project.train(**asked(family, source(seed=9))), some),
        (lambda: result.project.forget(one), [*one, *some]),
    ]
    for step, gone in steps:
        step()
        assert differing(state_of(result), twin_without(gone)) == []


def in_requests(requests, family, copied, one_and_some):
    one, some, twin_without = one_and_some(family)
    result = copied(family)
    for people in requests(one, some):
        assert result.project.forget(people)["guarantee"] == "exact"
    assert differing(state_of(result), twin_without([*one, *some])) == []


@pytest.mark.parametrize("family", CHAINS)
def test_one_request_comes_to_what_several_come_to(family, copied, one_and_some):
    in_requests(lambda one, some: [[*one, *some]], family, copied, one_and_some)


@pytest.mark.parametrize("family", CHAINS)
def test_people_who_go_one_by_one_in_another_order_leave_what_all_leave(
    family, copied, one_and_some
):
    one_by_one = lambda one, some: [[person] for person in reversed([*one, *some])]  # noqa: E731
    in_requests(one_by_one, family, copied, one_and_some)


@pytest.mark.parametrize("family, name", APPROXIMATE)
def test_an_exact_deletion_after_an_approximate_one_comes_to_the_twin_of_both(
    family, name, copied, originals, one_and_some
):
    one, some, twin_without = one_and_some(family)
    result = copied(family)
    done = result.project.forget(some, strategy=name)
    assert done["guarantee"] != "exact"
    assert differing(parts_of(result.ledger), parts_of(originals(family).ledger))
    result.project.forget(one, strategy=exact_strategy(family).name)
    different = differing(state_of(result), twin_without([*one, *some]))
    # Marks of a shard from which an approximate deletion took something are not handed on.
    assert [file for file in different if not file.endswith("marks.json")] == []
