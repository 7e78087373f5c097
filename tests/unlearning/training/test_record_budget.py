"""A storage budget: the most exact codec that fits, kept whatever updates hold, or regeneration."""

import random
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.ledger.update_codecs import SUMMABLE, encode
from lineage_store.placement import Partition, Stage
from pipelines.backends.direct import DirectBackend
from unlearning.training.record_budget import (
    BYTES_A_PARAMETER,
    affordable,
    checkpoint_bytes,
    most_bytes,
)
from unlearning.training.step_checkpoints import REGENERATE, kept_in
from unweave import Project
from unweave.text.answers import trained

PARTITION = Partition(shards=1, slices=1, epochs=4, batch_size=8, seed=0)
CHOSEN = TrainOptions(**asdict(PARTITION), record="all")
WEIGHTS = {"weights/a": np.zeros((40, 20), np.float32), "weights/b": np.zeros(20, np.float32)}
STATE = {f"{name}{n}": array for n in range(3) for name, array in WEIGHTS.items()}
OPTIONS = {"label": "label", "subject": "person", "shards": 2, "slices": 1, "epochs": 3,
           "batch_size": 8, "record": "all"}  # fmt: skip


def chosen(budget, *, epochs=4, batches=25):
    stages = [Stage(0, 200, epochs, batches, 0)]
    options = replace(CHOSEN, record_budget=budget)
    return affordable(options, stages, trainable=WEIGHTS, state=STATE)


def test_the_codecs_have_bounds_in_the_order_of_exactness():
    assert tuple(BYTES_A_PARAMETER) == SUMMABLE
    sizes = [most_bytes(codec, WEIGHTS) for codec in SUMMABLE]
    assert sizes == sorted(sizes, reverse=True)


@given(shapes=st.lists(st.integers(1, 900), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_no_update_takes_more_than_its_bound(shapes, seed):
    draw = np.random.default_rng(seed)
    names = [f"weights/{n:04d}.{'layer' * 8}" for n in range(len(shapes))]
    # Bits at random, with the exponent kept finite: nothing that zstandard could make smaller.
    before, after = (
        {name: np.frombuffer((draw.integers(0, 1 << 32, size, np.uint32) & 0xBFFFFFFF).tobytes(),
                             np.float32) for name, size in zip(names, shapes, strict=True)}
        for _ in range(2)
    )  # fmt: skip
    for codec in SUMMABLE:
        assert len(encode(codec, before=before, after=after)) <= most_bytes(codec, before)


@given(budget=st.integers(1, 700_000))
def test_the_most_exact_codec_that_fits_is_taken_and_else_checkpoints_that_fit(budget):
    options = chosen(budget)
    if options.record == "all":
        assert 100 * most_bytes(options.update_codec, WEIGHTS) <= budget
        for better in SUMMABLE[: SUMMABLE.index(options.update_codec)]:
            assert 100 * most_bytes(better, WEIGHTS) > budget
    else:
        assert options.record == REGENERATE and 100 * most_bytes("int8", WEIGHTS) > budget
        every = options.checkpoint_every
        assert every is not None and options.checkpoint_budget is None
        assert (kept_in(100, every) if every else 0) * checkpoint_bytes(STATE) <= budget
        if every > 1:
            assert kept_in(100, every - 1) * checkpoint_bytes(STATE) > budget
    assert options.record_budget == budget
    assert affordable(options, [], trainable=WEIGHTS, state=STATE).record == options.record


def test_all_policies_come_up():
    budgets = [100 * most_bytes(codec, WEIGHTS) for codec in SUMMABLE]
    found = {(c.record, c.codec) for c in map(chosen, (*budgets, budgets[-1] - 1))}
    assert found == {("all", "float32"), ("all", "bfloat16"), ("all", "int8"),
                     (REGENERATE, "float32")}  # fmt: skip


def test_without_a_budget_nothing_is_chosen():
    assert affordable(CHOSEN, [], trainable=WEIGHTS, state=STATE) is CHOSEN
    assert "record_budget" not in CHOSEN.to_json()


@pytest.fixture(scope="module")
def table(write_csv):
    draw = random.Random(3)
    lines = [["person", "a", "b", "label"]]
    for number in range(160):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        lines.append([f"p{number % 16}", f"{a:.3f}", f"{b:.3f}", "yes" if a > b else "no"])
    return write_csv(lines)


@pytest.mark.parametrize("budget", [8_000_000, 300_000, 60_000])
def test_a_run_keeps_to_its_budget_says_so_and_serves_from_what_it_kept(table, tmp_path, budget):
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    answer = project.train(table, record_budget=budget, **OPTIONS)
    connection = read_index(project.root / "unweave.sqlite")
    try:
        record = find_model(connection)
    finally:
        connection.close()
    ledger = open_ledger(project.root / record.paths["ledger"])
    kept = [
        file.stat().st_size
        for name in ("updates", "steps")
        for file in ledger.folder.glob(f"shards/*/{name}/*")
    ]
    assert sum(kept) <= budget
    options = ledger.header.options
    assert answer["config"]["record"] == options.record
    assert answer["config"]["update_codec"] == options.codec
    assert options.record_budget == budget
    (line,) = [part for part in trained(answer) if str(part).startswith("  keeps")]
    assert f"{budget:,} bytes" in line
    assert (options.codec if options.record == "all" else "compute updates again") in line
    done = project.forget(["p3"], strategy="amnesiac")
    assert done["updates_subtracted"] > 0


@pytest.mark.parametrize(
    "options",
    [
        {"record": "none"},
        {"record": "regenerate"},
        {"update_codec": "int8"},
        {"checkpoint_every": 5},
        {"checkpoint_budget": 5},
    ],
)
def test_a_budget_decides_alone(table, tmp_path, options):
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    with pytest.raises(BadInput, match="`record_budget` goes with `record` all"):
        project.train(table, record_budget=1000, **{**OPTIONS, **options})
    with pytest.raises(BadInput, match="`record_budget` is 0"):
        project.train(table, record_budget=0, **OPTIONS)
