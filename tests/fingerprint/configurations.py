"""Train and forget in many ways, and print a digest of every state that this leaves.

    PYTHONPATH=<a copy of the repository> python configurations.py [--executed]

It runs whatever copy of unweave is found first on Python's path, an older one too: what it calls is
the public Python API and `DirectBackend`, which is looked up by its name wherever it lies. All runs
share one process. Standard output is one JSON object: for each configuration the digest of all
states (checkpoints within and after stages, weights, recorded updates), and with `--executed` where
the functions begin that were called (file, first line). What is new since the first commit is run
for the sake of its functions, and compared with nothing: no earlier model was made so.
"""

import csv
import functools
import hashlib
import importlib
import importlib.util
import json
import os
import random
import re
import sys
import tempfile
import threading
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

FOLDERS = ("lineage_store", "unlearning", "components", "pipelines", "unweave")

DENSE = """
import keras
def build_model(spec):
    given = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.{layer}(keras.layers.Dense(8, activation="relu")(given))
    model = keras.Model(given, keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden))
    model.compile(optimizer=keras.optimizers.{optimizer}, loss=spec.loss)
    return model
"""
NAMED = """
import keras
from keras import layers
def build_model(spec):
    age, unknown = keras.Input((1,), name="age"), keras.Input((1,), name="age is missing")
    city = keras.Input((1,), dtype="string", name="city")
    note = keras.Input((), dtype="string", name="note")
    nowhere = keras.Input((1,), name=spec.input_name("city") + " is missing")
    places = layers.StringLookup(
        max_tokens=8, output_mode="multi_hot", pad_to_max_tokens=True, name="places")(city)
    words = layers.TextVectorization(
        max_tokens=9, output_mode="tf_idf", pad_to_max_tokens=True, name="words")(note)
    scaled = layers.Normalization(name="scale")(age)
    bins = layers.Embedding(4, 2)(layers.Discretization(num_bins=3, name="bins")(age))
    hidden = layers.Concatenate()(
        [places, words, scaled, layers.Flatten()(bins), unknown, nowhere])
    inputs = [age, unknown, city, note, nowhere]
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(hidden))
    model.compile("adam", "binary_crossentropy")
    return model

def adapt(model, rows):
    for name, column in {"places": "city", "words": "note", "scale": "age", "bins": "age"}.items():
        model.get_layer(name).adapt(rows[column])
"""
ALONE = """
import keras
def build_model(spec):
    model = keras.Sequential([keras.layers.Dense({units})])
    model.compile("sgd", {loss})
    return model
"""
SEVERAL = """
import keras
from keras import layers
def build_model(spec):
    given = keras.Input((len(spec.numbers),), name="numbers")
    told = {{}}
    for label in spec.labels:
        name = label.output_name
        told[name] = layers.Dense(label.outputs, label.activation, name=name)(given)
    model = keras.Model(given, {outputs})
    model.compile("adam", {losses})
    return model

def adapt_to_labels(model, labels):
    assert set(labels) == {{"label", "fare"}}
"""
BY_KEYS = SEVERAL.format(
    outputs="told", losses="{label.output_name: label.loss for label in spec.labels}"
)
IN_A_LIST = (
    SEVERAL.format(outputs="[*told.values()]", losses="['mse', 'mse']")
    + """
def targets(labels, spec, groups):
    label = keras.ops.one_hot(labels["label"], 2)
    return {"label": label + 0.0 * keras.ops.cast(groups[:, None], "float32"),
            "fare": labels["fare"][:, None]}
"""
)
RANKED = (
    ALONE.format(units="1", loss="lambda y, p: keras.ops.square(y[:, :1] - p) * y[:, 1:]")
    + """
def targets(labels, spec, groups):
    return keras.ops.stack([labels, keras.ops.cast(groups, "float32")], axis=1)
"""
)
PARSED = """
def parse(row):
    return {"made": [min(row["fare"], 9.0), len(row["note"])], "city": row["city"]}

def build_model(spec):
    import keras
    made = keras.Input((2,), name="made")
    city = keras.Input((), dtype="string", name="city")
    hashed = keras.layers.Hashing(8, output_mode="one_hot")(keras.layers.Reshape((1,))(city))
    scaled = keras.layers.Normalization(name="scale")(made)
    hidden = keras.layers.Concatenate()([scaled, hashed])
    model = keras.Model([made, city], keras.layers.Dense(spec.outputs, "softmax")(hidden))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model

def adapt(model, rows):
    model.get_layer("scale").adapt(rows["made"])
"""
ARRAYS = """
import keras
def build_model(spec):
    note = keras.Input((3,), name="note")
    model = keras.Model(note, keras.layers.Dense(spec.outputs, "softmax")(note))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model
"""
MODULES = {
    "several.py": BY_KEYS,
    "in a list.py": IN_A_LIST,
    "ranked.py": RANKED,
    "parsed.py": PARSED,
    "arrays.py": ARRAYS,
    "named.py": NAMED,
    "logits.py": ALONE.format(units=1, loss="keras.losses.BinaryCrossentropy(from_logits=True)"),
    "one-hot.py": ALONE.format(units="spec.outputs, 'softmax'", loss="'categorical_crossentropy'"),
    "own.py": ALONE.format(units="spec.outputs, 'softmax'", loss="'mse'")
    + "def targets(labels, spec):\n    return keras.ops.one_hot(labels, spec.outputs)\n",
    "dropout.py": DENSE.format(layer="Dropout(0.3)", optimizer="SGD(0.05, momentum=0.9)"),
    "normalised.py": DENSE.format(layer="BatchNormalization()", optimizer="RMSprop(0.01)"),
}


@dataclass(frozen=True)
class Configuration:
    """One way to train, and what is forgotten from it afterwards."""

    data: str = "people"
    options: dict = field(default_factory=dict)
    forget: dict = field(default_factory=dict)
    then: dict = field(default_factory=dict)  # another model, trained from the first
    again: bool = False  # another model, trained from the same source after the deletion
    from_disk: bool = False  # rows are read from disk batch by batch, as those of large stages are
    as_text: bool = False  # tasks go through text, as they do to other processes
    asked: bool = False  # what it predicts is asked, too: what is served reads what it was told
    new: bool = False  # of what the first commit did not know: run, and compared with nothing


CONFIGURATIONS = {
    "plain": Configuration(),
    "one shard": Configuration(options={"shards": 1, "slices": 1}),
    "forgotten": Configuration(forget={"ids": ["p03"]}),
    "forgotten within a stage": Configuration(
        options={
            "module": "dropout.py",
            "row_id": "id",
            "place_by": "row",
            "shards": 1,
            "batch_size": 8,
            "checkpoint_every": 1,
        },
        forget={"ids": ["r50"], "rows": True, "guarantee": "exact"},
    ),
    "trained again": Configuration(forget={"ids": ["p03"]}, again=True),
    "rows from disk": Configuration(from_disk=True, options={"early_stop": 2}),
    "tasks as text": Configuration(as_text=True),
    "numbers as classes": Configuration(data="numbers"),
    "checkpoints by budget": Configuration(options={"checkpoint_budget": 1 << 22}),
    "regression": Configuration(data="fares"),
    "text alone": Configuration(data="texts", options={"subject": ()}),
    "rows with ids": Configuration(options={"row_id": "id", "place_by": "row"}),
    "ids without subjects": Configuration(
        options={"row_id": "id", "subject": ()},
        forget={"ids": ["r7"], "rows": True},
        again=True,
    ),
    "two subjects": Configuration(options={"subject": ["person", "friend"]}),
    "several files": Configuration(data="two files"),
    "risk": Configuration(
        options={
            "risk_rules": ["city=Oslo", "age<30", "age>=60"],
            "risk_shards": 1,
            "risk_share": 40,
            "shards": 3,
            "slices": 4,
            "record": "at-risk",
        }
    ),
    "risk in slices": Configuration(
        options={"risk_rules": ["age>=50"], "risk_share": 30, "slices": 3}
    ),
    "updates": Configuration(options={"record": "all"}),
    "updates in bfloat16": Configuration(options={"record": "all", "update_codec": "bfloat16"}),
    "updates in int8": Configuration(options={"record": "all", "update_codec": "int8"}),
    "subtracted": Configuration(
        options={"record": "all"}, forget={"ids": ["p02"], "strategy": "amnesiac"}
    ),
    "subtracted in part": Configuration(
        options={"module": "dropout.py", "slices": 1, "epochs": 6, "batch_size": 8},
        forget={"ids": ["p02"], "strategy": "amnesiac-marginal"},
    ),
    "class weights": Configuration(options={"class_weights": "balanced"}),
    "early stop": Configuration(options={"early_stop": 1, "epochs": 4}),
    "from a base": Configuration(then={"epochs": 1, "seed": 3}),
    "kinds that are told and said": Configuration(
        data="dates",
        options={"category_columns": ["age"], "date_columns": ["city"]},
        forget={"ids": ["p03"]},
        new=True,
    ),
    "amounts that are said": Configuration(
        data="fares", options={"task": "regression"}, forget={"ids": ["p03"]}, new=True
    ),
    "long numbers as classes": Configuration(data="long numbers", new=True),
    "rows with weights": Configuration(
        options={"weight_column": "fare", "class_weights": "balanced", "early_stop": 1},
        forget={"ids": ["p03"]},
        new=True,
    ),
    "rows with groups": Configuration(
        options={"group_column": "friend"}, forget={"ids": ["p03"]}, from_disk=True, new=True
    ),
    "inputs by name": Configuration(
        options={"module": "named.py"}, forget={"ids": ["p03"]}, new=True
    ),
    "one output of logits": Configuration(options={"module": "logits.py"}, new=True),
    "one-hot labels": Configuration(options={"module": "one-hot.py"}, new=True),
    "labels of its own": Configuration(options={"module": "own.py"}, new=True),
    "several labels": Configuration(
        options={
            "module": "several.py",
            "label": ["label", "fare"],
            "task": {"fare": "regression"},
        },
        forget={"ids": ["p03"]},
        new=True,
    ),
    "several labels in groups": Configuration(
        options={
            "module": "in a list.py",
            "label": ["label", "fare"],
            "task": {"fare": "regression"},
            "group_column": "friend",
        },
        new=True,
    ),
    "a loss within groups": Configuration(
        data="fares",
        options={
            "module": "ranked.py",
            "task": "regression",
            "group_column": "friend",
            "early_stop": 1,
        },
        new=True,
    ),
    "rows that are parsed": Configuration(
        options={"module": "parsed.py"}, forget={"ids": ["p03"]}, asked=True, new=True
    ),
    "arrays": Configuration(
        data="arrays",
        options={"module": "arrays.py", "array_columns": ["note"]},
        forget={"ids": ["p03"]},
        new=True,
    ),
    "dropout": Configuration(options={"module": "dropout.py"}),
    "normalised": Configuration(options={"module": "normalised.py", "seed": 9}),
}
OPTIONS = {"label": "label", "subject": "person", "shards": 2, "slices": 2, "epochs": 2,
           "batch_size": 16, "seed": 1}  # fmt: skip


def rows(data):
    """Yield lines of fields, the header first: numbers that are missing, odd text, equal rows."""
    draw = random.Random(13)
    yield ["id", "person", "friend", "city", "note", "age", "fare", "label"]
    for number in range(90):
        age, fare = draw.gauss(45, 15), draw.expovariate(0.1)
        label = f"{fare * 2 + age:.2f}" if data == "fares" else "old" if age > 45 else "young"
        person, friend = f"p{number % 12:02d}", f"p{(number * 5 + 1) % 12:02d}"
        city = draw.choice(["Oslo", "007", 'O\'Neill, "x"', "'quoted", ""])
        note = draw.choice(["one\nline", "100 %", "a b", "12"])
        shown = "" if number % 11 == 0 else f"{age:.1f}"
        if data == "texts":
            shown, fare = "many", "much"
        if data == "numbers":
            label = "1.0" if age > 45 else "0"
        if data == "long numbers":
            label = str(2**53 + (age > 45))
        if data == "arrays":
            fraction = 0.5 if number % 3 else 0
            note = "" if number % 13 == 5 else str([number, number % 7 + fraction, 1])
        if data == "dates":
            label = " young" if age < 45 else "old"
            city, note = (
                f"20{number % 24:02d}-05-1{number % 9}",
                f"1999-0{number % 9 + 1}-01T10:30Z",
            )
        known = "" if number % 29 == 3 and data != "fares" else label
        yield [f"r{number}", person, friend, city, note, shown, f"{fare:.3}", known]
    if data == "texts":
        yield from [["r1", "p00", "p01", "Oslo", "a b", "many", "much", "old"]] * 2


def tables(folder, data):
    """Write the CSV files of a data set."""
    lines = list(rows("people" if data == "two files" else data))
    cuts = [1, 40, len(lines)] if data == "two files" else [1, len(lines)]
    paths = []
    for number, (start, end) in enumerate(pairwise(cuts)):
        path = folder / f"{data.replace(' ', '-')}-{number}.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            # Of the second file's ends of lines only Python is sure.
            how = {"lineterminator": "\r", "quoting": csv.QUOTE_ALL} if number else {}
            csv.writer(stream, **how).writerows([lines[0], *lines[start:end]])
        paths.append(path)
    return paths


@functools.cache
def called(name):
    """Import what is called so, wherever it lies in this copy of the repository."""
    top = Path(importlib.util.find_spec("unweave").origin).parents[1]
    pattern = re.compile(rf"^(class|def) {name}\b|^{name} = ", re.MULTILINE)
    for path in (p for folder in FOLDERS for p in sorted((top / folder).rglob("*.py"))):
        if pattern.search(path.read_text(encoding="utf-8")):
            module = ".".join(path.relative_to(top).with_suffix("").parts)
            return getattr(importlib.import_module(module.removesuffix(".__init__")), name)
    raise LookupError(f"nothing is called {name} in {top}")


def is_known(name):
    """Say whether anything is called so in this copy of the repository."""
    try:
        called(name)
    except LookupError:
        return False
    return True


def update_digest(data):
    """Return the digest of a recorded update, of what is read from it, and of that as xor has it.

    That codec is no option of a training; an update by it can be read, and not be summed.
    """
    total = hashlib.sha256(data)
    update = called("decode")(data)
    for name, array in sorted(update.items()):
        total.update(name.encode() + array.tobytes())
    nothing = {name: array * 0 for name, array in update.items()}
    turned = called("encode")("xor", before=nothing, after=update)
    total.update(turned)
    try:
        called("decode")(turned)
    except called("CheckFailed") as error:
        total.update(type(error).__name__.encode())
    return total.hexdigest()


def states_digest(root):
    """Return the digest of all states in a workspace, whatever their files are called."""
    from safetensors.numpy import load_file

    found = []
    for path in sorted(root.rglob("*")):
        if path.suffix == ".safetensors":
            total = hashlib.sha256()
            for name, array in sorted(load_file(path).items()):
                total.update(f"{name} {array.dtype.str} {array.shape} ".encode())
                total.update(array.tobytes())
            found.append(total.hexdigest())
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found += [update_digest(archive.read(name)) for name in archive.namelist()]
    if not found:
        raise LookupError("a run left no state")
    return hashlib.sha256(" ".join(sorted(found)).encode()).hexdigest()


@contextmanager
def rows_from_disk():
    """Have the rows of every stage read from disk, however few they are."""
    made, largest = called("RowStore").__init__, called("READ_WHOLE_BYTES")
    before = made.__defaults__
    made.__defaults__ = tuple(0 if value == largest else value for value in before)
    try:
        yield
    finally:
        made.__defaults__ = before


@contextmanager
def gate_from_disk():
    """Have all that the gate sorts lie on disk, and come in many pieces, however little it is."""
    before = []
    for owner, limit, most in (
        ("CsvFile", "PIECE", 1024),
        ("KeysSeen", "IN_MEMORY", 8),
        ("CellWriter", "RUN_BYTES", 1024),
    ):
        try:
            module = sys.modules[called(owner).__module__]
        except LookupError:
            continue  # a gate that goes by rows
        if hasattr(module, limit):
            before.append((module, limit, getattr(module, limit)))
            setattr(module, limit, most)
    try:
        yield
    finally:
        for module, limit, value in before:
            setattr(module, limit, value)


@contextmanager
def the_first_rules():
    """Have kinds and splits be told by the first rules, as those of all versions are."""
    if not is_known("RULES"):
        yield  # there are no others yet
        return
    now, first, made = called("RULES"), called("FIRST_RULES"), called("Columns").__init__
    before = made.__defaults__
    made.__defaults__ = tuple(first if value is now else value for value in before)
    try:
        yield
    finally:
        made.__defaults__ = before


@contextmanager
def the_first_built_in_model():
    """Have the built-in model be the first one, whose bits are those of all versions."""
    try:
        name, family = called("FIRST_BUILT_IN"), called("KerasFamily")
    except LookupError:
        yield  # there is no other yet
        return
    before, first = family.source, called("ModelSource")(name, called("built_in_text")(name))
    family.source = lambda self, module: before(self, module) if module else first
    try:
        yield
    finally:
        family.source = before


@contextmanager
def tasks_as_text():
    """Have this process carry each task out after writing it down and reading it back."""
    engine, carry_out = called("ThisProcess"), called("carry_out")
    before = engine.run

    def through_text(self, tasks, **how):
        for task in tasks:
            carry_out(type(task).from_json(task.to_json()), **how)

    engine.run = through_text
    try:
        yield
    finally:
        engine.run = before


def run(name, folder):
    """Carry out one configuration in a new workspace."""
    what = CONFIGURATIONS[name]
    with ExitStack() as stack:
        if not what.new:
            stack.enter_context(the_first_rules())
        stack.enter_context(the_first_built_in_model())
        if what.from_disk:
            stack.enter_context(rows_from_disk())
            stack.enter_context(gate_from_disk())
        if what.as_text:
            stack.enter_context(tasks_as_text())
        return carried_out(what, folder)


def carried_out(what, folder):
    """Train, and forget, and return the digests of the states after each."""
    from unweave import Project

    key = folder / "secret"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    options = {**OPTIONS, "key_file": key, **what.options}
    own = {options.get(name) for name in ("row_id", "weight_column", "group_column")}
    labels = options["label"] if isinstance(options["label"], list) else [options["label"]]
    drop = {"id", "person", "friend"} - {*labels, *own}
    subject = options["subject"]
    options["drop"] = sorted(drop - set([subject] if isinstance(subject, str) else subject))
    if "module" in options:
        (folder / options["module"]).write_text(MODULES[options["module"]], encoding="utf-8")
        options["module"] = folder / options["module"]
    paths = tables(folder, what.data)
    project = Project(folder / "workspace", backend=called("DirectBackend")())
    made = project.train(paths, **options)
    digests = [states_digest(project.root)]
    if what.then:
        project.train(paths, **{**options, **what.then, "base": made["model_id"], "shards": None})
        digests.append(states_digest(project.root))
    if what.forget:
        project.forget(**what.forget)
        digests.append(states_digest(project.root))
    if what.asked:
        assert project.predict(paths)["rows"]
    if what.again:
        project.train(paths, **options)
        digests.append(states_digest(project.root))
    return digests


def main(arguments):
    """Run all configurations, or those that are named."""
    wanted = [one for one in arguments if not one.startswith("--")] or list(CONFIGURATIONS)
    executed = set()

    def trace(frame, event, argument):
        executed.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    answer = {}
    if "--executed" in arguments:
        threading.settrace(trace)
        sys.settrace(trace)
    for name in wanted:
        new = CONFIGURATIONS[name].new
        if new and not is_known("RULES"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = run(name, Path(folder))
        if not new:
            answer[name] = found
    sys.settrace(None)
    told = {"code": called("code_digest")(), "digests": answer}
    if "--executed" in arguments:
        built_in = called("FIRST_BUILT_IN")
        told["executed"] = sorted(
            [built_in if file == built_in else os.path.realpath(file), line]
            for file, line in executed
            if file == built_in or any(f"/{folder}/" in file for folder in FOLDERS)
        )
        told["built_in"] = built_in
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
