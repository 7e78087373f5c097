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
from benchmarks.one_builtin import Places, columns_of, features, score, split
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

SEED, DELETIONS, TREES = 0, 200, 100
FEW, EACH = 20, 5
"""Rows that are taken out of an optimum; after so many of them all is learnt anew beside it."""

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
    same(learner.relearnt(rows), state)  # which loads what is compiled
    began = time.perf_counter()
    learner.relearnt(rows)
    learn = time.perf_counter() - began
    most = FEW if family == "logistic" else DELETIONS
    drawn = np.random.default_rng(SEED).permutation(len(rows))[:most]
    taken = TAKEN.get(family, from_sums)
    state, seconds, again = taken(learner, rows, state, drawn)
    same(learner.relearnt(without(rows, drawn)), state)
    quantiles = {
        "p50": np.median(seconds),
        "p90": np.quantile(seconds, 0.9),
        "mean": np.mean(seconds),
    }
    return {"rows": len(rows), "learn": learn, "again": again, **quantiles}


def from_optimum(
    learner: Any, rows: Any, state: State, drawn: np.ndarray
) -> tuple[State, list[float], int]:
    """Converge again without each row; what is read and written besides is no part of it."""
    seconds = []
    for number in range(len(drawn)):
        left = without(rows, drawn[: number + 1])
        began = time.perf_counter()
        state = learner.converged(state, left)
        seconds.append(time.perf_counter() - began)
        if number < EACH:
            same(learner.relearnt(left), state)
    return state, seconds, 0


def from_trees(
    learner: Any, rows: Any, state: State, drawn: np.ndarray
) -> tuple[State, list[float], int]:
    """Take rows out of trees that stay in memory; return what is left, and seconds of each."""
    from unlearning.forest.forest_state import from_state, to_state
    from unlearning.forest.live_trees import LiveTrees

    read = learner.read(rows)
    live, seconds = LiveTrees(from_state(state, read, learner.shape), read, learner.shape), []
    LiveTrees(from_state(state, read, learner.shape), read, learner.shape).take_out(drawn[:1])
    for place in drawn:
        began = time.perf_counter()
        live.take_out([place])
        seconds.append(time.perf_counter() - began)
    return to_state(live.trees(), read), seconds, 0


def from_sums(
    learner: Any, rows: Any, state: State, drawn: np.ndarray
) -> tuple[State, list[float], int]:
    """Take rows out of sums, which are read and written each time; and how often read again."""
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
    return state, seconds, again


def without(rows: Any, gone: np.ndarray) -> Rows:
    """Return rows but for those at some places."""
    kept: Rows = rows.take(np.setdiff1d(np.arange(len(rows)), gone))
    return kept


def same(one: State, other: State) -> None:
    """Raise ValueError for two states that differ in a byte."""
    if any(one[name].tobytes() != other[name].tobytes() for name in {*one, *other}):
        raise ValueError("the state is not that of the rows that remain")


def beside(
    table: RealTable, learn: Places, test: Places, root: Path, family: str
) -> tuple[float, float]:
    """Return the score of scikit-learn's counterpart, and the seconds that it took to fit."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
    from sklearn.naive_bayes import CategoricalNB

    if family == "ridge":
        model = RidgeClassifier() if table.task == "classification" else Ridge()
        return fitted(model, features(table, learn), table, learn, test)
    if family == "logistic":
        model = LogisticRegression(max_iter=1000)
        return fitted(model, features(table, learn), table, learn, test)
    if family == "forest":
        numbers, texts = columns_of(table)
        names = [np.unique(one, return_inverse=True)[1].astype(np.float64) for one in texts]
        kind = RandomForestClassifier if table.task == "classification" else RandomForestRegressor
        model = kind(TREES, random_state=SEED)
        return fitted(model, np.column_stack([*numbers.T, *names]), table, learn, test)
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
    return fitted(model, read, table, learn, test)


def fitted(
    model: Any, read: Any, table: RealTable, learn: Places, test: Places
) -> tuple[float, float]:
    """Fit a model, and return its score and the seconds that it took to fit."""
    began = time.perf_counter()
    model.fit(read[learn], table.labels[learn])
    seconds = time.perf_counter() - began
    return score(model.predict(read[test]), table.labels[test], task=table.task), seconds


def keys_of(table: RealTable, root: Path) -> np.ndarray:
    """Return all rows as keys of values, in the kinds that the model has."""
    from unlearning.encoding.row_encoding import TypedRows

    with reading_index(open_workspace(root)) as connection:
        record = models(connection, live_only=True)[-1]
    schema = open_rows(root / record.paths["rows"]).schema
    columns: dict[str, Any] = {}
    for name, texts in zip(table.names, zip(*table.lines, strict=True), strict=True):
        column = next(one for one in schema.all if one.name == name)
        values = [column.canonical(text) for text in texts]
        if column.kept == "number":
            columns[name] = np.array([float(one) if one else np.nan for one in values], np.float32)
        else:
            columns[name] = np.array(["" if one is None else one for one in values], object)
    keys = np.zeros((len(table.lines), 16), np.uint8)
    return (
        family_of("naive-bayes").encoding(schema, NO_SOURCE).encode(TypedRows(keys, columns))[KEYS]
    )


TAKEN = {"forest": from_trees, "logistic": from_optimum}


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
        predictions = np.array(project.predict(given["test"])["predictions"])
        found["score"] = score(predictions, table.labels[test], task=table.task)
        found |= in_memory(folder / "workspace", family)
        began = time.perf_counter()
        project.forget([f"r{learn[0]}"])
        found["forget"] = time.perf_counter() - began
        found["beside"], found["fit"] = beside(table, learn, test, folder / "workspace", family)
    print(json.dumps(found))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
