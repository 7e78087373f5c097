"""The header of a ledger: written as ever, read whatever its age, its digest that of the file."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.handmade import plain_header
from lineage_store.canonical import canonical_json, digest_json, write_atomic
from lineage_store.claim import LEVELS, Bridge, Claim
from lineage_store.errors import BadInput, Damaged
from lineage_store.ledger.header import BaseOrigin, Header
from lineage_store.ledger.records import StageRecord
from lineage_store.ledger.shards import ShardLedger, open_ledger, write_header
from lineage_store.ledger.update_codecs import LOSSLESS
from lineage_store.placement import Partition
from unlearning.keras_learning.class_weights import ALIKE
from unlearning.serving.aggregation import DEFAULT
from unlearning.training.config import TrainConfig, config_of

PARTITION = Partition(2, 2, 1, 4, 0)
FIRST = {"format": 1}
SECOND = ("claim", "generation", "states", "buckets")
LATER = (
    *SECOND,
    "update_codec",
    "aggregate",
    "class_weights",
    "early_stop",
    "checkpoints",
    "optimizer",
)

bases = st.builds(
    BaseOrigin, st.text(), st.lists(st.none() | st.text(), max_size=3).map(tuple)
)  # fmt: skip
numbers = st.none() | st.integers(1, 9)
headers = st.builds(
    lambda **fields: plain_header(PARTITION, **fields),
    trainable=st.lists(st.text()).map(tuple),
    spec=st.dictionaries(st.text(), st.integers()),
    options=st.fixed_dictionaries(
        {
            "aggregate": st.sampled_from(["mean", "vote"]),
            "model_family": st.sampled_from(["keras", "naive-bayes"]),
            "early_stop": numbers,
            "checkpoint_every": numbers,
            "checkpoint_budget": numbers,
            "record_budget": numbers,
        }
    ),
    base=st.none() | bases,
    claim=st.none() | st.builds(Claim, st.sampled_from(LEVELS), st.none() | st.just(Bridge(3, 7))),
    generation=st.none() | st.integers(0, 9),
    states=st.lists(st.none() | st.text()).map(tuple),
    buckets=st.integers(1, 99),
)


@given(headers)
def test_a_header_is_read_back_as_it_was_written(header):
    assert Header.from_json(json.loads(canonical_json(header.to_json()))) == header


def test_without_a_base_or_a_budget_there_is_no_such_key():
    assert not {"base", "record_budget", "model_family"} & plain_header(PARTITION).to_json().keys()


def test_what_an_older_header_lacks_means_what_was_done_then():
    older = {k: v for k, v in plain_header(PARTITION).to_json().items() if k not in LATER} | FIRST
    header = Header.from_json(json.loads(canonical_json(older)))
    assert header == plain_header(PARTITION, format=1)
    assert (header.claim, header.generation, header.states, header.buckets) == (None, None, (), 1)
    assert (header.options.codec, header.options.aggregate) == (LOSSLESS, DEFAULT)
    assert (header.options.class_weights, header.options.early_stop) == (ALIKE, None)


def test_a_header_of_the_first_format_is_written_as_it_was():
    assert not set(SECOND) & plain_header(PARTITION, format=1).to_json().keys()


def test_a_ledger_of_a_newer_unweave_is_refused():
    value = {**plain_header(PARTITION).to_json(), "format": 3}
    with pytest.raises(BadInput, match="format 3, and this unweave knows formats up to 2"):
        Header.from_json(value)


@pytest.mark.parametrize("gone", ["model", "partition", "module", "environment"])
def test_what_is_no_header_is_refused(gone):
    value = plain_header(PARTITION).to_json()
    del value[gone]
    with pytest.raises(KeyError):
        Header.from_json(value)


def test_an_older_ledger_keeps_its_digest(tmp_path):
    for name in ("today", "older"):
        (tmp_path / name).mkdir()
    written = write_header(tmp_path / "today", plain_header(PARTITION))
    value = plain_header(PARTITION).to_json()
    older = {k: v for k, v in value.items() if k not in LATER} | FIRST
    write_atomic(tmp_path / "older" / "header.json", canonical_json(older) + b"\n")
    ledger = open_ledger(tmp_path / "older")
    assert ledger.header == replace(written.header, format=1)
    value_digested = {"header": older, "stages": [[], []], "subtracted": [[], []]}
    assert ledger.digest() == digest_json(value_digested)
    assert written.digest() == digest_json({**value_digested, "header": value})


def test_the_configuration_of_a_run_stands_in_its_header(tmp_path):
    header = plain_header(PARTITION, options={"early_stop": 3}, base=BaseOrigin("m7", ("a", None)))
    config = config_of(write_header(tmp_path, header))
    wanted = TrainConfig(options=header.options, module="built in", key_id="", base="m7")
    assert config == wanted and config.options.early_stop == 3


OTHER_TYPES = [("stage", 0.5), ("stage", None), ("watched", "ab"), ("kind", "x"),
               ("seconds", True), ("model", 3)]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), OTHER_TYPES)
def test_a_stage_whose_record_is_of_other_types_is_damaged(tmp_path, name, value):
    record = StageRecord(0, 0, 9, 1, 1, 0, 1, "r", "c", "s", "m1", 0.25, watched=(1.0, 2))
    shard = ShardLedger(tmp_path)
    shard.stage_file(0).parent.mkdir(parents=True, exist_ok=True)
    shard.stage_file(0).write_text(json.dumps(record.to_json()), encoding="utf-8")
    assert shard.stages() == [record]
    shard.stage_file(0).write_text(json.dumps({**record.to_json(), name: value}), encoding="utf-8")
    with pytest.raises(Damaged):
        shard.stages()
