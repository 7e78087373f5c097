"""What every family and its strategies keep, whoever wrote them: the contract test of DESIGN.md.

Twins are learnt by the same command in fresh processes (`contract_process`), from a source that
never held the forget set, through the gate, its rows permuted. What is compared are the bytes of
whole models on disk (`contract_states`). Which forget sets there are, and what a family adds, says
`contract_cases`. How parts are learnt (in pieces, by workers, killed) is test_contract_runs; what
comes before and after, test_contract_chains; what is put back, test_contract_residue; and who lies,
test_contract_lies.
"""

import numpy as np
import pytest

from tests.unlearning.families.contract_cases import (
    FORGET_SETS,
    WHO_HAS,
    every_family,
    is_fast,
    reasons_of,
    sets_of,
)
from tests.unlearning.families.contract_states import (
    between,
    differing,
    parts_of,
    state_of,
    units_of,
)
from unlearning.families.family import ModelSource
from unlearning.families.known_families import family_of
from unlearning.planning.downstream import downstream
from unlearning.strategies.known_strategies import strategies_for
from unlearning.training.config import module_source

SETS = [
    pytest.param(family, name, marks=[] if is_fast(family, name) else [pytest.mark.slow])
    for family in every_family()
    for name in sets_of(family)
]

NO_MODEL = ("NothingToLearn", "BadInput")  # one class is left, or no row


def exact(family):
    return [one.name for one in strategies_for(family).values() if one.claim.settles]


@pytest.mark.parametrize("family", every_family())
def test_every_forget_set_of_the_design_is_there_or_a_sentence_says_why_not(family, originals):
    there, reasons = sets_of(family), reasons_of(family)
    assert {*there, *reasons} >= {*FORGET_SETS, *WHO_HAS} and there.keys().isdisjoint(reasons)
    assert all(why and not why.endswith(".") for why in reasons.values())
    assert exact(family)
    original = originals(family)
    special = ("rare-class", "rare-town", "least-1", "most", "same-a", "same-b", "weightless-0")
    assert all(original.splits[one] == {"train"} for one in special)
    assert all(sum(counts) > 10 for counts in original.store.counts)


@pytest.mark.parametrize("family", every_family())
def test_learnt_from_rows_in_another_order_a_model_has_the_same_bytes(family, originals, twins):
    assert differing(state_of(originals(family)), state_of(twins(family, ()))) == []


@pytest.mark.parametrize("family, name", SETS)
def test_what_is_forgotten_leaves_the_bytes_of_a_twin_that_never_saw_it(
    family, name, originals, copied, twins
):
    original = originals(family)
    people = sets_of(family)[name](original)
    twin = twins(family, people)
    for strategy in exact(family):
        result = copied(family, strategy)
        done = result.project.forget(list(people), strategy=strategy)
        assert done["guarantee"] == "exact"
        if isinstance(twin, dict):  # nothing can be learnt from what is left
            assert twin["error"] in NO_MODEL and done["model_after"] is None
            continue
        assert differing(state_of(result), state_of(twin)) == []
        assert differing(state_of(original), state_of(result))  # the untouched one fails
        assert done["learnt"] == bool(differing(parts_of(original.ledger), parts_of(twin.ledger)))


@pytest.mark.parametrize("family, name", SETS)
def test_a_unit_whose_bytes_changed_is_downstream_of_the_rows(family, name, originals, twins):
    original = originals(family)
    twin = twins(family, sets_of(family)[name](original))
    if isinstance(twin, dict):
        assert twin["error"] in NO_MODEL  # no unit is left that could have changed
        return
    found = downstream(between(original, twin.store).situation)
    old, new = (dict(units_of(one.ledger)) for one in (original, twin))
    changed = [unit for unit in {*old, *new} if old.get(unit) != new.get(unit)]
    for part, stage, position in changed:
        assert part in found and found[part].holds(stage, position), (part, stage, position)
    known = family_of(family)
    if name == "a row of weight 0" and known.trail != "steps" and known.weighing != "none":
        assert not changed  # it is among the unit's rows, and adds nothing
    else:
        assert bool(changed) == (name != "rows that no unit saw")
    assert len(changed) < len(old) or name != "one row"


@pytest.mark.parametrize("family", every_family())
def test_a_learner_answers_with_a_share_for_each_class(family, originals):
    original, known = originals(family), family_of(family)
    ledger, store = original.ledger, original.store
    source = ModelSource(ledger.header.module.name, module_source(ledger))
    learner = known.open(source, store, options=ledger.header.options)
    state, rows = ledger.final_weights()[0], store.slice_rows(0, 0)
    outputs = learner.predict(state, rows)
    assert outputs.shape == (len(rows), learner.units) and len(learner.targets(rows)) == len(rows)
    assert known.distance(state, state, names=ledger.header.trainable) == 0
    if learner.task == "classification":
        assert np.allclose(outputs.sum(axis=1), 1, atol=1e-5)
        assert set(learner.targets(rows).tolist()) <= set(range(learner.units))
