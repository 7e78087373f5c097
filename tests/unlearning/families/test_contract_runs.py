"""However a run is carried out, a model has the same bytes: in pieces, by workers, killed.

All runs are fresh processes (`contract_process`); what they come to is compared with the original,
and with the twin of the people who go.
"""

import signal
from itertools import count

import pytest

from tests.unlearning.families.contract_cases import (
    PIECES,
    Learnt,
    Limit,
    NotHere,
    case_of,
    every_family,
    sets_of,
    source,
)
from tests.unlearning.families.contract_states import differing, state_of

# Where a process takes seconds to start, workers and kills are for the slow suite.
SLOW_TO_START = [
    pytest.param(family, marks=[pytest.mark.slow] if case_of(family).imports else [])
    for family in every_family()
]


@pytest.fixture
def some(originals):
    """Return a function that says whom a family's runs here forget."""
    return lambda family: list(sets_of(family)["some people"](originals(family)))


@pytest.fixture
def run(fresh, asked, copied, some, tmp_path):
    """Return a function that learns a family's model, or forgets some people, in a process."""

    def carry_out(family, do, *, again=None, **how):
        root = tmp_path / f"{do}-{len(list(tmp_path.iterdir()))}" if again is None else again
        if do == "forget" and again is None:
            root = copied(family, root.name).root
        given = asked(family, source()) if do == "train" else {"ids": some(family)}
        ended = fresh(do, (root, given), imports=case_of(family).imports, **how)
        return Learnt(root), ended

    return carry_out


@pytest.fixture
def wanted(originals, twins, some):
    """Return a function that gives the state that a run is to come to."""

    def state(family, do):
        return state_of(originals(family) if do == "train" else twins(family, some(family)))

    return state


@pytest.mark.parametrize("do", ["train", "forget"])
@pytest.mark.parametrize("family", SLOW_TO_START)
def test_rows_that_are_looked_at_one_by_one_give_the_bytes_of_all_at_once(family, do, run, wanted):
    one_by_one = dict.fromkeys([*PIECES, *case_of(family).pieces], 1)
    learnt, ended = run(family, do, numbers=one_by_one)
    assert ended.status == 0 and "error" not in ended.answers[0]
    assert differing(state_of(learnt), wanted(family, do)) == []


@pytest.mark.parametrize("do", [pytest.param("train"), "forget"])
@pytest.mark.parametrize("family", SLOW_TO_START)
def test_parts_that_are_learnt_each_in_a_process_of_its_own_have_the_same_bytes(
    family, do, run, wanted
):
    learnt, ended = run(family, do, apart=True)
    assert ended.status == 0 and "error" not in ended.answers[0]
    assert differing(state_of(learnt), wanted(family, do)) == []


@pytest.mark.parametrize("family", every_family())
def test_two_workers_of_beam_give_the_bytes_of_one_process(family, run, wanted):
    for do in ("train", "forget"):
        learnt, ended = run(family, do, workers=2)
        assert ended.status == 0 and "error" not in ended.answers[0]
        assert differing(state_of(learnt), wanted(family, do)) == []


def killed_at(unit, family, do, run, wanted):
    """Kill a run as it writes a unit, and start it again; say whether it was killed at all."""
    killed, ended = run(family, do, kill=unit)
    if ended.status == -signal.SIGKILL:
        assert Learnt(killed.root).record is None or do == "forget"
        learnt, ended = run(family, do, again=killed.root)
        assert ended.status == 0 and "error" not in ended.answers[0]
        assert differing(state_of(learnt), wanted(family, do)) == []
        return True
    assert ended.status == 0
    return False


@pytest.mark.parametrize("do", ["train", "forget"])
@pytest.mark.parametrize("family", SLOW_TO_START)
def test_a_run_that_is_killed_between_two_units_comes_to_the_same_bytes(family, do, run, wanted):
    assert killed_at(2, family, do, run, wanted)


@pytest.mark.parametrize("do", ["train", "forget"])
@pytest.mark.parametrize("family", every_family())
def test_a_run_that_is_killed_at_any_unit_comes_to_the_same_bytes(family, do, run, wanted):
    units = next(unit for unit in count(1) if not killed_at(unit, family, do, run, wanted)) - 1
    assert units > 1


@pytest.mark.parametrize("family", every_family())
def test_what_overflows_is_refused_at_its_limit(family, originals, run, wanted):
    limit = case_of(family).limit
    if isinstance(limit, NotHere):
        assert limit.why
        return
    assert isinstance(limit, Limit)
    store = originals(family).store
    parts = [store.slice_rows(part, 0) for part in range(len(store.counts))]
    most = max(len(rows) if rows.weights is None else rows.weights.sum() for rows in parts)
    most = int(most)
    learnt, ended = run(family, "train", numbers={limit.name: most})
    assert differing(state_of(learnt), wanted(family, "train")) == []
    refused, ended = run(family, "train", numbers={limit.name: most - 1})
    assert ended.answers[0]["error"] == "BadInput" and ended.answers[0]["message"].endswith(".")
    assert not refused.root.exists()
