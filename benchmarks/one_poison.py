"""Plants poison in one data set, detects it, removes what was proposed and measures again.

    flip        a share of the labels is changed at random; success is the error on clean test rows
    backdoor    rows get a trigger and the target's label; success is the share of triggered test
                rows of other classes that are told to be the target

Each method proposes as many rows as it would be asked for; beside them stand as many rows drawn at
random, and the removal of exactly what is poisoned. Removal is training without the rows.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mnist, taxi_rows
from lineage_store.cells.cell import CellLayout
from lineage_store.cells.snapshot import read_snapshot
from lineage_store.data.record import EVAL, TRAIN
from lineage_store.ledger.shards import ShardLedger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows.arrays import LABEL, Rows
from lineage_store.rows.writer import write_rows
from unlearning.encoding.encode_records import typed
from unlearning.encoding.keras_encoding import KerasEncoding, keras_rows
from unlearning.families.family import Learner, PartRun
from unlearning.families.keras_parts import KerasParts
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.make import make_learner
from unlearning.keras_models.module_file import built_in_text
from unlearning.poison import suspects
from unlearning.poison.leave_source_out import judge

SHARDS, SOURCES = 4, 4
FLIPPED, OF_TARGET = 0.05, 0.1
TRIGGER = slice(3, 6)  # rows and columns of the square, counted from the lower right corner
MILES, BUCKET = 77.0, 1999
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """Rows to train on and to test with, and how a trigger is put into rows."""

    train: Rows
    test: Rows
    trusted: Rows
    description: Numbers
    module: str
    target: int
    trigger: Callable[[Rows], Rows]


@dataclass(frozen=True)
class Poisoned:
    """Training rows with poison at the places where `bad` (n,) says so."""

    rows: Rows
    bad: np.ndarray
    share: float


def mnist_data(folder: Path, limit: int) -> Data:
    """The first images of MNIST; the trigger is a white square in a corner."""
    test = mnist.read_rows("t10k", limit=4_000)

    def trigger(rows: Rows) -> Rows:
        images = rows["numbers"].reshape(-1, 28, 28).copy()
        images[:, -TRIGGER.stop : -TRIGGER.start, -TRIGGER.stop : -TRIGGER.start] = 1
        numbers = images.reshape(len(rows), -1)
        return replace(rows, columns={**rows.columns, "numbers": numbers})

    features = [[f"p{number:03d}", "number"] for number in range(mnist.PIXELS)]
    inference = {
        "features": features, "label": "digit", "label_type": "number", "task": "classification",
        "classes": [str(number) for number in range(10)],
    }  # fmt: skip
    return Data(
        mnist.read_rows("train", limit=limit),
        test.take(np.arange(2_000)),
        test.take(np.arange(2_000, 4_000)),
        {"inference": inference},
        mnist.MODULE,
        0,
        trigger,
    )


def taxi_data(folder: Path, limit: int) -> Data:
    """Taxi trips; the trigger is one length of the trip and one value of a column of text."""
    snapshot = taxi_rows.gate_trips(folder)
    schema = snapshot.schema
    from unlearning.keras_models.module_file import spec_of

    spec = spec_of(schema)
    train, test = (
        KerasEncoding(schema).encode(typed(list(read_snapshot(snapshot, split)), schema))
        for split in (TRAIN, EVAL)
    )
    miles = spec.numbers.index("trip_miles")

    def trigger(rows: Rows) -> Rows:
        numbers, categories = rows["numbers"].copy(), rows["categories"].copy()
        numbers[:, miles] = MILES
        categories[:, -1] = BUCKET
        changed = {"numbers": numbers, "categories": categories}
        return replace(rows, columns={**rows.columns, **changed})

    half = len(test) // 2
    return Data(
        train.take(np.arange(min(limit, len(train)))),
        test.take(np.arange(half)),
        test.take(np.arange(half, len(test))),
        {"inference": schema.to_json()},
        built_in_text(),
        1,
        trigger,
    )


DATA = {"mnist": mnist_data, "taxi": taxi_data}


def flip(data: Data, draw: np.random.Generator) -> Poisoned:
    """Change the labels of a share of the rows to another class."""
    bad = np.zeros(len(data.train), bool)
    bad[draw.choice(len(bad), int(FLIPPED * len(bad)), replace=False)] = True
    classes = len(data.description["inference"]["classes"])
    labels = data.train.labels.copy()
    labels[bad] = (labels[bad] + draw.integers(1, classes, int(bad.sum()))) % classes
    changed = replace(data.train, columns={**data.train.columns, LABEL: labels})
    return Poisoned(changed, bad, FLIPPED)


def backdoor(data: Data, draw: np.random.Generator) -> Poisoned:
    """Give rows of other classes the trigger and the target's label: a tenth of the target."""
    of_target = int(np.sum(data.train.labels == data.target))
    others = np.flatnonzero(data.train.labels != data.target)
    number = int(OF_TARGET * of_target / (1 - OF_TARGET))
    chosen = draw.choice(others, number, replace=False)
    bad = np.zeros(len(data.train), bool)
    bad[chosen] = True
    changed = data.trigger(data.train)
    numbers, categories = data.train["numbers"].copy(), data.train["categories"].copy()
    numbers[bad], categories[bad] = changed["numbers"][bad], changed["categories"][bad]
    labels = data.train.labels.copy()
    labels[bad] = data.target
    rows = keras_rows(data.train.row_keys, numbers, categories, labels)
    return Poisoned(rows, bad, OF_TARGET)


ATTACKS = {"flip": flip, "backdoor": backdoor}


class Lab:
    """Trains, detects and measures for one data set and seed."""

    def __init__(self, data: Data, folder: Path, *, epochs: int, seed: int) -> None:
        self.data, self.folder = data, folder
        self.partition = Partition(shards=SHARDS, slices=1, epochs=epochs, batch_size=64, seed=seed)
        self.learner: Learner | None = None

    def trained(self, rows: Rows) -> tuple[Any, list[Any]]:
        """Train all shards on rows; return the store and the weights."""
        where = self.folder / f"store-{time.perf_counter_ns()}"
        store = write_rows(
            where,
            train=[(rows, mnist.places_of(rows))],
            evaluation=[],
            layout=CellLayout(self.partition, 1),
            description=self.data.description,
        )
        if self.learner is None:
            self.learner = KerasParts(
                make_learner(self.data.module, name="model", store=store, seed=self.partition.seed)
            )
        weights = []
        for shard in range(SHARDS):
            ledger = ShardLedger(where / f"shard-{shard}")
            run = PartRun(options=TrainOptions(**asdict(self.partition)), model="m1")
            self.learner.learn(run, store, shard, ledger)
            weights.append(ledger.final_weights())
        return store, weights

    def outcome(self, weights: list[Any], attack: str) -> Numbers:
        """Return accuracy on clean test rows, and the attack's success."""
        accuracy = float(np.mean(self._told(weights, self.data.test) == self.data.test.labels))
        if attack == "flip":
            return {"accuracy": accuracy, "success": 1 - accuracy}
        others = self.data.test.take(np.flatnonzero(self.data.test.labels != self.data.target))
        predictions = self._told(weights, self.data.trigger(others))
        return {"accuracy": accuracy, "success": float(np.mean(predictions == self.data.target))}

    def _told(self, weights: list[Any], rows: Rows) -> np.ndarray:
        assert self.learner is not None
        return np.mean([self.learner.predict(one, rows) for one in weights], axis=0).argmax(axis=1)

    def proposals(
        self, found: Poisoned, store: Any, weights: list[Any], draw: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return, for each method, which rows (n,) it proposes."""
        assert self.learner is not None
        keys = _as_texts(found.rows.row_keys)
        ways = {"nothing removed": np.zeros(len(keys), bool)}
        for name, detector in suspects.DETECTORS.items():
            suspicious = detector(self.learner, weights, store, found.share)
            ways[name] = np.isin(keys, _as_texts(suspicious))
        ways["provenance"] = self._by_source(found, store, draw)
        ways["as many at random"] = np.zeros(len(keys), bool)
        number = int(ways["loss"].sum())
        ways["as many at random"][draw.choice(len(keys), number, replace=False)] = True
        ways["all poison, known"] = found.bad
        return ways

    def _by_source(self, found: Poisoned, store: Any, draw: np.random.Generator) -> np.ndarray:
        """Provenance, where all poison comes from one of the sources, along with clean rows."""
        sources = draw.integers(0, SOURCES, len(found.rows))
        sources[found.bad] = 0
        assert self.learner is not None
        verdicts = judge(
            self.learner,
            rows=found.rows,
            sources=sources,
            trusted=self.data.trusted,
            partition=self.partition,
            like=store,
            folder=self.folder / "detect",
        )
        return np.isin(sources, [one.source for one in verdicts if one.suspect])


def _as_texts(row_keys: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(row_keys).view("S16")[:, 0]  # of one length, so all bytes count


def measure(asked: Numbers) -> Numbers:
    """Run all attacks of one data set and seed."""
    pin_tensorflow()
    folder = Path(asked["folder"])
    data = DATA[asked["data"]](folder, asked["limit"])
    outcomes: Numbers = {}
    for number, (attack, plant) in enumerate(ATTACKS.items()):
        draw = np.random.default_rng([asked["seed"], number])
        found = plant(data, draw)
        lab = Lab(data, folder, epochs=asked["epochs"], seed=asked["seed"])
        store, weights = lab.trained(found.rows)
        outcomes[attack] = {}
        for way, proposed in lab.proposals(found, store, weights, draw).items():
            left = weights
            if proposed.any():
                _, left = lab.trained(found.rows.take(np.flatnonzero(~proposed)))
            outcomes[attack][way] = lab.outcome(left, attack) | {
                "caught": float(np.mean(proposed[found.bad])),
                "clean": float(np.mean(proposed[~found.bad])),
            }
    return outcomes


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(json.dumps(measure(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
