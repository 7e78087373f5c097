"""A deletion that is taken back, and is killed while it is: the next command ends what is left."""

import pytest

import pipelines.backends.direct
import pipelines.runs.forget
from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import CheckFailed
from pipelines.backends.direct import DirectBackend
from unweave import Project


class Killed(BaseException):
    """What a kill is to whoever calls: nothing more is done."""


def killed(*_):
    raise Killed


def fails(_):
    raise CheckFailed("a check failed")


@pytest.fixture
def given(tmp_path):
    return write_people(tmp_path / "people.csv")


def test_killed_while_it_is_taken_back_nothing_of_it_stays(given, tmp_path, monkeypatch):
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    project.train(given, **OPTIONS)
    before = project.models()
    monkeypatch.setattr(pipelines.backends.direct, "must_pass", fails)
    monkeypatch.setattr(pipelines.runs.forget, "destroy_open", killed)
    with pytest.raises(Killed):
        project.forget(["p3"])
    monkeypatch.undo()
    left = [
        project.root / name for name in ("requests/r1", "keys/r1.open", "tfx/forget-r1", "data/m2")
    ]
    assert [path.exists() for path in left] == [True, True, True, False]
    assert project.status()["requests"] == {}  # nobody knows of it any more
    project.train(given, **OPTIONS)
    assert [path.exists() for path in left] == [False, False, False, True]
    assert [one["model_id"] for one in project.models()] == [before[0]["model_id"], "m2"]
    assert project.forget(["p3"])["request_id"] == "r1"
    assert project.audit()["ok"]
