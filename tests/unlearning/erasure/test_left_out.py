"""An id that something else has too is never left out in silence; a run stops before it acts."""

import csv
import random
import sqlite3
from contextlib import closing

import pytest

from lineage_store.canonical import read_json
from lineage_store.errors import CheckFailed, ResidueFound, WorkspaceBusy
from lineage_store.index import database
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.text.answers import planned as in_words

FORGOTTEN = "margarete.steinbrecher@example.org"
STREET = 'Löwengasse 17b, "Hinterhaus"'
OPTIONS = {"label": "label", "subject": "person", "row_id": "row", "model_family": "naive-bayes"}


def trained(folder, *, note_of=()):
    """A workspace of sixty people; those of `note_of` mention the one to be forgotten."""
    path = folder / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "street", "note", "label"])
        for n in range(120):
            who = n % 60
            person, street = (FORGOTTEN, STREET) if not who else (f"p{who}", f"Rosenweg {who}")
            note = f"see {FORGOTTEN}" if who in note_of else ""
            out.writerow([n, person, street, note, "ab"[n % 60 > 29]])
    root = folder / "workspace"
    Project(root, backend=DirectBackend()).train(path, **OPTIONS)
    return root


@pytest.fixture
def workspace(tmp_path):
    return trained(tmp_path)


def forget(root, **options):
    project = Project(root, backend=DirectBackend())
    return project.forget([FORGOTTEN], guarantee="exact", **options)


def files_of(root):
    paths = (path for path in root.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("note_of", [(0,), ()])
def test_what_the_person_wrote_herself_is_no_excuse(tmp_path, note_of):
    root = trained(tmp_path, note_of=note_of)
    assert forget(root)["request_id"] == "r1"
    assert read_json(root / "requests/r1/erasure.json")["left_out"] == 0


def test_another_persons_row_that_mentions_an_id_does_not_blind_the_scan(tmp_path):
    root = trained(tmp_path, note_of=[7])
    before = files_of(root)
    planned = Project(root, backend=DirectBackend()).plan([FORGOTTEN])
    assert planned["left_out"] == [{"number": 1, "places": ["2 rows of m1"]}]
    assert "Id 1 stands in what stays, too (2 rows of m1)" in in_words(planned)[-2]
    with pytest.raises(CheckFailed, match=r"id 1 of 1: 2 rows of m1") as raised:
        forget(root)
    assert FORGOTTEN not in str(raised.value)
    assert files_of(root) == before
    (root / "notes.txt").write_text(f"call {FORGOTTEN}")
    with pytest.raises(ResidueFound, match=r"Nothing was changed: 1 file.*notes\.txt"):
        forget(root, accept_left_out=True)
    (root / "notes.txt").unlink()
    assert forget(root, accept_left_out=True)["request_id"] == "r1"
    assert read_json(root / "requests/r1/erasure.json")["left_out"] == 1


def test_a_comment_of_a_module_does_not_blind_the_scan(workspace):
    (workspace / "modules").mkdir(exist_ok=True)
    (workspace / "modules" / "0a.py").write_text(f"# asked for by {FORGOTTEN}\n")
    with pytest.raises(CheckFailed, match=r"id 1 of 1: modules/0a\.py"):
        forget(workspace)
    assert forget(workspace, accept_left_out=True)["request_id"] == "r1"


def test_an_id_in_a_note_is_told_while_nothing_has_changed(workspace):
    before = files_of(workspace)
    (workspace / "notes.txt").write_text(f"call {FORGOTTEN}")
    with pytest.raises(ResidueFound, match=r"Nothing was changed: 1 file.*notes\.txt"):
        forget(workspace)
    (workspace / "notes.txt").unlink()
    assert files_of(workspace) == before
    assert forget(workspace)["request_id"] == "r1"


def test_a_file_that_is_a_riddle_is_told_while_nothing_has_changed(workspace):
    before = files_of(workspace)
    (workspace / "photo.jpg").write_bytes(random.Random(9).randbytes(9000))
    with pytest.raises(ResidueFound, match=r"Nothing was changed: 1 file.*photo\.jpg"):
        forget(workspace)
    (workspace / "photo.jpg").unlink()
    assert files_of(workspace) == before


def test_a_value_in_a_note_is_told_before_anything_is_erased(workspace):
    kept = files_of(workspace / "data" / "m1")
    (workspace / "notes.txt").write_text(f"they live in {STREET}")
    with pytest.raises(ResidueFound, match=r"Nothing was erased yet: 1 file.*notes\.txt"):
        forget(workspace)
    assert files_of(workspace / "data" / "m1") == kept
    (workspace / "notes.txt").unlink()
    assert forget(workspace)["request_id"] == "r1"
    assert not (workspace / "data" / "m1").exists()


def test_nobody_is_told_to_remove_what_unweave_wrote(workspace):
    (workspace / "tfx" / "left").write_text(f"call {FORGOTTEN}")
    with pytest.raises(ResidueFound, match="Leave what unweave itself wrote where it is"):
        forget(workspace)


def test_an_open_reader_of_the_index_delays_the_end_of_a_run_and_nothing_worse(
    workspace, monkeypatch
):
    monkeypatch.setattr(database, "PATIENCE", 1)  # of a reader that closes in time nobody hears
    index = sqlite3.connect(workspace / "unweave.sqlite", isolation_level=None)
    with closing(index):
        index.execute("BEGIN")
        assert index.execute("SELECT count(*) FROM models").fetchone() == (1,)
        with pytest.raises(WorkspaceBusy, match="Another program is reading the index") as raised:
            forget(workspace)
    assert "remove" not in str(raised.value)
    assert Project(workspace).models()[-1]["state"] == "live"  # a model is served meanwhile
    assert forget(workspace)["request_id"] == "r1"
    assert Project(workspace).audit()["ok"]
