"""A table gives one model, and one without a person, whatever it comes in; no query is told.

By the Python API: a file, a folder, a table in memory and a database are named alike.
"""

import contextlib
import sqlite3

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipelines.backends.direct import DirectBackend
from unweave import DatabaseQuery, Project

OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 2}
QUERY = "select person, a, b, word, label from visits_of_everybody where 'hunter2' <> ''"


def people():
    """Rows of thirty people, without a value here and there."""
    drawn = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "person": [f"person-{place % 30}" for place in range(240)],
            "a": drawn.normal(size=240),
            "b": drawn.integers(0, 4, 240),
            "word": drawn.choice(["x", "y", "17", "a b"], 240),
        }
    )
    frame["label"] = np.where(frame.a + frame.b > 1.5, "yes", "no")
    frame.loc[::9, "a"] = np.nan
    return frame


def as_csv(frame, folder):
    frame.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def as_parquet(frame, folder):
    frame.to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def as_frame(frame, folder):
    return frame


def as_arrays(frame, folder):
    return {name: frame[name].to_numpy() for name in frame}


def as_query(frame, folder):
    with contextlib.closing(sqlite3.connect(folder / "hunter2.db")) as connection:
        frame.to_sql("visits_of_everybody", connection, index=False)
    return DatabaseQuery(f"sqlite:///{folder / 'hunter2.db'}", QUERY)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Return a function that trains on a table and forgets a person: the weights of both."""
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_text("ab" * 32)
    key.chmod(0o600)

    def tell(table, root):
        project = Project(root, backend=DirectBackend(), reveal=True)
        made = project.train(table, key_file=key, **OPTIONS)
        done = project.forget(["person-3"])
        assert done["guarantee"] == "exact" and done["rows_found"] == 8
        return made["weights_digest"], done["weights_digest_after"]

    return tell


@pytest.fixture(scope="module")
def plain(story, tmp_path_factory):
    """What the CSV file gives."""
    folder = tmp_path_factory.mktemp("plain")
    return story(as_csv(people(), folder), folder / "ws")


@pytest.mark.parametrize("form", [as_parquet, as_frame, as_arrays, as_query])
def test_the_models_are_those_of_the_csv_file(story, plain, tmp_path, form):
    found = story(form(people(), tmp_path), tmp_path / "ws")
    assert found == plain
    kept = b"".join(path.read_bytes() for path in (tmp_path / "ws").rglob("*") if path.is_file())
    assert b"visits_of_everybody" not in kept and b"hunter2" not in kept


def test_a_person_is_forgotten_from_pictures(tmp_path):
    drawn = np.random.default_rng(0)
    lines = ["file,person,label"]
    for place in range(60):
        pixels = drawn.integers(0, 99, (4, 4)).astype(np.uint8)
        pixels[:, : 2 + 2 * (place % 2)] += 120
        Image.fromarray(pixels).save(tmp_path / f"{place}.png")
        lines.append(f"{place}.png,person-{place % 10},{'no' if place % 2 else 'yes'}")
    (tmp_path / "people.csv").write_text("\n".join(lines))
    project = Project(tmp_path.parent / "pictures-ws", backend=DirectBackend())
    made = project.train(tmp_path, drop=["file"], **OPTIONS)
    assert made["rows"] == 60
    done = project.forget(["person-3"])
    assert (done["guarantee"], done["rows_found"]) == ("exact", 6)
