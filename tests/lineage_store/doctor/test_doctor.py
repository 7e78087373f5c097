"""The doctor: it names each way in which a workspace was damaged, mends what can be made again,
and is silent about a workspace that nobody touched."""

import csv
import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures import SMALL_MODEL
from lineage_store.cells.kept import load_cells
from lineage_store.commitments import commitment
from lineage_store.errors import Unfinished, WorkspaceBusy
from lineage_store.index import deletions, models, row_index
from lineage_store.index.database import open_index, read_index
from lineage_store.workspace.folder import open_workspace, writing
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands

OPTIONS = {
    "label": "passed",
    "subject": ("student", "lecturer"),
    "row_id": "id",
    "shards": 2,
    "slices": 2,
    "epochs": 2,
    "batch_size": 32,
    "record": "all",
    "module": SMALL_MODEL,
}
STEPS = ("trained", "forgotten", "forgotten_twice")


def write(path, last):
    draw = random.Random(4)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "student", "lecturer", "points", "passed"])
        for number in range(last):
            points = draw.random()
            writer.writerow(
                [number, f"student-{number % 20}", f"lecturer-{number % 3}", f"{points:.3f}",
                 "yes" if points > 0.5 else "no" if number % 40 else ""]
            )  # fmt: skip
    return path


def project_in(root):
    return Project(root, backend=DirectBackend(), reveal=True)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with the workspace after each step; m1 and m2 share their rows, then m3 and m4.

    In the end m5 and m6 are live, with updates of one subject subtracted.
    """
    folder = tmp_path_factory.mktemp("doctor")
    project = project_in(folder / "workspace")
    project.train(write(folder / "first.csv", 160), **OPTIONS)
    project.train(write(folder / "more.csv", 200), **OPTIONS)
    for step in STEPS:
        if step == "forgotten":
            project.forget(["student-3"])
        elif step == "forgotten_twice":
            project.forget(["student-5"], strategy="amnesiac")
        shutil.copytree(folder / "workspace", folder / step)
    return folder


@pytest.fixture
def root(kept, tmp_path):
    return Path(shutil.copytree(kept / "forgotten_twice", tmp_path / "workspace"))


def lines_of(answer):
    return [f"{one['where']}: {one['what']}" for one in answer["differences"]]


def change(root, statement, *values):
    with closing(sqlite3.connect(root / "unweave.sqlite")) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


def everything(root):
    """Return all that the index says, the failures and the log's own hashes aside."""
    with closing(read_index(root / "unweave.sqlite")) as connection:
        tables = ("models", "requests", "exclusions", "events")
        rest = [list(map(tuple, connection.execute(f"SELECT * FROM {name}"))) for name in tables]
        rows = {
            number: sorted(
                tuple(row)
                for row in connection.execute(
                    "SELECT row_key, split, place, subjects FROM rows WHERE part IN "
                    "(SELECT part FROM snapshot_parts WHERE snapshot = ?)",
                    (number,),
                )
            )
            for (number,) in connection.execute("SELECT DISTINCT snapshot FROM snapshot_parts")
        }
        subjects = {number: row_index.subjects(connection, number) for number in rows}
    return rest, rows, subjects


@pytest.mark.parametrize("step", STEPS)
def test_a_workspace_that_nobody_touched_has_no_difference(kept, step):
    files = sorted(path for path in (kept / step).rglob("*"))
    answer = project_in(kept / step).doctor()
    assert answer == {"ok": True, "repair": False, "differences": [], "left": 0}
    assert sorted(path for path in (kept / step).rglob("*")) == files


def test_a_repair_of_what_is_whole_changes_nothing(root):
    before = everything(root)
    assert project_in(root).doctor(repair=True)["ok"]
    assert everything(root) == before


ALTERED = {
    "weights_digest": "ab" * 32,
    "ledger_digest": "cd" * 32,
    "guarantee": "exact",
    "family": "m2",
    "snapshot": 7,
    "created": "2020-01-01T00:00:00+00:00",
    "request": None,
    "config": "{}",
    "paths": '{"ledger": "tfx/elsewhere"}',
}


@pytest.mark.parametrize("column", ALTERED)
def test_a_changed_record_of_a_live_model_is_put_back(root, column):
    before = everything(root)
    change(root, f"UPDATE models SET {column} = ? WHERE id = 'm5'", ALTERED[column])
    found = lines_of(project_in(root).doctor())
    assert found[0].startswith("index, model m5: the ") and len(found) == 1
    assert project_in(root).doctor(repair=True)["ok"]
    assert everything(root) == before
    assert project_in(root).doctor()["differences"] == []


def test_a_record_from_before_an_option_was_there_does_not_differ_for_want_of_it(root):
    """An earlier unweave recorded fewer options; their defaults are what it did."""
    later = "'$.aggregate', '$.partition.risk_rules', '$.partition.risk_shards'"
    change(root, f"UPDATE models SET config = json_remove(config, {later})")
    assert lines_of(project_in(root).doctor()) == []
    change(root, "UPDATE models SET config = json_set(config, '$.partition.seed', 99)")
    assert any("configuration" in line for line in lines_of(project_in(root).doctor()))


def test_a_removed_record_of_a_live_model_is_made_again_whole(root):
    before = everything(root)
    change(root, "DELETE FROM models WHERE id = 'm6'")
    found = project_in(root).doctor()
    assert lines_of(found) == ["index, model m6: its record is missing"] and not found["ok"]
    assert project_in(root).doctor(repair=True)["ok"]
    assert everything(root) == before


def test_the_record_of_a_model_that_has_ended_is_put_back_as_ended(root):
    before = everything(root)
    change(root, "UPDATE models SET state = 'live', ended = NULL WHERE id = 'm1'")
    assert any("a deletion has ended it" in line for line in lines_of(project_in(root).doctor()))
    assert project_in(root).doctor(repair=True)["ok"]
    (_, *rest), *others = everything(root)
    assert others == list(before[1:]) and rest == before[0][1:]
    with closing(read_index(root / "unweave.sqlite")) as connection:
        assert models.find_model(connection, "m1").state == "deleted"


def test_a_model_is_not_brought_back_to_life(root):
    change(root, "UPDATE models SET state = 'deleted', ended = '2030' WHERE id = 'm5'")
    answer = project_in(root).doctor(repair=True)
    assert not answer["ok"] and answer["left"] == 1
    assert "it stays as it is" in lines_of(answer)[0]
    change(root, "DELETE FROM models WHERE id = 'm1'")
    answer = project_in(root).doctor(repair=True)
    assert any("m1" in line and "only there" in line for line in lines_of(answer))
    assert [m["model_id"] for m in project_in(root).models()] == ["m2", "m3", "m4", "m5", "m6"]


def test_a_model_that_the_log_never_heard_of_is_told(root):
    change(root, "INSERT INTO models SELECT 9, 'm9', family, snapshot, state, created, ended, "
                 "request, guarantee, weights_digest, ledger_digest, paths, config, report "
                 "FROM models WHERE id = 'm5'")  # fmt: skip
    answer = project_in(root).doctor(repair=True)
    assert "no such model" in lines_of(answer)[0] and not answer["ok"]


ONE = "(SELECT row_key FROM rows ORDER BY row_key LIMIT 1)"
ROWS = {
    "a row is gone": (f"DELETE FROM rows WHERE row_key = {ONE}", "1 of its rows missing"),
    "a row is changed": (f"UPDATE rows SET place = 5 WHERE row_key = {ONE}", "1 of its rows wrong"),
    "a split is changed": (
        "UPDATE rows SET split = 'eval' WHERE row_key IN (SELECT row_key FROM rows WHERE "
        "split = 'unlabelled' LIMIT 1)", "1 of its rows wrong",
    ),
    "a row is too much": (
        "INSERT INTO rows SELECT part, zeroblob(16), split, place, x'' FROM rows LIMIT 1",
        "1 rows too many",
    ),
    "a row is of no snapshot": (
        "INSERT INTO rows SELECT 99, row_key, split, place, subjects FROM rows LIMIT 1",
        "of no snapshot",
    ),
    "a subject's entry is gone": (
        "DELETE FROM row_subjects WHERE row_key IN (SELECT row_key FROM row_subjects LIMIT 1)",
        "wrong in the index by subject",
    ),
    "a subject's entry is too much": (
        "INSERT INTO row_subjects SELECT zeroblob(16), part, row_key FROM row_subjects LIMIT 1",
        "1 wrong in the index by subject",
    ),
    "a snapshot is gone": ("DELETE FROM snapshot_parts WHERE snapshot = 1", "of its rows missing"),
    "a snapshot is of no model": (
        "INSERT INTO snapshot_parts SELECT 9, part FROM snapshot_parts LIMIT 1",
        "no live model has it",
    ),
    "a row is said to be lacking": (
        "INSERT INTO lacking SELECT part, row_key, 1 FROM rows LIMIT 1",
        "1 of its rows missing",
    ),
    "what is said to be lacking is nowhere": (
        "INSERT INTO lacking SELECT part, zeroblob(16), 1 FROM rows LIMIT 1",
        "1 of no snapshot",
    ),
    "all rows are gone": ("DELETE FROM rows", "of its rows missing"),
}  # fmt: skip


@pytest.mark.parametrize("damage", ROWS)
def test_rows_are_put_back_from_the_snapshots_that_their_ledgers_name(root, damage):
    before = everything(root)
    statement, expected = ROWS[damage]
    change(root, statement)
    found = project_in(root).doctor()
    assert any(expected in line for line in lines_of(found)), lines_of(found)
    assert all(one["repairable"] for one in found["differences"])
    assert project_in(root).doctor(repair=True)["ok"]
    assert everything(root) == before
    assert project_in(root).doctor()["differences"] == []


@settings(max_examples=15, deadline=None)
@given(
    damages=st.sets(st.sampled_from(sorted(ROWS)), min_size=2),
    columns=st.sets(st.sampled_from(sorted(ALTERED)), max_size=3),
)
def test_whatever_comes_together_is_mended_at_once(kept, new_folder, damages, columns):
    root = Path(shutil.copytree(kept / "forgotten_twice", new_folder() / "workspace"))
    before = everything(root)
    with closing(sqlite3.connect(root / "unweave.sqlite")) as connection, connection:
        for damage in sorted(damages):
            # What an earlier one took away may be what this one would have changed.
            connection.execute(ROWS[damage][0].replace("INSERT", "INSERT OR IGNORE"))
        for column in sorted(columns):
            connection.execute(
                f"UPDATE models SET {column} = ? WHERE id = 'm6'", (ALTERED[column],)
            )
    assert not project_in(root).doctor()["ok"]
    assert project_in(root).doctor(repair=True)["ok"]
    assert everything(root) == before


def test_forgotten_rows_stay_out_even_if_the_data_has_them(root):
    keys = open_workspace(root).keys()
    with closing(read_index(root / "unweave.sqlite")) as connection:
        (row_key,) = connection.execute(ONE[1:-1]).fetchone()
    change(root, "INSERT INTO exclusions VALUES (?, 'row', 'r2', '2030-01-01', '[]')",
           keys.commitment(kind="row", value=row_key))  # fmt: skip
    change(root, "DELETE FROM rows WHERE row_key = ?", row_key)
    answer = project_in(root).doctor(repair=True)
    assert not answer["ok"]
    assert any("holds rows that were forgotten" in line for line in lines_of(answer))
    with closing(read_index(root / "unweave.sqlite")) as connection:
        for snapshot in (1, 2):
            assert not len(row_index.rows_by_key(connection, [row_key], snapshot))


def test_rows_are_not_taken_from_a_snapshot_that_is_not_the_ledger_s(kept, root):
    """Somebody put an older copy of the data back, with the rows that were forgotten."""
    shutil.rmtree(root / "data" / "m5")
    shutil.copytree(kept / "trained" / "data" / "m1", root / "data" / "m5")
    change(root, f"DELETE FROM rows WHERE row_key = {ONE}")
    with closing(read_index(root / "unweave.sqlite")) as connection:
        stored = connection.execute("SELECT count(*) FROM rows").fetchone()[0]
    answer = project_in(root).doctor(repair=True)
    assert any("is not the one that its ledger names" in line for line in lines_of(answer))
    assert not answer["ok"]
    with closing(read_index(root / "unweave.sqlite")) as connection:
        (now,) = connection.execute("SELECT count(*) FROM rows").fetchone()
        assert now >= stored
        assert len({row[0] for row in connection.execute("SELECT row_key FROM rows")}) == 200 - 20


def test_a_value_changed_in_the_data_is_told_though_the_commitment_was_changed_with_it(root):
    folder = root / "data/m5"
    cell, described = load_cells(folder)[0], folder / "cells.json"
    path = folder / cell.file
    path.chmod(0o600)
    lines = path.read_bytes().decode().splitlines(keepends=True)
    lines[1], lines[2] = (
        ",".join([*one.split(",")[:3], other.split(",", 3)[3]])
        for one, other in ((lines[1], lines[2]), (lines[2], lines[1]))
    )
    path.write_text("".join(lines), newline="")
    changed = commitment(cell.written.nonce, path.read_bytes())
    described.write_text(described.read_text().replace(cell.written.commitment, changed))
    assert lines_of(project_in(root).doctor()) == [
        "disk, snapshot of m5: is not the one that its ledger names: restore it from a backup"
    ]


def test_what_is_missing_on_disk_is_told_and_not_made_up(root):
    shutil.rmtree(root / "serving" / "m1")
    (root / "tfx" / "forget-r2" / "m4" / "ledger" / "header.json").unlink()
    (root / "requests" / "r1" / "certificate.json").unlink()
    next((root / "data" / "m5" / "train").iterdir()).unlink()
    before = everything(root)
    answer = project_in(root).doctor(repair=True)
    lines = lines_of(answer)
    assert not answer["ok"] and not any(one["repairable"] for one in answer["differences"])
    for expected in (
        "disk, model m5: its folder `pushed` is not there",
        "disk, model m6: there is no ledger with the digest",
        "disk, request r1: its certificate is not",
        "disk, snapshot of m5: is not whole on disk",
    ):
        assert any(line.startswith(expected) for line in lines), lines
    assert everything(root) == before


def test_weights_that_were_changed_are_told(root):
    path = next((root / "tfx/forget-r2/m3/ledger").rglob("final.safetensors"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    answer = project_in(root).doctor()
    assert lines_of(answer) == [
        "disk, model m5: its weights are not those that the event log names: restore them from a "
        "backup"
    ]


def test_an_edited_event_ends_the_comparison(root):
    with closing(sqlite3.connect(root / "unweave.sqlite")) as connection, connection:
        connection.execute("DROP TRIGGER events_never_change")
        connection.execute("UPDATE events SET body = replace(body, 'exact', 'close')")
        connection.execute("DELETE FROM models WHERE id = 'm6'")
    before = everything(root)
    answer = project_in(root).doctor(repair=True)
    (line,) = lines_of(answer)
    assert line.startswith("event log: Event 4 of the event log does not match its leaf")
    assert not answer["ok"] and everything(root) == before


def test_a_log_without_its_head_or_cut_short_is_told(root):
    signed = (root / "log.head").read_bytes()
    (root / "log.head").unlink()
    assert "is gone" in lines_of(project_in(root).doctor())[0]
    (root / "log.head").write_bytes(signed)
    with closing(sqlite3.connect(root / "unweave.sqlite")) as connection, connection:
        connection.execute("DROP TRIGGER events_never_go")
        connection.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
    assert "removed from its end" in lines_of(project_in(root).doctor())[0]


def test_a_request_without_its_manifest_entries_is_told(root):
    change(root, "DELETE FROM exclusions WHERE request = 'r2'")
    change(root, "DELETE FROM requests WHERE id = 'r1'")
    lines = lines_of(project_in(root).doctor())
    assert [line.split(":")[0] for line in lines] == ["index, request r1", "index, request r2"]
    assert "not kept out" in lines[1]


def test_the_doctor_waits_for_a_deletion_and_for_the_lock(root):
    with closing(open_index(root / "unweave.sqlite")) as connection:
        deletions.record(connection, commitments=[], options={}, time="2031-01-20")
    for repair in (False, True):
        with pytest.raises(Unfinished, match="r3"):
            project_in(root).doctor(repair=repair)
    change(root, "DELETE FROM requests WHERE id = 'r3'")
    with writing(root, create=False), pytest.raises(WorkspaceBusy):
        project_in(root).doctor(repair=True)


def test_the_command_line_tells_repairs_and_ends_with_the_right_status(root):
    def run(*arguments):
        done = CliRunner().invoke(commands, ["doctor", "--workspace", str(root), *arguments])
        return done.exit_code, done.output

    assert run() == (0, "Nothing differs.\n")
    change(root, "UPDATE models SET guarantee = 'exact' WHERE id = 'm5'")
    status, output = run()
    assert status == 1 and "the guarantee is not as it was recorded" in output
    assert "can put 1 right" in output
    status, output = run("--json")
    assert status == 1 and json.loads(output) == project_in(root).doctor()
    status, output = run("--repair")
    assert status == 0 and "1 put right, 0 left" in output
    assert run("--json") == (0, json.dumps(project_in(root).doctor()) + "\n")
