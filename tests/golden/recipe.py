"""What golden workspaces are made of: a small table for each configuration, and its options.

All is fixed: rows, secret, seeds. Each configuration has people and row ids of its own, so that a
deletion concerns the models of one configuration, and those that were trained from them. To add
one: a line in `CONFIGURATIONS`, then `python -m golden.digests` in `tests/`.
"""

import csv
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROWS, PEOPLE = 150, 12
SECRET = bytes(range(40))
COMMON = {
    "label": "tip", "subject": "person", "row_id": "trip", "shards": 2, "slices": 3, "epochs": 3,
    "batch_size": 16, "seed": 7,
}  # fmt: skip

SMALL = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    missing = keras.Input((len(spec.numbers),), name="missing")
    hidden = keras.layers.Dense(6, "relu")(keras.layers.Concatenate()([numbers, missing]))
    output = keras.layers.Dense(spec.outputs, spec.activation)(hidden)
    model = keras.Model([numbers, missing], output)
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=spec.loss)
    return model
"""
DROPOUT = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    categories = keras.Input((len(spec.strings),), dtype="int32", name="categories")
    embedded = keras.layers.Flatten()(keras.layers.Embedding(spec.buckets, 2)(categories))
    hidden = keras.layers.Concatenate()([numbers, embedded])
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dense(8, activation="relu")(hidden)
    hidden = keras.layers.Dropout(0.3)(hidden)
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model([numbers, categories], output)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=spec.loss)
    return model
"""


@dataclass(frozen=True)
class Configuration:
    """How one golden model is trained: its options, its module's text, and whose weights it has."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    module: str | None = None
    base: str | None = None

    def person(self, number: int) -> str:
        """The name of a person whose rows only this configuration's table has."""
        return f"{self.name}-{number:02d}@example.org"


CONFIGURATIONS = {
    one.name: one
    for one in (
        Configuration("plain"),
        Configuration("recorded", {"record": "all"}, SMALL),
        Configuration("checkpoints", {"checkpoint_every": 2}, SMALL),
        Configuration(
            "stopping", {"early_stop": 1, "class_weights": "balanced", "epochs": 8}, SMALL
        ),
        Configuration("descendant", {}, SMALL, base="checkpoints"),
        Configuration("dropout", {"aggregate": "vote"}, DROPOUT),
    )
}

# Whose steps follow from losses, which processors round in ways of their own.
ROUNDED = frozenset(name for name, one in CONFIGURATIONS.items() if "early_stop" in one.options)


@dataclass(frozen=True)
class Recipe:
    """A workspace: what is trained in it, what is asked of it, and who is forgotten.

    Of the configuration `before` the old code forgets person 0 before it hands the workspace over;
    of those in `forgotten` person 1 is forgotten, by these options, after that.
    """

    backend: str
    trained: tuple[str, ...]
    before: str
    forgotten: dict[str, dict[str, Any]]
    questions: tuple[tuple[str, tuple[str, ...]], ...]


EXACT = {"guarantee": "exact"}
AMNESIAC = {"guarantee": "approximate", "strategy": "amnesiac"}
DIRECT = Recipe(
    backend="direct",
    trained=tuple(CONFIGURATIONS),
    before="plain",
    forgotten={name: AMNESIAC if name == "recorded" else EXACT for name in CONFIGURATIONS},
    questions=(
        ("status", ()),
        ("models", ()),
        ("trace_model", ("m1",)),  # has ended
        ("trace_model", ("m2",)),
        ("trace_model", ("m6",)),
        ("trace_subject", (CONFIGURATIONS["checkpoints"].person(1),)),
        ("trace_subject", (CONFIGURATIONS["plain"].person(0),)),  # is forgotten
        ("trace_batch", ("m2:s0.r1.e0.b0",)),
        ("trace_update", ("m3:s0.p3",)),
        ("trace_checkpoint", ("m4:s0.r1",)),
        ("expected_cost", ("m2",)),
        ("ask.data", ("m2",)),
        ("ask.hyperparameters", ("m3",)),
        ("ask.libraries", ("m7",)),
        ("ask.pipeline", ("m2",)),
        ("ask.deployed", ("m2",)),
        ("ask.failures", ()),
        ("ask.subjects", ("m2",)),
        ("ask.free", ("m2",)),
        ("ask.models_of", (CONFIGURATIONS["plain"].person(0),)),
        ("ask.models_of", (CONFIGURATIONS["descendant"].person(1),)),
        ("doctor", ()),
        ("audit", ()),
    ),
)
TFX = Recipe(
    backend="tfx",
    trained=("recorded",),
    before="recorded",
    forgotten={"recorded": EXACT},
    questions=(
        ("status", ()),
        ("models", ()),
        ("trace_model", ("m1",)),
        ("trace_model", ("m2",)),
        ("trace_subject", (CONFIGURATIONS["recorded"].person(1),)),
        ("trace_batch", ("m2:s0.r1.e0.b0",)),
        ("trace_update", ("m2:s0.p3",)),
        ("trace_checkpoint", ("m2:s0.r1",)),
        ("trace_artifact", ("1",)),
        ("ask.pipeline", ("m2",)),
        ("ask.free", ("m2",)),
        ("ask.models_of", (CONFIGURATIONS["recorded"].person(0),)),
        ("doctor", ()),
        ("audit", ()),
    ),
)


def write_given(configuration: Configuration, folder: Path) -> dict[str, Any]:
    """Write a configuration's table, module and secret; return what `train` is called with.

    Without `base`: the models that others were trained from are the caller's to know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(configuration.name)
    table, module, secret = (folder / name for name in ("trips.csv", "model.py", "secret"))
    with table.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["trip", "person", "miles", "fare", "payment", "company", "tip"])
        for n in range(ROWS):
            miles = draw.gauss(3, 1)
            fare = 2 + 2 * miles + draw.gauss(0, 1)
            payment = draw.choice(["Cash", "Credit Card", "Prcard"])
            tip = payment != "Cash" and fare + draw.gauss(0, 2) > 7
            out.writerow([
                f"{configuration.name}-{n}",
                configuration.person(n % PEOPLE),
                "" if draw.random() < 0.1 else f"{miles:.2f}",
                f"{fare:.2f}",
                "" if draw.random() < 0.1 else payment,
                draw.choice(["Blue", "Chicago Elite", "Flash"]),
                "yes" if tip else "no",
            ])  # fmt: skip
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    if configuration.module is not None:
        module.write_text(configuration.module, encoding="utf-8")
    return {
        **COMMON,
        **configuration.options,
        "csv": str(table),
        "module": None if configuration.module is None else str(module),
        "key_file": str(secret),
    }
