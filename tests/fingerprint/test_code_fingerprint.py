"""The fingerprint of the code: what changes nothing that is done changes no digit of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from lineage_store.errors import NotReproducible
from unlearning.fingerprint.code_fingerprint import ROOTS, code_digest, fingerprint

TOP = Path(__file__).parents[2]

TRAIN = '''"""Trains."""

from __future__ import annotations

import numpy as np
from keras.activations import relu as f

from unlearning import tables
from unlearning.tables import LIMIT, Kind, scaled


def train(rows: tables.Table, rate: float = 0.1):
    """Train."""
    if rate > LIMIT:
        raise ValueError("the rate is too large")
    return f(np.sum([scaled(row) for row in rows.sorted()])), Kind


def unused():
    return LIMIT
'''
TABLES = '''"""Tables."""

from dataclasses import dataclass

LIMIT = 3
Kind = "kind"


@dataclass
class Table:
    rows: list
    width: int = 2

    def sorted(self):
        """Return the rows in order."""
        return sorted(self.rows)

    def never_called(self):
        return 1


def scaled(row):
    return even(row) * 2


def even(row):
    return row if row % 2 == 0 else odd(row)


def odd(row):
    return even(row + 1)
'''


@pytest.fixture
def digest_of(tmp_path):
    """Return a function that gives the digest of a little repository, with changes to its text."""
    numbers = iter(range(100))

    def digest(*changes, files=("train.py", "tables.py"), **more):
        texts = [TRAIN, TABLES]
        for old, new in changes:
            assert any(old in text for text in texts)
            texts = [text.replace(old, new) for text in texts]
        top = tmp_path / str(next(numbers))
        for name, text in {**dict(zip(files, texts, strict=True)), **more}.items():
            path = top / "unlearning" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return fingerprint(top, ("unlearning.train.train",)).digest

    return digest


SAME = {
    "a comment": [("return row if", "# even\n    return row if")],
    "a docstring": [('"""Train."""', '"""Train a model."""')],
    "no docstring": [('    """Return the rows in order."""\n', "")],
    "an annotation": [("rate: float", "rate: int")],
    "what an error says": [("the rate is too large", "too large")],
    "another layout": [("sorted(self.rows)", "sorted(\n            self.rows,\n        )")],
    "a renamed function": [("odd(", "uneven(")],
    "a renamed constant": [("LIMIT", "LARGEST")],
    "another name in an import": [("relu as f", "relu as g"), ("return f(", "return g(")],
    "an import of the module": [
        ("from keras.activations import relu as f", "import keras"),
        ("return f(", "return keras.activations.relu("),
    ],
    "an import where it is used": [
        ("import numpy as np\n", ""),
        ('    """Train."""\n', "    import numpy as np\n"),
    ],
    "a function that nothing uses": [("return LIMIT", "return LIMIT + 1")],
    "a method that nothing uses": [("return 1", "return 2")],
    "another order": [
        ("def unused():\n    return LIMIT\n", ""),
        ('LIMIT = 3\nKind = "kind"\n', 'Kind = "kind"\nLIMIT = 3\n'),
    ],
}  # fmt: skip

OTHER = {
    "a constant": [("LIMIT = 3", "LIMIT = 4")],
    "a constant of another type": [("LIMIT = 3", "LIMIT = 3.0")],
    "a default": [("rate: float = 0.1", "rate: float = 0.2")],
    "an operator": [("rate > LIMIT", "rate >= LIMIT")],
    "a call": [("np.sum(", "np.prod(")],
    "another imported name": [("relu as f", "gelu as f")],
    "the default of a field": [("width: int = 2", "width: int = 3")],
    "a method": [("sorted(self.rows)", "sorted(self.rows, reverse=True)")],
    "a decorator": [("@dataclass\n", "@dataclass(frozen=True)\n")],
    "another error": [("raise ValueError", "raise KeyError")],
    "in a circle": [("even(row + 1)", "even(row - 1)")],
    "another function in a circle": [("else odd(row)", "else even(row)")],
    "one more statement": [("    return f(", "    rate = 1\n    return f(")],
    "what an import runs": [('Kind = "kind"\n', 'Kind = "kind"\nprint(Kind)\n')],
    "a name that hides another": [("def scaled(row):", "def scaled(row, even=abs):")],
}  # fmt: skip


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
def test_what_does_the_same_has_the_same_digest(digest_of, changes):
    assert digest_of(*changes) == digest_of()


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER)
def test_what_does_something_else_has_another_digest(digest_of, changes):
    assert digest_of(*changes) != digest_of()


def test_a_module_may_move_and_be_reached_through_a_package(digest_of):
    moved = digest_of(
        ("from unlearning import tables\n", "import unlearning.rooms.places as tables\n"),
        ("from unlearning.tables import", "from unlearning.rooms import"),
        files=("train.py", "rooms/places.py"),
        **{"rooms/__init__.py": "from .places import LIMIT, Kind\nfrom .places import scaled\n"},
    )
    assert moved == digest_of()


def test_classes_with_a_base_from_outside_count_whole(digest_of):
    base = [("class Table:", "class Table(dict):")]
    assert digest_of(*base) != digest_of(*base, ("return 1", "return 2"))


@pytest.mark.parametrize(
    "change",
    [
        ("return f(", "import importlib\n    importlib.import_module('x')\n    return f("),
        ("return f(", "exec('x = 1')\n    return f("),
        ("return f(", "eval('1')\n    return f("),
        ("return f(", "__import__('x')\n    return f("),
        ("from unlearning.tables import LIMIT, Kind, scaled", "from unlearning.tables import *"),
        ("return f(", "return tables.nowhere("),
        ("return f(", "return f(tables, "),
    ],
)
def test_what_cannot_be_followed_is_refused(digest_of, change):
    with pytest.raises(NotReproducible):
        digest_of(change)


def test_every_root_is_in_the_source_and_what_trains_is_covered():
    names = {function.name for function in fingerprint(TOP).functions}
    tops = {name.partition(".")[0] for name in names}
    assert {root.rpartition(".")[2] for root in ROOTS} <= tops
    assert {"KerasLearner.step", "Keys.row_key", "batch_of", "Scale.call", "save_state"} <= names
    assert "KerasLearner.graph" not in names  # exports, and no part of a model depends on it


def test_the_digest_is_computed_without_tensorflow():
    script = (
        "import sys; from unlearning.fingerprint.code_fingerprint import code_digest;"
        "print(code_digest());"
        "assert not {'tensorflow', 'keras'} & sys.modules.keys()"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == code_digest()
