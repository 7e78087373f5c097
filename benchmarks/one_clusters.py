"""k-means on one table, and scikit-learn's beside it: `python -m benchmarks.one_clusters TABLE`.

Scales are declared: the deviations of the columns, to one digit. The measure is which share of the
squared distances from the mean the clusters explain, of a fifth of the rows that was held out, in
the very coordinates that unweave reads.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mnist import SECRET
from benchmarks.one_builtin import Places, columns_of, split
from benchmarks.one_family import SEED, same, without, write
from benchmarks.real_tables import LABEL, TABLES, RealTable
from lineage_store.index import reading_index
from lineage_store.index.models import models
from lineage_store.keys.secret import create_secret
from lineage_store.ledger import open_ledger
from lineage_store.rows import open_rows
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.clusters.points import ONE
from unlearning.families import family_of
from unlearning.families.sums_unit import NO_SOURCE
from unweave.api.project import Project

CLUSTERS, DELETIONS = 8, 200

Numbers = dict[str, Any]


def scales_of(table: RealTable) -> list[str]:
    """Return the deviation of each column of numbers, to one digit, as it is declared."""
    numbers, texts = columns_of(table)
    named = [
        name
        for name, cells in zip(table.names, zip(*table.lines, strict=True), strict=True)
        if name != LABEL and not any(list(cells) == one.tolist() for one in texts)
    ]
    spread = np.nanstd(numbers, axis=0)
    return [f"{name}={one:.0e}" for name, one in zip(named, spread, strict=True) if one]


def in_memory(root: Path) -> Numbers:
    """Take rows out of a model's state, and cluster beside it by scikit-learn."""
    from sklearn.cluster import KMeans

    with reading_index(open_workspace(root)) as connection:
        record = models(connection, live_only=True)[-1]
    ledger = open_ledger(root / record.paths["ledger"])
    store = open_rows(root / record.paths["rows"])
    learner: Any = family_of("k-means").open(NO_SOURCE, store, options=ledger.header.options)
    rows, state = store.stage_rows(0, 0), ledger.shard(0).checkpoint(0)
    began = time.perf_counter()
    same(learner.relearnt(rows), state)
    learn = time.perf_counter() - began
    held = learner.points(store.evaluation())
    points = learner.points(rows).beside(held.values, held.columns, held.entries)
    seen, asked = (one / ONE for one in points)
    model = KMeans(CLUSTERS, random_state=SEED)
    began = time.perf_counter()
    model.fit(seen)
    fit = time.perf_counter() - began
    drawn = np.random.default_rng(SEED).permutation(len(rows))[:DELETIONS]
    seconds, again = [], 0
    for number, place in enumerate(drawn):
        gone, left = rows.take(np.array([place])), without(rows, drawn[: number + 1])
        began = time.perf_counter()
        less = learner.less(state, gone, left=left)
        again += less is None
        state = learner.relearnt(left) if less is None else less
        seconds.append(time.perf_counter() - began)
    same(learner.relearnt(without(rows, drawn)), state)
    apart = ((asked - model.cluster_centers_[model.predict(asked)]) ** 2).sum()
    spread = ((asked - asked.mean(axis=0)) ** 2).sum()
    quantiles = {
        "p50": np.median(seconds),
        "p90": np.quantile(seconds, 0.9),
        "mean": np.mean(seconds),
    }
    return {
        "rows": len(rows), "learn": learn, "fit": fit, "again": again,
        "beside": 1 - apart / spread, **quantiles,
    }  # fmt: skip


def main() -> None:
    """Measure the table that is named and print it as JSON."""
    table = TABLES[sys.argv[1]]()
    places: Places = split(len(table.lines), SEED)[0]
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as there:
        folder = Path(there)
        create_secret(folder / "key", SECRET)
        file = write(table, places, folder / "train.csv")
        project = Project(folder / "workspace", backend=DirectBackend())
        began = time.perf_counter()
        made = project.train(
            file, row_id="row", key_file=folder / "key", model_family="k-means", drop=[LABEL],
            clusters=CLUSTERS, scales=scales_of(table),
        )  # fmt: skip
        found: Numbers = {"train": time.perf_counter() - began, "task": "clusters"}
        found["score"] = made["metrics"]["explained"]
        found |= in_memory(folder / "workspace")
        began = time.perf_counter()
        project.forget([f"r{places[0]}"])
        found["forget"] = time.perf_counter() - began
    print(json.dumps(found))


if __name__ == "__main__":
    main()
