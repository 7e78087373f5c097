"""Whole shards have a strategy: of families that train them, and by name of other people's."""

import pytest

from lineage_store.claim import BITS
from lineage_store.errors import BadInput
from unlearning.families.known_families import with_trail
from unlearning.strategies.known_strategies import (
    choose,
    known_strategy,
    register,
    strategies_for,
    strategy_of,
)
from unlearning.strategies.retrain_whole import RetrainWholeShards

NAME = "retrain-whole-shards"


def test_it_is_known_by_its_name_and_serves_who_trains_shards_whole():
    known = strategy_of(NAME)
    assert known is not None and known.claim == BITS
    assert known.families == with_trail("whole") == ("estimator",)
    assert known_strategy("retrain-whole-shard") is None
    with pytest.raises(BadInput, match="There is a strategy 'retrain-whole-shards' already"):
        register(RetrainWholeShards())


def test_it_is_chosen_by_name_and_serves_no_model_of_steps():
    assert choose(guarantee=None, name=NAME).name == NAME
    assert NAME not in strategies_for("keras") and [*strategies_for("estimator")] == [NAME]
    with pytest.raises(BadInput, match="There is no strategy 'withdraw'; there are"):
        choose(guarantee=None, name="withdraw")
