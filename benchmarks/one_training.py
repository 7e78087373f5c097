"""One measured training in a process of its own: `python -m benchmarks.one_training JSON`.

The sides, all on the same rows, model, epochs and batch size, and on one thread:

    fit      Keras's `fit`, deterministic as ours is
    stock    Keras's `fit` as it comes: not deterministic, and compiled by XLA where Keras does so
    none     ours: lineage of every step, no updates kept
    all      ours, with every step's update written to disk as float32, lossless
    int8     ours, with every step's update written to disk in 8 bits

A thread beside the training encodes and writes the updates, on a second core where there is one.

`loop` is the seconds of the training alone. Both graphs are traced before, by a first batch from
which the weights are restored; ours counts all from fresh weights and reading rows to the written
ledger. `whole` adds building and tracing (and our check that the model repeats itself). Imports
are in neither. `cpu` is the loop's processor time.
"""

import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.ledger.shards import ShardLedger, shard_folder
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.ledger.update_codecs import LOSSLESS
from lineage_store.placement import Partition
from lineage_store.rows.arrays import Rows, in_key_order, joined
from lineage_store.rows.row_store import RowStore, open_rows
from lineage_store.tensors import weights_digest
from unlearning.families.keras_parts import KerasParts
from unlearning.fingerprint.determinism import THREADS, pin_tensorflow
from unlearning.keras_learning.make import make_learner
from unlearning.keras_models.module_file import load_module, spec_of
from unlearning.serving.aggregation import AGGREGATIONS
from unlearning.serving.evaluate import evaluate
from unlearning.training.stages import Run, probe, train_shard

Numbers = dict[str, Any]


def plain_inputs(rows: Rows) -> dict[str, np.ndarray]:
    """Return what a model of the contract takes, as arrays."""
    missing = np.isnan(rows["numbers"])
    return {
        "numbers": np.where(missing, np.float32(0), rows["numbers"]),
        "missing": missing.astype(np.float32),
        "categories": rows["categories"],
    }


def all_rows(store: RowStore) -> Rows:
    """Return the training rows of all shards."""
    slices = [
        (shard, slice_) for shard, row in enumerate(store.counts) for slice_ in range(len(row))
    ]
    return in_key_order(joined([store.slice_rows(*one) for one in slices]))


def fit_plain(store: RowStore, text: str, partition: Partition) -> Numbers:
    """Train one model on all rows with Keras's own `fit`."""
    import keras

    rows = all_rows(store)
    began = time.perf_counter()
    keras.utils.set_random_seed(partition.seed)
    module = load_module(text, name="benchmark")
    model = module.build_model(spec_of(store.schema))
    taken = [tensor.name for tensor in model.inputs]
    inputs = {name: plain_inputs(rows)[name] for name in taken}
    if hasattr(module, "adapt"):
        module.adapt(model, *plain_inputs(rows).values())
    model.optimizer.build(model.trainable_variables)
    variables = [*model.weights, *model.optimizer.variables]
    start = [variable.numpy() for variable in variables]
    size = partition.batch_size
    both_shapes = slice(0, size + len(rows) % size)  # XLA compiles each shape of a batch
    first = {name: array[both_shapes] for name, array in inputs.items()}
    model.fit(first, rows.labels[both_shapes], batch_size=size, epochs=1, verbose=0)
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    loop, cpu = time.perf_counter(), time.process_time()
    model.fit(inputs, rows.labels, batch_size=size, epochs=partition.epochs, verbose=0)
    end, cpu = time.perf_counter(), time.process_time() - cpu
    evaluation = store.evaluation()
    given = plain_inputs(evaluation)
    outputs = model.predict({name: given[name] for name in taken}, batch_size=4096, verbose=0)
    return {
        "loop": end - loop,
        "cpu": cpu,
        "whole": end - began,
        "steps": -(-len(rows) // size) * partition.epochs,
        "accuracy": float(np.mean(outputs.argmax(axis=1) == evaluation.labels)),
    }


RECORDED = {"none": ("none", LOSSLESS), "all": ("all", LOSSLESS), "int8": ("all", "int8")}


def train_with_lineage(store: RowStore, text: str, partition: Partition, side: str) -> Numbers:
    """Train all shards with their ledger, as the trainer component does."""
    record, codec = RECORDED[side]
    shards = list(range(partition.shards))
    with tempfile.TemporaryDirectory(dir=store.folder) as folder:
        ledgers = [ShardLedger(shard_folder(Path(folder), shard)) for shard in shards]
        began = time.perf_counter()
        learner = make_learner(text, name="benchmark", store=store, seed=partition.seed)
        options = TrainOptions(**asdict(partition), record=record, update_codec=codec)
        run = Run(learner=learner, options=options, model="m1", clock=time.perf_counter)
        probe(learner, store, options)
        loop, cpu = time.perf_counter(), time.process_time()
        for shard, ledger in zip(shards, ledgers, strict=True):
            train_shard(run, store, shard, ledger, kept=0)
        end, cpu = time.perf_counter(), time.process_time() - cpu
        weights = [ledger.final_weights() for ledger in ledgers]
        steps = sum(stage.steps for ledger in ledgers for stage in ledger.stages())
        kept = sum(f.stat().st_size for f in Path(folder).rglob("updates/*"))
    return {
        "loop": end - loop,
        "cpu": cpu,
        "whole": end - began,
        "steps": steps,
        "accuracy": evaluate(
            KerasParts(learner), weights, store.evaluation(), aggregate=AGGREGATIONS["mean"]
        )["accuracy"],
        "weights_digest": weights_digest(weights),
        "update_bytes": kept,
    }


def measure(side: str, *, store: Path, module: Path, partition: Partition) -> Numbers:
    """Train one side and return its numbers."""
    import tensorflow as tf

    text, rows = module.read_text(encoding="utf-8"), open_rows(store)
    if side == "stock":
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    else:
        pin_tensorflow()
    if side in ("fit", "stock"):
        return fit_plain(rows, text, partition)
    return train_with_lineage(rows, text, partition, side)


def main() -> None:
    """Measure what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    partition = Partition(**asked["partition"])
    found = measure(
        asked["side"],
        store=Path(asked["store"]),
        module=Path(asked["module"]),
        partition=partition,
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
