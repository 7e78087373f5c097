"""The audit: an honest workspace passes, and whoever changes what it tells of is found."""

import csv
import json
import random
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixtures import SMALL_MODEL
from fixtures.cell_files import cell_files, lines_of_data
from fixtures.warm_python import warm_python
from lineage_store.canonical import canonical_json, digest, digest_file, read_json, write_atomic
from lineage_store.errors import Unfinished
from lineage_store.index import models
from lineage_store.index.database import open_index, read_index
from lineage_store.index.signed_log import sign_log
from lineage_store.ledger.shards import open_ledger
from lineage_store.log import events as eventlog
from lineage_store.rows.row_store import open_rows
from lineage_store.tensors import load_state, save_state
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from tests.any_event import AnyEvent
from unlearning.registry.new_model import NewModel
from unlearning.registry.register import describe_model
from unlearning.strategies.strategy import stage_of
from unlearning.training.batches import epoch_batches
from unlearning.verification.replay import BITS, Segment, chosen
from unweave import Project

FORGOTTEN = "margarete.steinbrecher@example.org"
MODULE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.Dropout(0.1)(keras.layers.Dense(6, "relu")(numbers))
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=spec.loss)
    return model
"""
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "shards": 2, "slices": 2, "epochs": 2,
    "batch_size": 16, "checkpoint_every": 2, "module": SMALL_MODEL,
}  # fmt: skip


def project_in(root):
    return Project(root, backend=DirectBackend())


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A table and a module."""
    here = tmp_path_factory.mktemp("given")
    draw = random.Random(4)
    people = [FORGOTTEN, *(f"person-{n:02d}" for n in range(15))]
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "age", "fare", "label"])
        for n in range(200):
            age, fare = draw.gauss(0, 1), draw.gauss(0, 1)
            label = "old" if age + fare / 2 > 0 else "young"
            out.writerow([n, people[n % len(people)], f"{age:.3f}", f"{fare:.3f}", label])
    (here / "model.py").write_text(MODULE)
    (here / "secret").write_bytes(bytes(range(40)))
    (here / "secret").chmod(0o600)
    return here / "people.csv", here / "model.py", here / "secret"


@pytest.fixture(scope="module")
def original(given, tmp_path_factory):
    """A workspace with one model; never written to after this."""
    root = tmp_path_factory.mktemp("original") / "workspace"
    project_in(root).train(given[0], key_file=given[2], **{**OPTIONS, "module": given[1]})
    return root


@pytest.fixture(scope="module")
def forgotten(original, tmp_path_factory):
    """A workspace after a deletion; never written to after this."""
    root = tmp_path_factory.mktemp("forgotten") / "workspace"
    shutil.copytree(original, root)
    project_in(root).forget([FORGOTTEN], guarantee="exact")
    return root


@pytest.fixture
def workspace(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "workspace"))


@pytest.fixture
def workspace_after(forgotten, tmp_path):
    return Path(shutil.copytree(forgotten, tmp_path / "workspace"))


def audit(root, **options):
    return Project(root).audit(**options)


def found_in(answer):
    assert answer["ok"] is not bool(answer["findings"])
    return {(one["part"], one["where"]) for one in answer["findings"]}


def record_of(root, model="m1"):
    with closing(read_index(root / "unweave.sqlite")) as connection:
        return models.find_model(connection, model)


def cover_up(root, model="m1"):
    """Make all records agree with what is on disk: index, log, signed head; with all keys."""
    workspace, record = open_workspace(root), record_of(root, model)
    paths = {name: workspace.absolute(path) for name, path in record.paths.items()}
    new = NewModel(
        model=record.id, family=record.family, snapshot=record.snapshot,
        guarantee=record.guarantee, request=record.request,
        extra={name: record.report[name] for name in ("excluded",)},
    )  # fmt: skip
    described = describe_model(workspace, new, paths=paths, created=record.created)
    with closing(open_index(workspace.index_file)) as connection, connection:
        models.register(connection, described)
        for trigger in ("events_never_change", "events_never_go"):
            connection.execute(f"DROP TRIGGER {trigger}")
        events = list(eventlog.events(connection))
        connection.execute("DELETE FROM events")
        for event in events:
            body = dict(event.body)
            if event.kind == "model made" and body["model"] == model:
                body |= {"ledger": described.ledger, "weights": described.weights}
            eventlog.append(connection, AnyEvent(event.kind, body), time=event.time)
        eventlog.create_table(connection)
    sign_log(workspace)


def shard_of(root, number=0, model="m1"):
    record = record_of(root, model)
    return open_ledger(root / record.paths["ledger"]).shard(number)


def rewrite(file, **changes):
    write_atomic(file, canonical_json({**read_json(file), **changes}) + b"\n")


def swap_two_rows(root):
    """Give two rows of a slice each other's values, under their own keys."""
    store = open_rows(root / record_of(root).paths["rows"])
    file = store.files(0, 1)[0]
    records = np.load(file)
    keys = [key.tobytes() for key in records["row_key"]]
    stage = stage_of(shard_of(root).stages()[1])
    batches = epoch_batches(store.stage_rows(0, 1), stage, epoch=0, seed=0)
    # Of two batches: the mean over one batch hardly knows which row had which values.
    first, second, *_ = (
        next(keys.index(key.tobytes()) for key in rows.row_keys if key.tobytes() in keys)
        for _, rows in batches
    )
    values = records[[first, second]].copy()
    for name in ("numbers", "label"):
        records[name][first], records[name][second] = values[name][1], values[name][0]
    file.unlink()
    np.save(file, records)
    shard = shard_of(root)
    rewrite(shard.stage_file(1), rows_digest=store.stage_rows(0, 1).digest())


def change_the_learning_rate(root):
    folder = shard_of(root).folder.parents[1]
    text = (folder / "module.py").read_text().replace("SGD(0.05)", "SGD(0.06)")
    write_atomic(folder / "module.py", text.encode())
    header = read_json(folder / "header.json")
    optimizer = header["optimizer"]
    optimizer["config"]["learning_rate"] = float(np.float32(0.06))
    module = {**header["module"], "digest": digest(text.encode())}
    rewrite(folder / "header.json", optimizer=optimizer, module=module)


def replace_a_checkpoint(root):
    shard = shard_of(root)
    state = load_state(shard.checkpoint_file(0))
    name = next(name for name in state if name.startswith("weights/") and state[name].size > 1)
    state[name].flat[0] += np.float32(0.25)
    shard.checkpoint_file(0).unlink()
    rewrite(shard.stage_file(0), checkpoint_digest=save_state(shard.checkpoint_file(0), state))


TAMPERED = {
    swap_two_rows: {"shard 0, stage 1"},
    change_the_learning_rate: {f"shard {s}, stage {r}" for s in (0, 1) for r in (0, 1)},
    replace_a_checkpoint: {"shard 0, stage 0", "shard 0, stage 1"},
}


def test_an_untouched_workspace_passes_with_every_segment_taken_again(original):
    answer = audit(original, replay=1000, seed=1)
    assert answer["ok"] and answer["findings"] == []
    replay = answer["replay"]
    assert replay["replayed"] == replay["segments"] > 8
    assert (replay["compared"], replay["differs"]) == ("bit for bit", [])
    assert (
        replay["steps"] == open_ledger(original / record_of(original).paths["ledger"]).steps_taken()
    )


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda tamper: tamper.__name__)
def test_a_ledger_that_tells_something_else_than_what_happened_is_found_by_replay(
    workspace, tamper
):
    """Whoever has all keys can make every record agree; but not the training."""
    tamper(workspace)
    cover_up(workspace)
    assert audit(workspace)["ok"], "else it is no test of the replay"
    answer = audit(workspace, replay=1000, seed=3)
    found = {where for part, where in found_in(answer) if part == "replay"}
    assert ("m1" in found) == (tamper is swap_two_rows)  # the gated data have them otherwise
    stages = {where.split(", ", 1)[1].rpartition(", from")[0] for where in found if "," in where}
    assert stages == TAMPERED[tamper]
    # One segment alone finds it, if it is one of those.
    seeds = (n for n in range(1000) if audit_hits(workspace, found, seed=n))
    assert not audit(workspace, replay=1, seed=next(seeds))["ok"]


def audit_hits(root, found, *, seed):
    from unlearning.verification.replay import segments

    record = record_of(root)
    ledger = open_ledger(root / record.paths["ledger"])
    store = open_rows(root / record.paths["rows"])
    (segment,) = chosen(segments(ledger, store, approximate=False)[0], number=1, seed=seed)
    return f"m1, {segment.name}" in found


def test_elsewhere_bits_are_not_compared_but_what_matters_is_found(workspace):
    def pretend(root):
        folder = shard_of(root).folder.parents[1]
        environment = read_json(folder / "header.json")["environment"]
        packages = {**environment["packages"], "tensorflow": "1.0"}
        rewrite(folder / "header.json", environment={**environment, "packages": packages})

    pretend(workspace)
    cover_up(workspace)
    answer = audit(workspace, replay=1000, seed=0)
    assert answer["ok"]
    assert answer["replay"]["compared"] == "within a tolerance"
    assert answer["replay"]["differs"] == ["tensorflow"]
    change_the_learning_rate(workspace)
    cover_up(workspace)
    assert {part for part, _ in found_in(audit(workspace, replay=1000, seed=0))} == {"replay"}


@pytest.mark.parametrize(
    "options",
    [{"class_weights": "balanced"}, {"early_stop": 1, "epochs": 6}, {"record": "all"}],
    ids=str,
)
def test_any_training_can_be_taken_again(given, tmp_path, options):
    root = tmp_path / "workspace"
    project_in(root).train(given[0], **{**OPTIONS, **options})
    answer = audit(root, replay=1000, seed=0)
    assert answer["findings"] == []
    assert answer["replay"]["compared"] == "bit for bit"


def test_after_deletions_what_is_left_can_be_taken_again(workspace_after, given):
    project = project_in(workspace_after)
    project.train(given[0], base="m2", **{**OPTIONS, "epochs": 1, "module": given[1]})
    answer = audit(workspace_after, replay=1000, seed=0)
    assert answer["findings"] == [] and answer["models"] == 2
    assert answer["replay"]["replayed"] == answer["replay"]["segments"] > 12


def test_what_an_approximate_deletion_took_the_rows_from_is_counted(given, tmp_path):
    root = tmp_path / "workspace"
    project_in(root).train(given[0], **OPTIONS, record="all")
    done = project_in(root).forget([FORGOTTEN], strategy="amnesiac")
    assert done["guarantee"] == "approximate"
    answer = audit(root, replay=1000, seed=0)
    assert answer["findings"] == []
    assert answer["replay"]["stages_without_rows"] >= 1
    assert answer["replay"]["segments"] >= 1


# Files


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    write_atomic(file, bytes(data))


def flip_a_weight(saved):
    """Change the first tensor of a SavedModel, with which its file begins."""
    file = next(saved.glob("variables/*.data*"))
    data = file.read_bytes()
    file.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def in_steps(root):
    file = shard_of(root).steps_file(0)
    first, rest = file.read_bytes().split(b"\n", 1)
    step = {**json.loads(first), "loss": 0.5}
    write_atomic(file, canonical_json(step) + b"\n" + rest)


def in_rows(root):
    flip(open_rows(root / record_of(root).paths["rows"]).files(0, 0)[0])


def in_step_checkpoint(root):
    shard = shard_of(root)
    flip(shard.step_checkpoint_file(min(shard.step_checkpoints())))


def in_served(root):
    flip_a_weight(root / record_of(root).paths["pushed"])


CHANGED = {
    in_steps: "the records of its steps are not the recorded ones",
    in_rows: "its rows in the row store are not those that it was trained on",
    in_step_checkpoint: "the checkpoint after step",
    in_served: "the served model is not the one that was pushed",
}


@pytest.mark.parametrize("change", CHANGED, ids=lambda change: change.__name__)
def test_a_changed_file_is_found_without_a_replay(workspace, change):
    change(workspace)
    answer = audit(workspace)
    assert {part for part, _ in found_in(answer)} >= {"files"}
    assert any(CHANGED[change] in one["what"] for one in answer["findings"])


def test_a_changed_update_is_found(given, tmp_path):
    root = tmp_path / "workspace"
    project_in(root).train(given[0], **OPTIONS, record="all")
    assert audit(root)["ok"]
    shard = shard_of(root)
    file = shard.updates.files()[0]
    data = next(shard.updates.read([0]))[1]
    write_atomic(file, file.read_bytes().replace(data, data[:-1] + bytes([data[-1] ^ 1])))
    (finding,) = audit(root)["findings"]
    assert finding["part"] == "files" and "updates cannot be read" in finding["what"]


def test_another_model_that_is_served_is_found_if_it_is_there_twice(workspace):
    """By what was signed when it was pushed, and by a replay besides."""
    record = record_of(workspace)
    for name in ("pushed", "model"):
        flip_a_weight(workspace / record.paths[name])
    assert found_in(audit(workspace)) == {("files", "m1")}
    assert found_in(audit(workspace, replay=1, seed=0)) == {("files", "m1"), ("replay", "m1")}


# No way back


@pytest.mark.parametrize("folder", ["data/m1", "tfx/train-m1", "serving/m1/1"])
def test_a_deleted_model_that_a_backup_brought_back_is_found(workspace_after, original, folder):
    assert audit(workspace_after)["ok"]
    shutil.copytree(original / folder, workspace_after / folder, dirs_exist_ok=True)
    answer = audit(workspace_after)
    assert ("residues", "m1") in found_in(answer)
    assert any("is back on disk" in one["what"] for one in answer["findings"])


def test_a_copy_of_an_erased_file_is_found_under_any_name(workspace_after, original):
    shards = original / record_of(original).paths["ledger"] / "shards"
    kept_too = {digest_file(path) for path in workspace_after.rglob("*.safetensors")}
    (erased,) = (
        path for path in shards.glob("*/stage-01.safetensors") if digest_file(path) not in kept_too
    )
    kept = workspace_after / "notes" / "one.bin"
    kept.parent.mkdir()
    shutil.copy(erased, kept)
    assert found_in(audit(workspace_after)) == {("residues", "notes/one.bin")}


def test_a_graph_that_is_the_same_as_an_erased_one_is_its_models_own(workspace_after):
    """Weights are no part of a saved graph, so that of a later model may have the same bytes."""
    pushed = workspace_after / record_of(workspace_after, "m2").paths["pushed"]
    graph = next(pushed.rglob("saved_model.pb"))
    workspace = open_workspace(workspace_after)
    (ended,) = (request.ended for request in workspace.requests())
    kept = read_json(ended)["hmac"]
    write_atomic(
        ended,
        canonical_json({"hmac": [*kept, workspace.keys().of_erased(digest_file(graph))]}),
    )
    assert audit(workspace_after)["ok"]
    shutil.copy(graph, changed := workspace_after / "notes.pb")
    assert audit(workspace_after)["ok"]
    other = graph.with_name("fingerprint.pb")
    other.write_bytes(other.read_bytes() + b"x")
    assert {("files", "m2"), ("residues", changed.name)} <= found_in(audit(workspace_after))


def test_rows_of_a_forgotten_person_that_are_back_in_live_data_are_found(workspace_after, original):
    lines = lines_of_data(original, "m1").splitlines(keepends=True)
    there = lines_of_data(workspace_after, "m2").splitlines(keepends=True)
    (back, *_) = [line for line in lines if line not in there]
    file, *_ = cell_files(workspace_after, "m2")
    file.chmod(0o600)
    file.write_bytes(file.read_bytes() + back)
    assert ("records", "disk, snapshot of m2") in found_in(audit(workspace_after))


def test_a_workspace_put_back_as_a_whole_is_found_by_a_head_that_was_kept(
    original, forgotten, tmp_path
):
    kept = Path(shutil.copy(forgotten / "log.head", tmp_path / "head"))
    assert audit(original)["ok"]
    answer = audit(original, head=kept)
    assert found_in(answer) == {("log", "event log")} and answer["held_head"]
    assert audit(forgotten, head=kept)["ok"]


def test_there_is_no_audit_of_half_a_deletion(workspace):
    (workspace / "copy.csv").write_bytes(lines_of_data(workspace, "m1"))
    with pytest.raises(Exception, match="still hold"):
        project_in(workspace).forget([FORGOTTEN])
    with pytest.raises(Unfinished):
        audit(workspace)


# The command


def run(root, *arguments):
    command = [*warm_python(), "-m", "unweave", "audit", "--workspace", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_the_command_says_what_it_found_and_ends_with_one(workspace):
    status, output = run(workspace, "--replay", "1", "--json")
    answer = json.loads(output)
    assert status == 0 and answer["ok"] and answer["replay"]["replayed"] == 1
    again = json.loads(run(workspace, "--replay", "1", "--seed", str(answer["replay"]["seed"]),
                           "--json")[1])  # fmt: skip
    assert again == answer
    in_steps(workspace)
    status, output = run(workspace)
    assert status == 1 and "the records of its steps are not the recorded ones" in output


def test_an_audit_without_a_replay_imports_no_tensorflow_and_writes_nothing(forgotten):
    before = {path: path.stat().st_mtime_ns for path in forgotten.rglob("*") if path.is_file()}
    code = (
        "import sys; from unweave import Project; "
        "assert Project(sys.argv[1]).audit()['ok']; assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(forgotten)], check=True)
    after = {path: path.stat().st_mtime_ns for path in forgotten.rglob("*") if path.is_file()}
    assert after == before


def test_segments_are_drawn_by_the_seed_alone():
    found = [Segment(0, 0, None, n) for n in range(20)]
    assert chosen(found, number=5, seed=7) == chosen(found, number=5, seed=7)
    assert chosen(found, number=5, seed=7) != chosen(found, number=5, seed=8)
    assert chosen(found, number=99, seed=0) == found
    assert BITS == 0 and replace(found[0], end=None).name.endswith("to its end")
