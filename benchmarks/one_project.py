"""One `train` or `forget` through the Python API, in a process of its own, with its times.

`python -m benchmarks.one_project JSON`. It runs as the command does, with the backend that calls
the functions of the TFX components without TFX. The parts are those of `one_unlearning`, and

    gate        reading, checking and pseudonymising the table, or leaving the deleted rows out
    planning    finding the rows in the index, deciding and giving verdicts
    encoding    from gated text to the arrays of the row store
    erasing     the checks, removing what learnt from the rows, the scan, the certificate

The answer holds what the new model does on its evaluation rows, its AUC among it, and how many of
these rows are of the more frequent class. For labels of two classes only.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.one_unlearning import watched
from benchmarks.stopwatch import Stopwatch
from lineage_store.index.database import reading_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from lineage_store.workspace.folder import open_workspace
from pipelines.backends import direct
from pipelines.runs import forget, train
from unlearning.families.keras_parts import KerasParts
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_learning.make import make_learner
from unlearning.serving.aggregation import AGGREGATIONS
from unlearning.serving.evaluate import aggregated
from unlearning.training.config import config_of, module_source
from unweave.api.project import Project

Numbers = dict[str, Any]


def watch_project(clock: Stopwatch) -> None:
    """Watch what stands around training and unlearning."""
    clock.watch(train, "_gate", "gate")
    clock.watch(forget, "_regate", "gate")
    clock.watch(forget, "_open", "planning")
    clock.watch(direct, "store_from_snapshot", "encoding")
    for function in ("check_and_keep", "erase", "certify"):
        clock.watch(direct, function, "erasing")


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the chance that a positive row has the higher score, ties counting half.

    `scores` (n,) and `positive` (n,) bool; the Mann-Whitney statistic over its greatest value.
    """
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    count = int(positive.sum())
    above = ranks[positive].sum() - count * (count + 1) / 2
    return float(above / (count * (len(scores) - count)))


def quality(root: Path) -> Numbers:
    """Evaluate the newest model of a workspace on its evaluation rows."""
    workspace = open_workspace(root)
    with reading_index(workspace) as connection:
        record = find_model(connection, None)
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    store = open_rows(workspace.absolute(record.paths["rows"]))
    config, rows = config_of(ledger), store.evaluation()
    learner = make_learner(
        module_source(ledger), name=config.module, store=store, seed=config.partition.seed
    )
    outputs, _ = aggregated(
        KerasParts(learner),
        ledger.final_weights(),
        rows,
        aggregate=AGGREGATIONS[config.options.aggregate],
    )
    positive = rows.labels == 1
    return {
        "evaluation_rows": len(rows),
        "accuracy": float(np.mean((outputs[:, 1] > outputs[:, 0]) == positive)),
        "majority": float(max(positive.mean(), 1 - positive.mean())),
        "auc": area_under_curve(outputs[:, 1], positive),
    }


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    pin_tensorflow()
    root, clock = Path(asked["workspace"]), watched()
    watch_project(clock)
    project = Project(root, backend=direct.DirectBackend())
    began = time.perf_counter()
    if "forget" in asked:
        clock.watch(KerasLearner, "step", "first step", once=True)
        answer = project.forget(asked["forget"])
    else:
        answer = project.train(**asked["train"])
    seconds = time.perf_counter() - began
    if "first step" in clock.seconds:  # there is none if the rows were for evaluation only
        first = clock.seconds.pop("first step")
        clock.seconds["steps"] -= first
        clock.seconds["tracing"] += first
    found = {"seconds": seconds, "parts": clock.seconds, **quality(root)}
    kept = ("steps", "rows", "rows_found", "steps_recomputed", "steps_full", "affected_shards")
    print(json.dumps(found | {name: answer[name] for name in kept if name in answer}))


if __name__ == "__main__":
    main()
