"""One training of MNIST's shards by some number of workers, in a process of its own.

`python -m benchmarks.one_parallel JSON`. `training` is what the shards took, with the start of the
workers (imports, tracing); `whole` is all of `fit`: the check that the model repeats itself,
evaluation and export too.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import mnist
from benchmarks.stopwatch import Stopwatch
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition
from lineage_store.tensors import weights_digest
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.fitting import fit
from unlearning.fitting.engines import workers
from unlearning.training.config import TrainConfig


def train(asked: dict[str, Any]) -> dict[str, Any]:
    """Train, and return what it took and the digest of the weights."""
    partition, folder = Partition(**asked["partition"]), Path(asked["folder"])
    store = mnist.write_store(folder / "rows", partition, limit=asked["limit"])
    engine, clock = workers(asked["workers"]), Stopwatch()
    clock.watch(type(engine), "run", "training")
    began = time.perf_counter()
    ledger = fit.fit(
        TrainConfig(
            options=TrainOptions(**asdict(partition)),
            module="perceptron",
            key_id=mnist.KEYS.key_id,
        ),
        model="m1",
        text=mnist.MODULE,
        store=store,
        folder=folder / "ledger",
        serving=folder / "model",
        how=fit.Execution(engine=engine),
    )
    return {
        "whole": time.perf_counter() - began,
        "training": clock.seconds["training"],
        "steps": ledger.steps_taken(),
        "weights_digest": weights_digest(ledger.final_weights()),
    }


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pin_tensorflow()
    print(json.dumps(train(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
