"""What every family and its strategies keep, whoever wrote them (DESIGN.md, the contract test).

Learnt twice, a part has the same bytes; what a strategy makes of it has the bytes of a part that
was learnt from the rows that remain, and the untouched one has not. Rows go through the gate and
the family's own encoding, in any order.
"""

import random
from dataclasses import replace

import numpy as np
import pytest

from lineage_store.canonical import digest_file, read_json
from lineage_store.claim import BITS
from lineage_store.ledger import TrainOptions, open_ledger
from unlearning.encoding import store_from_snapshot
from unlearning.families.family import ModelSource
from unlearning.families.known_families import FAMILIES, family_of
from unlearning.fitting.fit import fit, refit
from unlearning.planning.choice import Asked, choose_here
from unlearning.planning.downstream import downstream
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.plan import INFERENCE_CHANGED
from unlearning.planning.refused_plans import must_leave_nothing
from unlearning.strategies.known_strategies import strategies_for
from unlearning.strategies.strategy import Situation
from unlearning.training.config import TrainConfig

MODULE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(numbers))
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=spec.loss)
    return model
"""
ROWS = 60
# By the number of a row; 0 has the only value of its town and the least size.
FORGET_SETS = {
    "one row": {7},
    "the last row of a value": {0},
    "some": {3, 11, 12, 29, 41},
    "all but a few": set(range(4, ROWS)),
}


def lines(without=frozenset(), *, seed=0):
    draw = random.Random(5)
    table = []
    for number in range(ROWS):
        town, size = draw.choice(["Ulm", "Trier", ""]), f"{draw.lognormvariate(0, 1):.3f}"
        if not number:
            town, size = "Nowhere", "1e-20"
        table.append([str(number), town, size, "yes" if draw.random() < 0.5 else "no"])
    if seed:
        random.Random(seed).shuffle(table)
    return [["row", "town", "size", "label"], *(r for r in table if int(r[0]) not in without)]


@pytest.fixture(scope="module")
def store_of(gated, new_folder):
    """Return a function that passes lines through the gate into a family's row store."""

    def store(family, table, cut):
        family.pin()
        snapshot = gated(table, row_id="row")
        folder = new_folder() / "rows"
        return store_from_snapshot(folder, snapshot, cut, encoding_of=family.encoding)

    return store


@pytest.fixture(scope="module")
def learnt(store_of, new_folder):
    """Return a function that learns a family's model from lines: ledger and store, once each."""

    def learn(family, table):
        options = TrainOptions(model_family=family.name, shards=2, epochs=2, batch_size=8)
        options = family.completed(options)
        if family.trail == "steps":
            options = replace(options, slices=2)
        store = store_of(family, table, options.partition)
        source = family.source(None)
        text = MODULE if family.trail == "steps" else source.text
        config = TrainConfig(options=options, module="user module", key_id="")
        folder = new_folder()
        return fit(config, model="m1", text=text, store=store, folder=folder, serving=None), store

    return learn


@pytest.fixture(scope="module")
def originals(learnt):
    """One model of each family, learnt when it is asked for."""
    known = {}

    def original(family):
        if family.name not in known:
            known[family.name] = learnt(family, lines())
        return known[family.name]

    return original


def states(ledger):
    """Return the digest of every file of a whole state that a ledger has, by part."""
    return [
        [digest_file(shard.checkpoint_file(stage.stage)) for stage in shard.stages()]
        for shard in ledger.shards()
    ]


def situation_between(ledger, before, after):
    """Return what a deletion meets that leaves the rows of one store of those of another."""
    deleted = {}
    for shard, counts in enumerate(before.counts):
        for slice_ in range(len(counts)):
            rows, left = (one.slice_rows(shard, slice_).row_keys for one in (before, after))
            known = {key.tobytes() for key in left}
            if gone := [at for at, key in enumerate(rows) if key.tobytes() not in known]:
                deleted[shard, slice_] = rows[np.array(gone)]
    told = [read_json(one.folder / "rows.json")["description"]["inference"]
            for one in (before, after)]  # fmt: skip
    fresh = None if told[0] == told[1] else INFERENCE_CHANGED
    return Situation(ledger, deleted, after.counts, fresh, adapts=False)


def carried_out(situation, strategy, before, after, folder):
    """Carry out what an exact strategy decides, as a run does, and return the new ledger."""
    decisions = strategy.decide(situation)
    plan = ModelPlan(
        model_before="m1", model_after="m2", strategy=strategy.name, claim=BITS, why="",
        rows_found=0, rows_by_split={}, shards=decisions, steps_planned=0, steps_full=0,
        verdicts=(), inference_changed=False,
    )  # fmt: skip
    must_leave_nothing(
        decisions, downstream(situation), situation, strategy=strategy.name, claim=BITS
    )
    return refit(
        plan, old=situation.ledger, store=after, folder=folder, serving=None, old_store=before
    )


CASES = [
    pytest.param(
        family, forget, marks=[pytest.mark.slow] if family == "keras" and forget != "some" else []
    )
    for family in FAMILIES
    for forget in FORGET_SETS
]


@pytest.mark.parametrize("family", FAMILIES)
def test_learnt_twice_a_part_has_the_same_bytes(family, learnt, originals):
    known = family_of(family)
    once, _ = originals(known)
    again, _ = learnt(known, lines(seed=1))
    assert states(once) == states(again)


@pytest.mark.parametrize("family, forget", CASES)
def test_a_strategy_gives_the_bytes_of_what_was_learnt_without_the_rows(
    family, forget, learnt, originals, new_folder
):
    known = family_of(family)
    old, before = originals(known)
    twin, after = learnt(known, lines(FORGET_SETS[forget], seed=2))
    assert states(old) != states(twin)  # the untouched model fails
    exact = [one for one in strategies_for(known.name).values() if one.claim.settles]
    assert exact
    situation = situation_between(old, before, after)
    for strategy in exact:
        new = carried_out(situation, strategy, before, after, new_folder())
        assert states(new) == states(twin)
        assert open_ledger(new.folder).final_weights()
    chosen = choose_here(situation, Asked(guarantee="exact"), served=0)
    assert chosen.strategy.name == exact[0].name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_learner_answers_with_a_share_for_each_class(family, originals):
    known = family_of(family)
    ledger, store = originals(known)
    text = MODULE if known.trail == "steps" else ""
    learner = known.open(ModelSource("user module", text), store, seed=0)
    rows = store.slice_rows(0, 0)
    told = learner.predict(ledger.final_weights()[0], rows)
    assert told.shape == (len(rows), learner.units)
    assert np.allclose(told.sum(axis=1), 1, atol=1e-5)
    assert set(learner.targets(rows).tolist()) <= set(range(learner.units))
    assert known.distance(*[ledger.final_weights()[0]] * 2, names=ledger.header.trainable) == 0
