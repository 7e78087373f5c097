"""One placement of Adult, in a process of its own: trained, and asked to forget.

`python -m benchmarks.one_placement JSON`. The file passes the gate with the rules of the placement;
the requests are the same for every placement, since they are drawn from ids and ages alone. Their
steps are those of the plan's decisions (`RetrainShards.decide`); the first few requests are then
carried out by `refit`, as the TFX component does it.
"""

import csv
import json
import random
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import adult
from benchmarks.mnist import KEYS
from lineage_store.cells.cell import CellLayout
from lineage_store.cells.gate import let_through
from lineage_store.cells.snapshot import Snapshot, describe, read_snapshot
from lineage_store.data.columns import Columns, read_header
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.data.record import EVAL, TRAIN
from lineage_store.data.risk import RiskRule, bands_of, parse_rules
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.ledger.shards import Ledger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition, cells_of
from lineage_store.rows.row_store import RowStore
from lineage_store.rows.writer import write_rows
from lineage_store.sources import open_source
from unlearning.encoding.encode_records import encode_pieces
from unlearning.encoding.keras_encoding import KerasEncoding
from unlearning.families.keras_parts import KerasParts
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.fitting import fit
from unlearning.keras_learning.make import make_learner
from unlearning.keras_models.module_file import BUILT_IN, built_in_text
from unlearning.planning.expected_cost import expected_cost
from unlearning.planning.model_plan import ModelPlan
from unlearning.serving.aggregation import DEFAULT, aggregation_for
from unlearning.serving.evaluate import evaluate
from unlearning.strategies.retrain_shards import RetrainShards
from unlearning.strategies.shard_decision import ShardDecision
from unlearning.strategies.strategy import Situation
from unlearning.training.config import TrainConfig

TOGETHER = 10
NOTHING: frozenset[bytes] = frozenset()
Numbers = dict[str, Any]


def measure(asked: Numbers) -> Numbers:
    """Train for each seed, plan all requests, and carry a few of them out."""
    pin_tensorflow()
    folder, partition = Path(asked["folder"]), Partition(**asked["partition"])
    file = folder / "people.csv"
    adult.write_people(file, limit=asked["limit"])
    rules = parse_rules(asked["rules"])
    snapshot = gate(file, folder, rules if partition.bands > 1 else ())
    bands = bands_of_people(file, rules)
    store = store_without(folder / "rows", snapshot, partition)
    places = {record.row_key: record.place for record in read_snapshot(snapshot, TRAIN)}
    requests = drawn(bands, set(places), asked["pattern"], number=asked["requests"])
    pattern = asked["pattern"] if partition.bands > 1 else None
    ledgers = [
        train(folder / f"seed-{seed}", store, Partition(**{**asked["partition"], "seed": seed}))
        for seed in range(asked["seeds"])
    ]
    groups = [requests[n : n + TOGETHER] for n in range(0, len(requests), TOGETHER)]
    ledger = ledgers[0]
    planned = [steps_of(decide(ledger, store, [key], places)) for key in requests]
    return {
        "rows": sum(map(sum, store.counts)),
        "shard_rows": [sum(line) for line in store.counts],
        "cost": expected_cost(store.counts, partition, pattern=pattern).to_json(),
        "planned": planned,
        "together": [steps_of(decide(ledger, store, group, places)) for group in groups],
        "carried_out": [
            carried_out(folder / f"without-{number}", ledger, snapshot, store, key, places)
            for number, key in enumerate(requests[: asked["carried_out"]])
        ],
        "metrics": [metrics_of(ledger, store, bands) for ledger in ledgers],
    }


def gate(file: Path, folder: Path, rules: tuple[RiskRule, ...]) -> Snapshot:
    """Pass the file through the gate; the keys are those of all benchmarks."""
    columns = Columns(adult.LABEL, row_id=adult.ROW_ID, place_by_row=True, risk=rules)
    header = read_header(open_source(file), columns)
    blocks = read_blocks_of(
        [open_source(file)],
        columns=columns,
        header=header,
        keys=KEYS,
        pseudonyms=Pseudonyms(Path(":memory:"), KEYS),
        exclusions=Exclusions(),
        temporary=folder,
    )
    return let_through(blocks, header.roles, folder=folder / "snapshot")


def bands_of_people(file: Path, rules: tuple[RiskRule, ...]) -> dict[bytes, int]:
    """Return the band of each row key by the rules, whether or not the placement knows them."""
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    each = np.arange(len(rows))
    bands = bands_of(rules, [([row[rule.column] for row in rows], each) for rule in rules])
    ids = [row[adult.ROW_ID].encode() for row in rows]
    return {
        KEYS.row_key(kind="id", value=one): band
        for one, band in zip(ids, bands.tolist(), strict=True)
    }


def drawn(
    bands: dict[bytes, int], learnt: set[bytes], pattern: list[float], *, number: int
) -> list[bytes]:
    """Draw different training rows by the pattern, the same ones every time."""
    draw = random.Random(7)
    by_band: list[list[bytes]] = [[] for _ in pattern]
    for key in sorted(learnt):
        by_band[bands[key]].append(key)
    for keys in by_band:
        draw.shuffle(keys)
    return [by_band[band].pop() for band in draw.choices(range(len(pattern)), pattern, k=number)]


def store_without(
    folder: Path, snapshot: Snapshot, partition: Partition, *, deleted: frozenset[bytes] = NOTHING
) -> RowStore:
    """Write the row store without some training rows."""
    schema = snapshot.schema
    train = (r for r in read_snapshot(snapshot, TRAIN) if r.row_key not in deleted)
    evaluation = read_snapshot(snapshot, EVAL)
    encoding = KerasEncoding(schema)
    return write_rows(
        folder,
        train=encode_pieces(train, schema, encoding=encoding),
        evaluation=encode_pieces(evaluation, schema, encoding=encoding),
        layout=CellLayout(partition, 1),
        description=describe(snapshot),
    )


def train(folder: Path, store: RowStore, partition: Partition) -> Ledger:
    """Train the built-in model."""
    config = TrainConfig(
        options=TrainOptions(**asdict(partition)), module=BUILT_IN, key_id=KEYS.key_id
    )
    return fit.fit(
        config, model="m1", text=built_in_text(), store=store, folder=folder, serving=None
    )


def decide(
    ledger: Ledger, store: RowStore, keys: list[bytes], places: dict[bytes, bytes]
) -> tuple[ShardDecision, ...]:
    """Decide on every shard as a plan does, for rows that leave together."""
    digests = np.array([int.from_bytes(places[key], "big") for key in keys], np.uint64)
    shards, slices = cells_of(digests, ledger.partition)
    counts = [list(line) for line in store.counts]
    deleted: dict[tuple[int, int], Any] = {}
    for key, shard, slice_ in zip(keys, shards.tolist(), slices.tolist(), strict=True):
        counts[shard][slice_] -= 1
        deleted.setdefault((shard, slice_), []).append(np.frombuffer(key, np.uint8))
    situation = Situation(
        ledger=ledger,
        deleted={cell: np.stack(found) for cell, found in deleted.items()},
        new_counts=counts,
        fresh_start=None,
    )
    return RetrainShards().decide(situation)


def steps_of(decisions: tuple[ShardDecision, ...]) -> int:
    """Return the planned steps of all shards."""
    return sum(decision.steps for decision in decisions)


def carried_out(
    folder: Path,
    old: Ledger,
    snapshot: Snapshot,
    store: RowStore,
    key: bytes,
    places: dict[bytes, bytes],
) -> Numbers:
    """Forget one row by `refit`; return the planned steps, and those that were computed."""
    decisions = decide(old, store, [key], places)
    left = store_without(folder / "rows", snapshot, old.partition, deleted=frozenset([key]))
    plan = ModelPlan(
        model_before="m1",
        model_after="m2",
        strategy=RetrainShards.name,
        claim=RetrainShards.claim,
        why="",
        rows_found=1,
        rows_by_split={"train": 1},
        shards=decisions,
        steps_planned=steps_of(decisions),
        steps_full=0,
        verdicts=(),
        inference_changed=False,
    )
    new = fit.refit(plan, old=old, store=left, folder=folder / "ledger", serving=None)
    return {"planned": plan.steps_planned, "computed": new.steps_taken(model="m2")}


def metrics_of(ledger: Ledger, store: RowStore, bands: dict[bytes, int]) -> Numbers:
    """Return accuracy and log loss on all evaluation rows, and on those that a rule holds for."""
    learner = make_learner(built_in_text(), name=BUILT_IN, store=store, seed=ledger.partition.seed)
    rows = store.evaluation()
    likely = np.array([bands[key.tobytes()] > 0 for key in rows.row_keys])
    weights = ledger.final_weights()
    mean = aggregation_for(DEFAULT, task=learner.spec.task)
    return {
        "all": evaluate(KerasParts(learner), weights, rows, aggregate=mean),
        "likely": evaluate(
            KerasParts(learner), weights, rows.take(np.flatnonzero(likely)), aggregate=mean
        ),
    }


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
