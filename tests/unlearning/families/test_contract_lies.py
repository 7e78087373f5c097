"""A strategy that lies is refused, whichever it is, and whatever it lies about.

That a run which refuses one has changed nothing is shown by test_engine_believes_nobody, and by the
story of naive Bayes. Here every strategy of every family tells every lie (`contract_lies`), and
is met by what a run does before it registers a result (`contract_states.Deletion`).
"""

import pytest

from lineage_store.errors import CheckFailed, LeftAsItIs
from tests.unlearning.families.contract_cases import every_family
from tests.unlearning.families.contract_lies import DECIDED, DONE, MAY_BE_HONEST
from tests.unlearning.families.contract_states import parts_of
from unlearning.strategies.known_strategies import strategies_for
from unlearning.verification.checks import must_pass

PAIRS = [(family, name) for family in every_family() for name in strategies_for(family)]


def taken(strategy, deletion, folder):
    """Return what a run would register of a strategy's result; raises what refuses it."""
    plan = deletion.plan(strategy)
    new = deletion.carried_out(plan, folder)
    must_pass(deletion.report(plan, new))
    return parts_of(new)


@pytest.fixture(scope="session")
def honest(deletion_of, new_folder):
    """Return a function that gives what a strategy makes of a family's original."""
    known = {}

    def result(family, name):
        if (family, name) not in known:
            strategy = strategies_for(family)[name]
            known[family, name] = taken(strategy, deletion_of(family), new_folder() / "ledger")
        return known[family, name]

    return result


@pytest.mark.parametrize("family, name", PAIRS)
def test_who_does_not_lie_is_taken(family, name, honest, deletion_of):
    assert honest(family, name) != parts_of(deletion_of(family).situation.ledger)
    assert len({part for part, _ in deletion_of(family).situation.deleted}) > 1


@pytest.mark.parametrize("lie", [*DECIDED, *DONE], ids=lambda one: one.__name__)
@pytest.mark.parametrize("family, name", PAIRS)
def test_a_strategy_that_lies_is_refused(
    family, name, lie, honest, deletion_of, registered, tmp_path
):
    liar = lie(strategies_for(family)[name])
    registered(liar)
    try:
        result = taken(liar, deletion_of(family), tmp_path / "ledger")
    except CheckFailed as error:
        assert isinstance(error, LeftAsItIs) == (lie in DECIDED)
        assert lie not in DECIDED or liar.name in str(error)
        return
    assert lie in MAY_BE_HONEST and result == honest(family, name)
