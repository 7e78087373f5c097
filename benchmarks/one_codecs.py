"""The measured part of `update-codecs`: `python -m benchmarks.one_codecs JSON`.

Every 37th step's update is encoded and decoded by each codec, from the weights before and after the
step, as the recorder's thread does. Then the same run is made again without updates but with
checkpoints, for each interval, and ten of its updates are computed again, each alone.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.ledger.shards import ShardLedger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.ledger.update_codecs import CODECS, decode, encode, weights_before
from lineage_store.placement import Partition, batches_of_rows
from lineage_store.rows.row_store import RowStore, open_rows
from lineage_store.tensors import State
from unlearning.keras_learning.make import make_learner
from unlearning.strategies.regenerate import replayed
from unlearning.training.batches import shard_schedule, stage_batches
from unlearning.training.stages import Run, start_state, train_shard
from unlearning.training.step_checkpoints import REGENERATE

EACH, FORGOTTEN, ALONE = 37, 10, 10

Numbers = dict[str, Any]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a piece of work returns, and its milliseconds."""
    began = time.perf_counter()
    done = work()
    return done, (time.perf_counter() - began) * 1e3


def row(state: State, names: Sequence[str]) -> np.ndarray:
    """Return the named arrays of a state as one row, float64."""
    return np.concatenate([state[name].astype(np.float64).reshape(-1) for name in names])


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the distance of two rows over the length of the second."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def codecs(run: Run, store: RowStore, positions: frozenset[int]) -> Numbers:
    """Train, and encode updates on the way; `positions` are those whose updates are subtracted."""
    (stage,) = shard_schedule(store, 0, run.partition)
    rows = store.stage_rows(0, stage.index)
    run.learner.load(start_state(run, store, 0))
    names = sorted(run.learner.trainable())
    seen: dict[str, dict[str, list[float]]] = {
        name: {"bytes": [], "encode": [], "decode": [], "error": []} for name in CODECS
    }
    sums = dict.fromkeys(CODECS, 0.0)
    exact, steps = 0.0, 0
    last = run.learner.trainable()
    for epoch, batch, here in stage_batches(rows, stage, seed=run.partition.seed):
        position = stage.position(epoch=epoch, batch=batch)
        float(run.learner.step(here, shard=0, position=position))
        before, last = last, run.learner.trainable()
        steps += 1
        if position not in positions and steps % EACH:
            continue
        wanted = row(last, names) - row(before, names)
        for name, codec in CODECS.items():
            data, encoding = timed(lambda b=before, a=last, n=name: encode(n, before=b, after=a))
            if codec.can_be_summed:
                update, decoding = timed(lambda d=data: decode(d))
                if position in positions:
                    sums[name] = sums[name] + row(update, names)
                seen[name]["error"].append(relative(row(update, names), wanted))
            else:
                _, decoding = timed(lambda a=last, d=data: weights_before(a, d))
            for what, value in (("bytes", len(data)), ("encode", encoding), ("decode", decoding)):
                seen[name][what].append(value)
        if position in positions:
            exact = exact + wanted
    parameters = len(row(last, names))
    weights = row(last, names)
    by_codec = {}
    for name, codec in CODECS.items():
        summed = codec.can_be_summed
        by_codec[name] = {
            "bytes": sum(seen[name]["bytes"]) / len(seen[name]["bytes"]) / parameters,
            "encode": statistics.median(seen[name]["encode"]),
            "decode": statistics.median(seen[name]["decode"]),
            "update_error": statistics.median(seen[name]["error"]) if summed else None,
            "sum_error": relative(sums[name], exact) if summed else None,
            "weights_error": relative(weights - sums[name], weights - exact) if summed else None,
        }
    return {
        "codecs": by_codec,
        "steps": steps,
        "parameters": parameters,
        "measured": len(seen["int8"]["bytes"]),
        "subtracted": len(positions),
    }


def regenerations(run: Run, store: RowStore, folder: Path, parameters: int) -> Numbers:
    """Train with checkpoints, and compute updates again, each alone."""
    ledger = ShardLedger(folder)
    train_shard(run, store, 0, ledger, kept=0)
    (record,) = ledger.stages()
    positions = [step.position for step in ledger.steps(record.stage)]
    kept = sum(file.stat().st_size for file in (folder / "steps").iterdir())
    draw = np.random.default_rng(0)
    replays, milliseconds = [], []
    for position in draw.choice(positions, ALONE, replace=False).tolist():
        start = max((p for p in ledger.step_checkpoints() if p < position), default=-1)
        replays.append(sum(start < p <= position for p in positions))
        _, took = timed(lambda p=position: list(replayed(run, store, 0, ledger, [p])))
        milliseconds.append(took)
    return {
        "every": run.interval,
        "share": kept / (4 * parameters * len(positions)),
        "replayed": statistics.median(replays),
        "milliseconds": statistics.median(milliseconds),
    }


def main() -> None:
    """Measure what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    partition = Partition(**asked["partition"])
    store = open_rows(Path(asked["store"]))
    text = Path(asked["module"]).read_text(encoding="utf-8")
    learner = make_learner(text, name="benchmark", store=store, seed=partition.seed)
    run = Run(
        learner=learner,
        options=TrainOptions(**asdict(partition)),
        model="m1",
        clock=time.perf_counter,
    )
    (stage,) = shard_schedule(store, 0, partition)
    saw = batches_of_rows(
        store.slice_rows(0, 0).batch_bits[:FORGOTTEN],
        shard=0,
        first_stage=0,
        stages=[stage],
        seed=partition.seed,
    )
    positions = frozenset(stage.position(epoch=one.epoch, batch=one.batch) for one, _ in saw)
    found = codecs(run, store, positions)
    found["regenerated"] = []
    for every in asked["intervals"]:
        options = replace(run.options, record=REGENERATE)
        kept = replace(run, options=options, interval=every)
        with tempfile.TemporaryDirectory(dir=store.folder) as folder:
            numbers = regenerations(kept, store, Path(folder) / "shard", found["parameters"])
        found["regenerated"].append(numbers)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
