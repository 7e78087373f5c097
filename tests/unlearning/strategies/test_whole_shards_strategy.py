"""Whole shards have a strategy of a name, that certificates are judged by and nobody asks for."""

import pytest

from lineage_store.claim import BITS
from lineage_store.errors import BadInput
from unlearning.families.known_families import with_trail
from unlearning.strategies.known_strategies import (
    choose,
    known_strategy,
    register,
    strategies,
    strategy_of,
)
from unlearning.strategies.unasked import RetrainWholeShards

NAME = "retrain-whole-shards"


def test_it_is_known_by_its_name_and_serves_no_family_yet():
    known = strategy_of(NAME)
    assert known is not None and known.claim == BITS
    assert known.families == with_trail("whole") == ()
    assert known_strategy("retrain-whole-shard") is None
    with pytest.raises(BadInput, match="There is a strategy 'retrain-whole-shards' already"):
        register(RetrainWholeShards())


def test_nobody_asks_for_it_where_shards_have_stages():
    assert NAME not in strategies()
    with pytest.raises(BadInput, match="There is no strategy 'retrain-whole-shards'; there are"):
        choose(guarantee=None, name=NAME)
    with pytest.raises(BadInput, match=r"run their pipeline again with `unweave\.tfx\.forget`"):
        RetrainWholeShards().decide(None)
