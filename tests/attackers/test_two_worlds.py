"""Two worlds that differ in the deleted row alone leave the same, whatever was in it (law 9).

Whoever holds all that stays, the secret and everybody else's row can make the other world himself,
by a training with his guess. So what the two leave is compared, whole: every table of the index,
every file, certificate and log included, and every export. Equal it must be but for what is drawn
(commitments, keys, pseudonyms), for what hangs on these, and for how long things took. An attacker
who looks for anything in particular is in `attacks`; this one looks for all that nobody thought of.

What the verdicts say on purpose is no part of it: that a part was made again, since without the row
the table has other types or classes (docs/security.md).
"""

import base64
import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from fixtures import SMALL_MODEL
from fixtures.exported import exported_texts
from fixtures.warm_python import warm_python
from lineage_store.canonical import digest
from pipelines.backends.direct import DirectBackend
from pipelines.backends.tfx_local import TfxBackend
from unlearning.erasure import scan as scanning
from unlearning.planning import past_plan
from unweave import Project

TOP = Path(__file__).parents[2]
NOON = datetime(2031, 5, 17, 12, tzinfo=timezone.utc)
DRAWN = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}|[A-Za-z0-9+/]{40,}={0,2}|s-[0-9a-f]{8}"
)
# When a version was pushed, a pipeline's component began, and MLMD was told.
MOMENT = re.compile(
    r"(?<=serving/m1/)\d{10}|(?<=T12:0)\d:\d\d|\b1[78]\d{8}(?:\d{3})?\b|[-\d]{10}T[:\d]{8}\.\d{6}"
    r"|(?<='ahead', 1, )\d+"
)
NUMBERED = ("Attribution", "Association")  # in an order of their own each time, from 1 on
TOOK = re.compile(
    r'"(seconds|step_seconds|build|trace|shards|finish|factor|total|written)": ?[-+.\de]+(?=[,}])'
)
# Rows with keys that are drawn, or told by when and where they were written; SQLite is read above.
OTHERWISE = re.compile(
    r"\.csv$|\.gz$|cells\.json$|nonces?$|(timings|marks)\.json$|^keys/|\.sqlite|log\.head$"
)

TABLE = "person,age,visits,label", lambda n: f"p{n % 12},{n % 5},{n * 7 % 11},{'ab'[n * n % 7 % 2]}"
NOTES = "person,note,label", lambda n: f"p{n % 12},note {n % 5},{'ab'[n * n % 7 % 2]}"
LISTENED = "person,item", lambda n: f"p{n % 12},i{n * 7 % 9}"
PLACES = "person,age,visits", lambda n: f"p{n % 12},{n % 5},{n * 7 % 11}"
TREE = """
from sklearn.tree import DecisionTreeClassifier

def build_estimator(spec):
    return DecisionTreeClassifier(random_state=spec.seed)
"""
GUESSES = "zz,3,4,a", "zz,900,-77,b"


def case(family, *, table=TABLE, guesses=GUESSES, slow=True, **options):
    """A family, its table, the two rows of the person who goes."""
    named = "-".join([family, *options])
    if not {"item_column", "clusters"} & options.keys():
        options = {"label": "label", **options}
    given = (family, table, guesses, options)
    return pytest.param(*given, id=named, marks=pytest.mark.slow if slow else ())


CASES = [
    case("naive-bayes", slow=False),
    case("naive-bayes", weight_column="visits", guesses=("zz,3,4,a", "zz,9,7,b")),
    case("naive-bayes", group_column="age", guesses=("zz,3,4,a", "zz,3,7,b")),
    case(
        "naive-bayes",
        table=NOTES,
        text_columns=["note"],
        slow=False,
        guesses=("zz,note 1,a", f"zz,{'what nobody wrote: Müller & Söhne; ' * 4},b"),
    ),
    case("naive-bayes", shards=3),
    case("keras", epochs=1, batch_size=32, module=SMALL_MODEL),
    case("keras", shards=2, slices=2, epochs=1, batch_size=32, module=SMALL_MODEL),
    case("ridge"),
    case("forest"),
    case("logistic"),
    case("k-means", table=PLACES, guesses=("zz,3,4", "zz,900,-77"), clusters=3),
    case("estimator", module=TREE),
    case("item-knn", table=LISTENED, guesses=("zz,i3", "zz,of nobody else"), item_column="item"),
]


def left_of(here, name, guess, family, table, options, *, tfx=False):
    """What stays of a world in which a person with this row was trained on, asked, and went."""
    head, row = table
    rows = [head, *map(row, range(120)), guess]
    (here / f"{name}.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    if "\n" in options.get("module", ""):
        (here / "mine.py").write_text(options["module"], encoding="utf-8")
        options = {**options, "module": str(here / "mine.py")}
    if tfx or family == "keras":  # TensorFlow counts its functions through all of a process
        arguments = json.dumps([str(here), name, family, options, tfx])
        environment = {**os.environ, "PYTHONPATH": f"{TOP}{os.pathsep}{TOP / 'tests'}"}
        subprocess.run(
            [*warm_python(), "-W", "ignore", "-c", WORLD, arguments], env=environment, check=True
        )
    else:
        live_through(here, name, family, options)
    root = (here / "world").rename(here / name)
    stores = [root / "unweave.sqlite", *root.glob("metadata.sqlite")]
    exports = exported_texts(root, here / f"{name}-exports", live="m2")
    arguments = {f"export {one}": bare(text) for one, text in exports.items()}
    return {**tables_of(stores), **files_of(root), **arguments}


def live_through(here, name, family, options, *, tfx=False):
    """Train on a world's rows, and let the person go: at one and the same place."""
    backend = TfxBackend() if tfx else DirectBackend()
    project = Project(here / "world", backend=backend, now=lambda: NOON)
    project.train(
        here / f"{name}.csv", subject="person", model_family=family, key_file=here / "secret",
        **{"shards": 1, "slices": 1, **options},
    )  # fmt: skip
    project.requests.add(["zz"], requester="Dora Ost", reason="a letter")
    project.requests.run()
    assert project.requests.show("q1")["state"] == "done"


WORLD = """
import json, sys
from pathlib import Path
from attackers.test_two_worlds import live_through

here, name, family, options, tfx = json.loads(sys.argv[1])
live_through(Path(here), name, family, options, tfx=tfx)
"""


def bare(text):
    return DRAWN.sub("#", MOMENT.sub("#", TOOK.sub(r'"\1"', text)))


def tables_of(stores):
    found = {}
    for store in stores:
        with closing(sqlite3.connect(store)) as index:
            names = index.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                if name != "_sqlite_migrations":
                    rows = index.execute(f'SELECT * FROM "{name}"')
                    found[f"{store.name}, {name}"] = sorted(
                        bare(repr([v.hex() if isinstance(v, bytes) else v for v in row]))
                        for row in (row[name in NUMBERED :] for row in rows)
                    )
    return found


def files_of(root):
    found = {}
    for file in sorted(one for one in root.rglob("*") if one.is_file()):
        name, data = bare(str(file.relative_to(root))), file.read_bytes()
        if OTHERWISE.search(name):
            found[name] = name
        elif file.suffix in (".json", ".jsonl"):
            text = data.decode("utf-8")
            if file.name == "certificate.json":
                text = base64.b64decode(json.loads(text)["payload"]).decode("utf-8")
            found[name] = bare(text)
        else:
            found[name] = bare(data.decode("latin-1")) if len(data) < 500 else digest(data)
    return found


def differing(here, family, table, guesses, options, *, tfx=False):
    (here / "secret").write_bytes(bytes(range(32)))
    (here / "secret").chmod(0o600)
    one, other = (
        left_of(here, f"world-{number}", guess, family, table, options, tfx=tfx)
        for number, guess in enumerate(guesses)
    )
    assert len(one) > 30
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


@pytest.mark.parametrize(("family", "table", "guesses", "options"), CASES)
def test_what_stays_is_the_same_whatever_was_in_the_row(tmp_path, family, table, guesses, options):
    assert differing(tmp_path, family, table, guesses, options) == set()


@pytest.mark.tfx
def test_what_stays_of_a_pipeline_is_the_same_whatever_was_in_the_row(tmp_path):
    options = {"label": "label", "shards": 2}
    assert differing(tmp_path, "naive-bayes", TABLE, GUESSES, options, tfx=True) == set()


def test_a_size_of_the_old_model_that_stays_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(past_plan, "roughly", lambda size: size)
    monkeypatch.setattr(scanning, "roughly", lambda size, **_: size)
    # Times in the files make two sizes differ, or not, by a few bytes; this row does by more.
    guesses = "zz,3,4,a", "zz,900,-77,b" + "b" * 50
    found = differing(tmp_path, "naive-bayes", TABLE, guesses, {"label": "label"})
    assert {"requests/r1/plan.json", "requests/r1/erasure.json"} <= found
