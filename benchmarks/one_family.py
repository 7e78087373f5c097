"""One family on one table, and its counterpart: `python -m benchmarks.one_family JSON`."""

import csv
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mnist import SECRET
from benchmarks.one_builtin import Places, features, score, split
from benchmarks.real_tables import LABEL, TABLES, RealTable
from lineage_store.index import reading_index
from lineage_store.index.models import models
from lineage_store.keys.secret import create_secret
from lineage_store.ledger import open_ledger
from lineage_store.rows import Rows, open_rows
from lineage_store.tensors import State
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.encoding.key_encoding import KEYS
from unlearning.families import family_of
from unlearning.families.family import ModelSource
from unlearning.families.sums_unit import NO_SOURCE
from unweave.api.project import Project

SEED, DELETIONS = 0, 200

Numbers = dict[str, Any]


def write(table: RealTable, places: Places, file: Path) -> Path:
    """Write rows as a CSV file, each with an id."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", *table.names])
        out.writerows([f"r{place}", *table.lines[place]] for place in places)
    return file


def in_memory(root: Path, family: str) -> Numbers:
    """Take rows out of a model's state, and compare with what is learnt from the others."""
    with reading_index(open_workspace(root)) as connection:
        record = models(connection, live_only=True)[-1]
    ledger, store = (
        open_ledger(root / record.paths["ledger"]),
        open_rows(root / record.paths["rows"]),
    )
    source = ModelSource(ledger.header.module.name, "")
    learner: Any = family_of(family).open(source, store, options=ledger.header.options)
    rows, state = store.stage_rows(0, 0), ledger.shard(0).checkpoint(0)
    began = time.perf_counter()
    same(learner.relearnt(rows), state)
    learn = time.perf_counter() - began
    drawn = np.random.default_rng(SEED).permutation(len(rows))[:DELETIONS]
    seconds, again = [], 0
    for number, place in enumerate(drawn):
        gone = rows.take(np.array([place]))
        began = time.perf_counter()
        less = learner.less(state, gone, left=rows)
        if less is None:
            less = learner.relearnt(without(rows, drawn[: number + 1]))
            again += 1
        seconds.append(time.perf_counter() - began)
        state = less
    same(learner.relearnt(without(rows, drawn)), state)
    told = {"p50": np.median(seconds), "p90": np.quantile(seconds, 0.9), "mean": np.mean(seconds)}
    return {"rows": len(rows), "learn": learn, "again": again, **told}


def without(rows: Any, gone: np.ndarray) -> Rows:
    """Return rows but for those at some places."""
    kept: Rows = rows.take(np.setdiff1d(np.arange(len(rows)), gone))
    return kept


def same(one: State, other: State) -> None:
    """Raise ValueError for two states that differ in a byte."""
    if any(one[name].tobytes() != other[name].tobytes() for name in {*one, *other}):
        raise ValueError("the state is not that of the rows that remain")


def beside(table: RealTable, learn: Places, test: Places, root: Path, family: str) -> float:
    """Return the score of scikit-learn's counterpart."""
    from sklearn.linear_model import Ridge, RidgeClassifier
    from sklearn.naive_bayes import CategoricalNB

    labels = table.labels
    if family == "ridge":
        read = features(table, learn)
        model = RidgeClassifier() if table.task == "classification" else Ridge()
        told = model.fit(read[learn], labels[learn]).predict(read[test])
        return score(told, labels[test], task=table.task)
    codes = keys_of(table, root)
    known = [np.unique(codes[learn, column]) for column in range(codes.shape[1])]
    read = np.stack(
        [
            np.where(np.isin(column, keys), np.searchsorted(keys, column) + 1, 0)
            for column, keys in zip(codes.T, known, strict=True)
        ],
        axis=1,
    )
    model = CategoricalNB(min_categories=[len(keys) + 1 for keys in known])
    told = model.fit(read[learn], labels[learn]).predict(read[test])
    return score(told, labels[test], task=table.task)


def keys_of(table: RealTable, root: Path) -> np.ndarray:
    """Return all rows as keys of values, in the kinds that the model has."""
    from unlearning.encoding.row_encoding import TypedRows

    with reading_index(open_workspace(root)) as connection:
        record = models(connection, live_only=True)[-1]
    schema = open_rows(root / record.paths["rows"]).schema
    columns: dict[str, Any] = {}
    for name, texts in zip(table.names, zip(*table.lines, strict=True), strict=True):
        column = next(one for one in schema.all if one.name == name)
        told = [column.canonical(text) for text in texts]
        if column.kept == "number":
            columns[name] = np.array([float(one) if one else np.nan for one in told], np.float32)
        else:
            columns[name] = np.array(["" if one is None else one for one in told], object)
    keys = np.zeros((len(table.lines), 16), np.uint8)
    return (
        family_of("naive-bayes").encoding(schema, NO_SOURCE).encode(TypedRows(keys, columns))[KEYS]
    )


def main() -> None:
    """Measure what is asked for in the first argument and print it as JSON."""
    asked = json.loads(sys.argv[1])
    table, family = TABLES[asked.pop("table")](), asked.pop("family")
    learn, test = split(len(table.lines), SEED)
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as there:
        folder = Path(there)
        create_secret(folder / "key", SECRET)
        given = {name: write(table, places, folder / f"{name}.csv")
                 for name, places in (("train", learn), ("test", test))}  # fmt: skip
        project = Project(folder / "workspace", backend=DirectBackend())
        began = time.perf_counter()
        made = project.train(
            given["train"], label=LABEL, row_id="row", key_file=folder / "key",
            model_family=family, **asked,
        )  # fmt: skip
        found: Numbers = {"train": time.perf_counter() - began, "task": made["task"]}
        told = np.array(project.predict(given["test"])["predictions"])
        found["score"] = score(told, table.labels[test], task=table.task)
        found |= in_memory(folder / "workspace", family)
        began = time.perf_counter()
        project.forget([f"r{learn[0]}"])
        found["forget"] = time.perf_counter() - began
        found["beside"] = beside(table, learn, test, folder / "workspace", family)
    print(json.dumps(found))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
