"""One partition trained in full, then deletions from it, all in one process, with their times.

`python -m benchmarks.one_partition JSON`. Every deletion starts from the ledger of the full
training and goes into a folder of its own, which is removed again. `one_unlearning` says what is
timed. With `alone` the answer has the accuracy of each shard by itself too, which is that of a
model trained on its share of the rows, and that of the shards' majority vote.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks import mnist
from benchmarks.one_unlearning import forget, train, watched
from lineage_store.ledger.shards import open_ledger
from lineage_store.placement import Partition
from lineage_store.rows.row_store import open_rows
from unlearning.families.keras_parts import KerasParts
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.make import make_learner
from unlearning.serving.aggregation import AGGREGATIONS
from unlearning.serving.evaluate import evaluate

Numbers = dict[str, Any]


def accuracies(trained: Path, partition: Partition) -> Numbers:
    """Evaluate each shard of a trained model by itself, and their vote, on the test images."""
    store, weights = open_rows(trained / "rows"), open_ledger(trained / "ledger").final_weights()
    learner = make_learner(mnist.MODULE, name="perceptron", store=store, seed=partition.seed)
    rows, mean, vote = store.evaluation(), AGGREGATIONS["mean"], AGGREGATIONS["vote"]
    return {
        "alone": [
            evaluate(KerasParts(learner), [one], rows, aggregate=mean)["accuracy"]
            for one in weights
            if one
        ],
        "vote": evaluate(KerasParts(learner), weights, rows, aggregate=vote)["accuracy"],
    }


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    pin_tensorflow()
    partition, limit = Partition(**asked["partition"]), asked["limit"]
    folder = Path(asked["folder"])
    clock = watched()
    trained = folder / "trained"
    full = train(clock, trained, partition, limit=limit, serve=False)
    if asked["alone"]:
        full |= accuracies(trained, partition)
    deletions = []
    for number, rows in enumerate(asked["deletions"]):
        here = folder / f"deletion-{number}"
        one = forget(
            clock,
            here,
            partition,
            limit=limit,
            rows=rows,
            trained=trained / "ledger",
            serve=False,
        )
        deletions.append(one | {"rows": len(rows)})
        shutil.rmtree(here)
    print(json.dumps({"full": full, "deletions": deletions}))


if __name__ == "__main__":
    main()
