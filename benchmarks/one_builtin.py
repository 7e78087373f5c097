"""One table, learnt by the built-in model and by others: `python -m benchmarks.one_builtin JSON`.

A fifth of the rows, drawn by the seed, is for testing; all learn from the rest, and are asked about
the same rows: the share of right answers, or R2 of a regression. The built-in model holds a tenth
of what it is given back for its own evaluation; the others do not.

    single      the built-in model in one shard of one slice
    default     the same by default, in the shards and slices of the table of defaults
    linear      logistic or ridge regression of scikit-learn
    perceptron  a Keras perceptron of the same layers, 10 epochs, batches of 64, as it comes
    boosting    gradient boosting by histograms of scikit-learn, as it comes

Linear regression and perceptron read numbers in standard units (0 where missing) and one column
for each text that stands more than once; where most texts of a column are unique, its words by
TF-IDF. Boosting reads texts by their number in alphabetic order. Labels of a regression are in
standard units for the perceptron.
"""

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
from benchmarks.real_tables import LABEL, TABLES, RealTable
from lineage_store.keys.secret import create_secret
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unweave.api.project import Project

EPOCHS, BATCH, UNITS = 10, 64, (64, 32)
MISSING = ("", "?", "NA")

Numbers = dict[str, Any]
Places = np.ndarray


def split(rows: int, seed: int) -> tuple[Places, Places]:
    """Draw four fifths of the rows to learn from, and the rest to be asked about."""
    order = np.random.default_rng(seed).permutation(rows)
    return np.sort(order[rows // 5 :]), np.sort(order[: rows // 5])


def score(predictions: np.ndarray, right: np.ndarray, *, task: str) -> float:
    """Return the share of right answers, or R2."""
    if task == "classification":
        return float(np.mean(predictions == right))
    return float(1 - np.mean((predictions - right) ** 2) / np.var(right))


def by_unweave(
    table: RealTable, learn: Places, test: Places, folder: Path, **options: Any
) -> Numbers:
    """Train the built-in model through the Python API, and ask what is served."""
    paths = {"train": learn, "test": test}
    for name, places in paths.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            out = csv.writer(stream)
            out.writerow(["row", *table.names])
            out.writerows([f"r{place}", *table.lines[place]] for place in places)
    key = folder / "key"
    if not key.exists():
        create_secret(key, SECRET)
    name = "-".join(map(str, options.values())) or "default"
    project = Project(folder / name, backend=DirectBackend())
    began = time.perf_counter()
    made = project.train(folder / "train.csv", label=LABEL, row_id="row", key_file=key, **options)
    seconds = time.perf_counter() - began
    if made["task"] != table.task:
        raise ValueError(f"taken for a {made['task']}")
    predictions = np.array(project.predict(folder / "test.csv")["predictions"])
    return {
        "score": score(predictions, table.labels[test], task=table.task),
        "cut": f"{made['shards']} x {made['slices']}",
        "seconds": seconds,
    }


def columns_of(table: RealTable) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the numbers (n, N), NaN where missing, and the columns of texts (n,) each."""
    numbers, texts = [], []
    for column in list(zip(*table.lines, strict=True))[:-1]:
        try:
            numbers.append([np.nan if one in MISSING else float(one) for one in column])
        except ValueError:
            texts.append(np.array(column, dtype=object))
    together = np.array(numbers, dtype=np.float64).reshape(len(numbers), len(table.lines))
    return together.T, texts


def features(table: RealTable, learn: Places) -> Any:
    """Return what linear regression and perceptron read: a sparse matrix (n, width)."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, texts = columns_of(table)
    parts = []
    if numbers.size:
        scale = StandardScaler().fit(numbers[learn])
        parts.append(sparse.csr_matrix(np.nan_to_num(scale.transform(numbers))))
    for column in texts:
        if len(set(column[learn])) > len(learn) / 2:
            parts.append(TfidfVectorizer().fit(column[learn]).transform(column))
            continue
        one = OneHotEncoder(handle_unknown="ignore", min_frequency=2).fit(column[learn, None])
        parts.append(one.transform(column[:, None]))
    return sparse.hstack(parts).tocsr().astype(np.float32)


def linear(table: RealTable, read: Any, learn: Places, test: Places) -> float:
    """Fit logistic or ridge regression."""
    from sklearn.linear_model import LogisticRegression, Ridge

    model = LogisticRegression(max_iter=300) if table.task == "classification" else Ridge()
    labels = table.labels
    predictions = model.fit(read[learn], labels[learn]).predict(read[test])
    return score(predictions, labels[test], task=table.task)


def boosting(table: RealTable, learn: Places, test: Places, *, seed: int) -> float:
    """Fit gradient boosting."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    numbers, texts = columns_of(table)
    codes = [np.unique(column, return_inverse=True)[1].astype(np.float64) for column in texts]
    read, labels = np.column_stack([*numbers.T, *codes]), table.labels
    kinds = {
        "classification": HistGradientBoostingClassifier,
        "regression": HistGradientBoostingRegressor,
    }
    model = kinds[table.task](random_state=seed)
    predictions = model.fit(read[learn], labels[learn]).predict(read[test])
    return score(predictions, labels[test], task=table.task)


def perceptron(table: RealTable, read: Any, learn: Places, test: Places, *, seed: int) -> float:
    """Fit a perceptron, batch by batch, since the features are many and mostly zeros."""
    import keras

    keras.utils.set_random_seed(seed)
    labels = table.labels
    values, classes = labels, np.zeros(0)
    mean, deviation = 0.0, 1.0
    if table.task == "classification":
        classes, values = np.unique(labels, return_inverse=True)
    else:
        mean, deviation = float(labels[learn].mean()), float(labels[learn].std())
        values = (labels - mean) / deviation
    last = (
        keras.layers.Dense(len(classes), activation="softmax")
        if len(classes)
        else keras.layers.Dense(1)
    )
    hidden = [keras.layers.Dense(units, activation="relu") for units in UNITS]
    model = keras.Sequential([keras.Input((read.shape[1],)), *hidden, last])
    loss = "sparse_categorical_crossentropy" if len(classes) else "mse"
    model.compile(optimizer="adam", loss=loss)
    draw = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = draw.permutation(learn)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            model.train_on_batch(read[batch].toarray(), values[batch])
    pieces = [
        model.predict_on_batch(read[test[start : start + 4096]].toarray())
        for start in range(0, len(test), 4096)
    ]
    outputs = np.concatenate(pieces)
    if len(classes):
        return score(classes[outputs.argmax(axis=1)], labels[test], task=table.task)
    return score(outputs[:, 0] * deviation + mean, labels[test], task=table.task)


def main() -> None:
    """Measure what is asked for in the first argument and print it as JSON."""
    asked = json.loads(sys.argv[1])
    table, seed = TABLES[asked["table"]](), asked["seed"]
    if (limit := asked.get("limit")) is not None:
        table = RealTable(table.names, table.lines[:limit], table.task)
    epochs = asked.get("epochs", EPOCHS)
    learn, test = split(len(table.lines), seed)
    pin_tensorflow()
    found: Numbers = {"rows": len(table.lines), "task": table.task}
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        given = (table, learn, test, Path(folder))
        found["single"] = by_unweave(*given, shards=1, slices=1, seed=seed, epochs=epochs)
        found["default"] = by_unweave(*given, seed=seed, epochs=epochs)
    read = features(table, learn)
    found["linear"] = linear(table, read, learn, test)
    found["boosting"] = boosting(table, learn, test, seed=seed)
    found["perceptron"] = perceptron(table, read, learn, test, seed=seed)
    print(json.dumps(found))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
