"""What the contract is put to: one table of people, whom of it to forget, and what families add.

A family in the registry is put to the contract as it is: it learns the label of `people`, or their
size if it tells no classes, and forgets every set of `FORGET_SETS`. What there is besides stands in
its `Case`: options, a module, forget sets of its own, how it reads in pieces, where it overflows.
Some sets of the design need what only some families have; each either is in the case, or there is a
sentence that says why not (`reasons_of`), and a test sees to it.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.index import reading_index
from lineage_store.index.models import ModelRecord, models
from lineage_store.ledger import Ledger, open_ledger
from lineage_store.rows import RowStore, open_rows
from lineage_store.tensors import WEIGHTS, State
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from tests.unlearning.families.cluster_leftovers import clusters_at_zero, starting
from tests.unlearning.families.forest_leftovers import proposing, row_keys_put_back
from tests.unlearning.families.item_leftovers import items_at_zero
from tests.unlearning.families.logistic_leftovers import weightless_entries
from tests.unlearning.families.ridge_leftovers import zero_entries
from unlearning.families.known_families import FAMILIES, family_of
from unweave import Project

HEADER = ["row", "person", "town", "size", "age", "weight", "label"]
FIRST_ROW = 20
DENSE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    scaled = keras.ops.tanh(numbers / 50.0)
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(scaled))
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=spec.loss)
    return model
"""
FITTED = """
from sklearn.ensemble import RandomForestClassifier

def build_estimator(spec):
    return RandomForestClassifier(n_estimators=4, random_state=spec.seed)

def features(frame, spec):
    return spec.hashed(frame)
"""


def people() -> list[list[str]]:
    """Return the table's rows: 30 people with two, 24 with one, and some that are special.

    Their numbers are such that the special ones are for training, all of them.
    """
    draw, weights, rows = random.Random(5), random.Random(6), []
    owners = [f"p{n:02d}" for n in range(30)] * 2 + [f"s{n:02d}" for n in range(24)]
    for person in owners:
        town, size = draw.choice(["Ulm", "Trier", ""]), f"{draw.lognormvariate(0, 1):.3f}"
        label = draw.choice(["yes", "no"])
        weight = weights.choice(["1", "1", "2", "3"])
        rows.append([person, town, size, f"{draw.randrange(18, 80)}", weight, label])
    rows += [
        ["rare-class", "Ulm", "1.5", "30", "1", "perhaps"],
        ["rare-town", "Nowhere", "1.5", "30", "1", "yes"],
        ["least-1", "Ulm", "1e-20", "30", "1", "no"],
        ["most", "Ulm", "1e20", "30", "1", "yes"],
        ["same-a", "Trier", "2.5", "44", "2", "yes"],
        ["same-b", "Trier", "2.5", "44", "2", "yes"],
        ["weightless-0", "Trier", "3.5", "50", "0", "yes"],
    ]
    return [[str(FIRST_ROW + number), *row] for number, row in enumerate(rows)]


def source(*, without: Sequence[str] = (), seed: int = 0) -> list[list[str]]:
    """Return the lines of a source that never held some people; a seed permutes its rows."""
    rows = [row for row in people() if row[1] not in without]
    if seed:
        random.Random(seed).shuffle(rows)
    return [HEADER, *rows]


def everybody() -> list[str]:
    """Return all people."""
    return sorted({row[1] for row in people()})


@dataclass(frozen=True)
class Learnt:
    """A workspace with a model that was learnt from the table."""

    root: Path

    @property
    def project(self) -> Project:
        """The workspace, to be asked."""
        return Project(self.root, backend=DirectBackend())

    @property
    def record(self) -> ModelRecord | None:
        """What is recorded of the newest live model; None if there is none."""
        with reading_index(open_workspace(self.root)) as connection:
            return next(reversed(models(connection, live_only=True)), None)

    @property
    def ledger(self) -> Ledger:
        """Its ledger."""
        return open_ledger(self.root / self.record.paths["ledger"])

    @property
    def store(self) -> RowStore:
        """The rows that it was learnt from."""
        return open_rows(self.root / self.record.paths["rows"])

    @cached_property
    def splits(self) -> Mapping[str, set[str]]:
        """The splits that each person's rows are in."""
        return {
            one: set(self.project.trace_subject(one)["models"][0]["splits"]) for one in everybody()
        }


Choose = Callable[[Learnt], Sequence[str]]


def _seen(learnt: Learnt) -> list[str]:
    """Choose a person whose one row was learnt."""
    return [next(f"s{n:02d}" for n in range(24) if learnt.splits[f"s{n:02d}"] == {"train"})]


def _with_an_item(learnt: Learnt) -> list[str]:
    """Choose a person whose one row was learnt, and names an item."""
    items = {row[1]: row[2] for row in people()}
    some = (f"s{n:02d}" for n in range(4, 24))
    return [next(one for one in some if items[one] and learnt.splits[one] == {"train"})]


def _unseen(learnt: Learnt) -> list[str]:
    """Choose a person all of whose rows are for evaluation, so that no unit saw them."""
    return [next(one for one, splits in learnt.splits.items() if splits == {"eval"})]


def _sketched(learnt: Learnt) -> list[str]:
    """Choose people whose rows proposed splits at the root of a tree."""
    traces = {one: learnt.project.trace_subject(one)["models"][0] for one in everybody()}
    rows = {one: [bytes.fromhex(key) for key in it["row_keys"]] for one, it in traces.items()}
    return proposing(learnt.ledger.shard(0).checkpoint(0), rows, most=3)


def _started(learnt: Learnt) -> list[str]:
    """Choose people of whose rows clusters start."""
    traces = {one: learnt.project.trace_subject(one)["models"][0] for one in everybody()}
    rows = {one: [bytes.fromhex(key) for key in it["row_keys"]] for one, it in traces.items()}
    return starting(learnt.ledger.shard(0).checkpoint(0), rows)


FEW = ("p00", "p01", "p02", "p03", "p04", "p05")
FORGET_SETS: Mapping[str, Choose] = {
    "one row": _seen,
    "some people": lambda learnt: ["p07", "p08", "p09", "s02", "s03"],
    "all but a few": lambda learnt: [one for one in everybody() if one not in FEW],
    "all but one": lambda learnt: [one for one in everybody() if one != "s11"],
    "all": lambda learnt: everybody(),
    "the last row of a class": lambda learnt: ["rare-class"],
    "the last row of a category": lambda learnt: ["rare-town"],
    "a column's extreme": lambda learnt: ["least-1", "most"],
    "one of two equal rows": lambda learnt: ["same-a"],
    "rows that no unit saw": _unseen,
    "a row of weight 0": lambda learnt: ["weightless-0"],
}
# What only some families have: whose trail is one of these must give the set, or say why not.
WHO_HAS: Mapping[str, tuple[str, ...]] = {
    "the last row of an item": (),
    "an initial centre": ("draws",),
    "a support vector": ("optimum",),
    "a sketched candidate": ("structure",),
}


@dataclass(frozen=True)
class NotHere:
    """Why something that the contract asks does not apply to a family: a sentence."""

    why: str


@dataclass(frozen=True)
class Limit:
    """Where a family overflows: a number by its module and name, of the rows of one part."""

    name: str


def nothing_left(old: State, new: State) -> Iterator[tuple[str, State]]:
    """Yield no states: of this family every key stands beside a number that is not zero."""
    return iter(())


def zero_counts(old: State, new: State) -> Iterator[tuple[str, State]]:
    """Yield the sums with the key of a value, and of a class, that no row has any more."""
    was, left = (
        {name.removeprefix(WEIGHTS): array for name, array in one.items()} for one in (old, new)
    )
    there = set(zip(left["columns"].tolist(), left["keys"].tolist(), strict=True))
    old_entries = zip(was["columns"].tolist(), was["keys"].tolist(), strict=True)
    column, key = next(entry for entry in old_entries if entry not in there)
    at = sum(entry < (column, key) for entry in there)
    entry = {
        "columns": np.insert(left["columns"], at, column),
        "keys": np.insert(left["keys"], at, key),
        "counts": np.insert(left["counts"], at, 0, axis=0),
    }
    group = {
        "classes": np.insert(left["classes"], 0, left["classes"][0] - 1),
        "class_counts": np.insert(left["class_counts"], 0, 0),
        "counts": np.insert(left["counts"], 0, 0, axis=1),
    }
    for kind, changed in (("a value without rows", entry), ("a class without rows", group)):
        arrays = {**left, **changed}
        yield kind, {f"{WEIGHTS}{name}": np.ascontiguousarray(arrays[name]) for name in arrays}


@dataclass(frozen=True)
class Case:
    """What the contract needs to know of a family besides its line in the registry.

    `imports` take long, and are of the process whose forks learn; `fast` are the forget sets of
    the default suite, all if it is None; `pieces` the numbers, by module and name, that say how
    many rows the family looks at at once. `leftovers` are states, by what was left, that answer as
    the new one does and hold a key that went.
    """

    options: Mapping[str, Any] = field(default_factory=lambda: {"shards": 2})
    module: str | None = None
    imports: Sequence[str] = ()
    sets: Mapping[str, Choose | NotHere] = field(default_factory=dict)
    fast: Sequence[str] | None = None
    pieces: Sequence[str] = ()
    leftovers: Callable[[State, State], Iterator[tuple[str, State]]] = nothing_left
    limit: Limit | NotHere = NotHere("it names no number of rows at which it overflows")


CASES: Mapping[str, Case] = {
    "keras": Case(
        {
            "shards": 2,
            "slices": 2,
            "epochs": 3,
            "batch_size": 8,
            "record": "all",
            "checkpoint_every": 2,
        },
        module=DENSE,
        imports=("tensorflow", "unlearning.serving.export", "unlearning.families.keras_family"),
        fast=("some people",),
        pieces=("unlearning.training.stages.PIECE",),
        limit=NotHere("its weights are floats, which no number of rows makes overflow"),
    ),
    "forest": Case(
        {"shards": 2, "trees": 12, "tree_share": 1.0, "candidates": 8},
        sets={"a sketched candidate": _sketched},
        leftovers=row_keys_put_back,
        limit=Limit("unlearning.forest.forest_rows.MOST_WEIGHT"),
    ),
    "ridge": Case(
        {"shards": 2, "features": 4},
        pieces=("unlearning.families.ridge_family.SUMMED_AT_ONCE",),
        leftovers=zero_entries,
        limit=Limit("unlearning.linear.gram.MOST_ROWS"),
    ),
    "logistic": Case(
        sets={
            "a support vector": NotHere("each of its rows moves the optimum, and none supports it")
        },
        pieces=("unlearning.convex.standing_rows.MOST_SUMMANDS",),
        leftovers=weightless_entries,
        limit=Limit("unlearning.convex.optimum.MOST_ROWS"),
    ),
    "k-means": Case(
        {"shards": 2, "clusters": 2},
        sets={"an initial centre": _started},
        pieces=("unlearning.clusters.points.AT_ONCE",),
        leftovers=clusters_at_zero,
        limit=Limit("unlearning.clusters.points.MOST_ROWS"),
    ),
    "item-knn": Case(
        {"shards": 2, "item_column": "town"},
        sets={
            "one row": _with_an_item,  # a row that names none adds nothing
            "the last row of an item": lambda learnt: ["rare-town"],
        },
        pieces=(
            "unlearning.families.item_knn_family.READ_AT_ONCE",
            "unlearning.items.item_counts.PAIRS_AT_ONCE",
        ),
        leftovers=items_at_zero,
        limit=NotHere("it is of what an item's squares sum to: test_item_counts.py"),
    ),
    "estimator": Case(
        module=FITTED,
        imports=("sklearn.ensemble", "skops.io", "pandas", "unlearning.families.estimator_family"),
        fast=("some people",),
        limit=NotHere("what its estimators are fitted by says how many rows it takes"),
    ),
    "naive-bayes": Case(
        pieces=("unlearning.families.naive_bayes_family.SUMMED_AT_ONCE",),
        leftovers=zero_counts,
        limit=Limit("unlearning.bayes.naive_bayes.MOST_ROWS"),
    ),
}
# Numbers that say how much of a table is looked at at once, whatever the family.
PIECES = (
    "unlearning.encoding.encode_records.PIECE_ROWS",
    "lineage_store.rows.slice_set.TOUCHED_AT_ONCE",
    "lineage_store.rows.slice_set.PIECE_BYTES",
    "lineage_store.rows.slice_file.READ_AT_ONCE",
)


def case_of(family: str) -> Case:
    """Return the case of a family; one that has none is put to the contract as it is."""
    return CASES.get(family, Case())


def sets_of(family: str) -> dict[str, Choose]:
    """Return the forget sets of a family by name."""
    own = {name: one for name, one in case_of(family).sets.items() if callable(one)}
    left_out = {name for name, one in case_of(family).sets.items() if isinstance(one, NotHere)}
    return {name: one for name, one in {**FORGET_SETS, **own}.items() if name not in left_out}


def reasons_of(family: str) -> dict[str, str]:
    """Say of each forget set of the design that a family does not have why that is so."""
    reasons = {
        name: one.why for name, one in case_of(family).sets.items() if isinstance(one, NotHere)
    }
    trail = family_of(family).trail
    for name, trails in WHO_HAS.items():
        if trail not in trails:
            reasons.setdefault(name, f"a model whose trail is {trail} has no such rows")
    return {name: why for name, why in reasons.items() if name not in sets_of(family)}


def columns_of(family: str) -> dict[str, str | None]:
    """Return the columns that a family learns from besides features, by what they are for."""
    found = {"label": label_of(family)}
    if family_of(family).weighing != "none":
        found["weight"] = "weight"
    items = case_of(family).options.get("item_column")
    return found if items is None else {**found, "items": items}


def label_of(family: str) -> str | None:
    """Return the column of the table that a family learns; None for one that needs no label."""
    tasks = family_of(family).tasks
    return "label" if "classification" in tasks else "size" if "regression" in tasks else None


def is_fast(family: str, name: str) -> bool:
    """Say whether a forget set of a family is of the default suite."""
    fast = case_of(family).fast
    return fast is None or name in fast


def every_family() -> list[str]:
    """Return the names of all families."""
    return list(FAMILIES)
