"""Families without steps on real tables, beside scikit-learn's models, and what a deletion takes.

Each family learns each table by the command's own way, a fifth of the rows held out (`one_family`).
Beside it learns the model of scikit-learn that is its counterpart, from the same columns. Families
without a label are put to interactions (`one_items`). Then 200 rows, or people, are taken out of
the state in memory, one after another; what is left must be the bytes of a state that is learnt
from the rows that remain, and else the run fails. A deletion as a whole command is timed on the
same model, beside a training as a whole command.
"""

import json
from typing import Any

from benchmarks.apart import numbers_of
from benchmarks.one_items import TABLES as INTERACTIONS
from benchmarks.real_tables import BUNDLED, TABLES, missing
from benchmarks.result import Result, Tell

FAMILIES = ("naive-bayes", "ridge", "logistic", "forest")
ASKED = ("breast-cancer", "diabetes", "parkinsons", "surgical", "adult", "insteval", "diabetes130",
         "covtype")  # fmt: skip
SELECTED = {"insteval": 500, "diabetes130": 500}
"""Tables with too many different texts for sums of all their pairs: so many features are chosen."""

OF_CLASSES = ("naive-bayes", "logistic")

CLUSTERED = ("surgical", "adult", "covtype")

MEASURES = {
    "classification": "accuracy",
    "regression": "R2",
    "items": "hit rate at 10",
    "clusters": "spread explained",
}


def run(*, quick: bool, tell: Tell) -> Result:
    """Learn every table by every family that can."""
    rows, found, notes = [], [], []
    for name in BUNDLED[:2] if quick else ASKED:
        if why := missing(name):
            notes.append(why)
            continue
        task = TABLES[name]().task
        for family in FAMILIES:
            if family in OF_CLASSES and task == "regression":
                continue
            if family == "logistic" and name in SELECTED:
                continue  # it selects no features, and has at most so many weights
            asked: dict[str, Any] = {"table": name, "family": family}
            if family == "ridge" and name in SELECTED:
                asked["features"] = SELECTED[name]
            one = numbers_of("one_family", json.dumps(asked))
            found.append({**asked, **one})
            tell(f"{name}, {family}: {one['score']:.4f}, {one['p50'] * 1e6:,.0f} us")
            rows.append(line(name, family, one))
    for name in BUNDLED[:1] if quick else CLUSTERED:
        if why := missing(name):
            notes.append(why)
            continue
        one = numbers_of("one_clusters", name)
        found.append({"table": name, "family": "k-means", **one})
        tell(f"{name}, k-means: {one['score']:.4f}, {one['p50'] * 1e6:,.0f} us")
        rows.append(line(name, "k-means", one))
    for name in ["made"] if quick else INTERACTIONS:
        if name in TABLES and (why := missing(name)):
            notes.append(why)
            continue
        one = numbers_of("one_items", name)
        found.append({"table": name, "family": "item-knn", **one})
        tell(f"{name}, item-knn: {one['score']:.4f}, {one['p50'] * 1e6:,.0f} us")
        rows.append(line(name, "item-knn", one))
    return Result(
        title="Families without steps: accuracy beside scikit-learn's, and deletions",
        columns=(
            "data",
            "rows",
            "family",
            "measure",
            "score",
            "scikit-learn",
            "learnt in memory",
            "scikit-learn's fit",
            "a row out, p50",
            "p90",
            "mean",
            "learnt anew / mean",
            "train, command",
            "forget, command",
        ),
        rows=rows,
        notes=[
            "Naive Bayes stands beside CategoricalNB on the same keys, ridge beside Ridge or "
            "RidgeClassifier with the same penalty, logistic beside LogisticRegression likewise, "
            "forest beside RandomForest with as many trees and its own defaults, texts by their "
            "number. In memory: the state is read, and each row subtracted and solved for; or "
            "converged without again, over the rows that remain; or walked with down trees that "
            "stay in memory. k-means stands beside KMeans of as many clusters, in the coordinates "
            "that unweave reads, with the columns' deviations declared as scales. "
            "item-knn is learnt from four fifths of the people, and "
            "asked about one item of each of the others, beside NearestNeighbors with as many "
            "neighbours; people, not rows, are taken out of its sums where they stand, and these "
            "are written anew once, at the end. Commands: in this process, without TFX.",
            *notes,
        ],
        numbers={"found": found},
    )


def line(name: str, family: str, one: dict[str, Any]) -> tuple[str, ...]:
    """Return a line of the table."""
    return (
        name,
        f"{one['rows']:,}",
        family,
        MEASURES[one["task"]],
        f"{one['score']:.4f}",
        f"{one['beside']:.4f}",
        f"{one['learn']:.3f} s",
        f"{one['fit']:.3f} s" if "fit" in one else "",
        *(f"{one[which] * 1e6:,.0f} us" for which in ("p50", "p90", "mean")),
        f"{one['learn'] / one['mean']:,.0f}",
        f"{one['train']:.1f} s",
        f"{one['forget']:.1f} s",
    )
