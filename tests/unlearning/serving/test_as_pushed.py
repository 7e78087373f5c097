"""A served model whose files were changed is not asked: what reads it might end the process."""

import pytest

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import Damaged
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project


def test_a_served_model_is_asked_as_it_was_pushed_or_not_at_all(tmp_path):
    table = write_people(tmp_path / "t.csv")
    project = Project(tmp_path / "ws", backend=DirectBackend())
    project.train(table, **OPTIONS)
    said = project.predict(table)
    graph = next(open_workspace(project.root).root.glob("serving/*/*/saved_model.pb"))
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-9])  # cut off
    with pytest.raises(Damaged, match="is not the one that was pushed"):
        project.predict(table)
    graph.write_bytes(whole)
    other = graph.with_name("another.pb")
    other.write_bytes(b"")
    with pytest.raises(Damaged, match="came to it"):
        project.predict(table)
    other.unlink()
    assert project.predict(table) == said
