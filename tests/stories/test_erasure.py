"""Erasure: what was forgotten is nowhere, cannot come back, and a kill changes nothing of it."""

import csv
import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unweave
from fixtures.cell_files import lines_of_data
from fixtures.warm_python import warm_python
from lineage_store.errors import CheckFailed, NothingFound, Unfinished
from lineage_store.index import deletions, models
from lineage_store.index.database import read_index
from lineage_store.keys.secret import derive
from lineage_store.log import events as eventlog
from lineage_store.workspace.folder import writing
from pipelines.backends.direct import DirectBackend
from pipelines.jobs import TrainingJob
from unlearning.certificates import envelope
from unlearning.erasure import scan, search
from unlearning.registry.register import describe_model, record_model
from unlearning.training.config import TrainConfig
from unweave import Project

TOP = Path(__file__).parents[2]
SECRET = bytes(range(60, 92))
KEYS = derive(SECRET)

FORGOTTEN = "margarete.steinbrecher@example.org"
OTHER = "ottokar.von.blankenburg@example.org"
# The name of a person that is also the number of another person's row.
NAMED_LIKE_A_ROW = "17"

OPTIONS = {
    "label": "label",
    "subject": "person",
    "row_id": "row",
    "model_family": "naive-bayes",
    "shards": 3,
}
NOON = datetime(2031, 5, 17, 12, tzinfo=timezone.utc)


def lines():
    draw = random.Random(11)
    people = [FORGOTTEN, OTHER, NAMED_LIKE_A_ROW, *(f"person-{n:02d}" for n in range(27))]
    yield ["row", "person", "age", "fare", "city", "label"]
    for number in range(300):
        age = draw.gauss(40, 12)
        yield [
            str(number),
            people[number % len(people)],
            f"{age:.1f}",
            f"{draw.expovariate(0.1):.2f}",
            draw.choice(["Ulm", "Bonn", "Hof"]),
            "old" if age + draw.gauss(0, 4) > 40 else "young",
        ]


ROWS_OF_FORGOTTEN = [row[0] for row in lines() if row[1] == FORGOTTEN]


@pytest.fixture(scope="module")
def given_csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("given") / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines())
    return path


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    return path


def project_in(root):
    return Project(root, backend=DirectBackend(), now=lambda: NOON, reveal=True)


@pytest.fixture(scope="module")
def original(given_csv, key_file, tmp_path_factory):
    """A workspace with one model; never written to after this."""
    root = tmp_path_factory.mktemp("original") / "workspace"
    project_in(root).train(given_csv, key_file=key_file, **OPTIONS)
    return root


@pytest.fixture(scope="module")
def forgotten(original, tmp_path_factory):
    """A workspace after a deletion, and what the deletion said; never written to after this."""
    root = tmp_path_factory.mktemp("forgotten") / "workspace"
    shutil.copytree(original, root)
    return root, project_in(root).forget([FORGOTTEN], guarantee="exact", reason="asked for it")


@pytest.fixture
def workspace(original, tmp_path):
    """A copy of the workspace with one model."""
    return Path(shutil.copytree(original, tmp_path / "workspace"))


@pytest.fixture
def workspace_after(forgotten, tmp_path):
    """A copy of the workspace after the deletion."""
    return Path(shutil.copytree(forgotten[0], tmp_path / "workspace"))


def files_of(root):
    """The digest of every file below a folder, by its name."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def files_with(root, patterns):
    """The files that hold any of the patterns, plain or compressed; a search without cleverness."""
    found = set()
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        contents = [path.read_bytes()]
        if contents[0][:2] == b"\x1f\x8b":
            contents.append(gzip.decompress(contents[0]))
        if any(pattern in content for content in contents for pattern in patterns):
            found.add(str(path.relative_to(root)))
    return found


def keyed_patterns(original):
    """Row keys and pseudonym of the forgotten person, raw and in hexadecimal."""
    row_keys = [KEYS.row_key(kind="id", value=row.encode()) for row in ROWS_OF_FORGOTTEN]
    pseudonym = bytes.fromhex(project_in(original).trace_subject(FORGOTTEN)["pseudonym"])
    keyed = [*row_keys, pseudonym]
    return [*keyed, *(value.hex().encode() for value in keyed)]


def models_of(root):
    connection = read_index(root / "unweave.sqlite")
    try:
        return models.models(connection)
    finally:
        connection.close()


def events_of(root, kind):
    connection = read_index(root / "unweave.sqlite")
    try:
        return [event for event in eventlog.events(connection) if event.kind == kind]
    finally:
        connection.close()


def test_nothing_of_a_forgotten_person_is_left_in_any_file(original, forgotten):
    patterns = keyed_patterns(original)
    before = files_with(original, patterns)
    assert any(file.startswith("data/m1/train/") for file in before)
    assert "unweave.sqlite" in before
    assert any(name.startswith("tfx/train-m1/rows/train/") for name in before)
    assert files_with(forgotten[0], patterns) == set()
    assert files_with(forgotten[0], [FORGOTTEN.encode(), FORGOTTEN.encode("utf-16-le")]) == set()


def test_the_key_of_a_forgotten_persons_pseudonym_is_destroyed(original, forgotten):
    lookup = KEYS.subject_lookup(FORGOTTEN)
    assert files_with(original, [lookup]) == {"keys/pseudonyms.sqlite"}
    assert files_with(forgotten[0], [lookup]) == set()
    assert files_with(forgotten[0], [KEYS.subject_lookup(OTHER)]) == {"keys/pseudonyms.sqlite"}


def test_what_learnt_from_the_rows_is_gone_from_disk(forgotten):
    root, done = forgotten
    assert not (root / "data" / "m1").exists()
    assert not (root / "tfx" / "train-m1" / "ledger").exists()
    assert [path.name for path in (root / "serving" / "m1").iterdir()] == ["2"]
    assert done["model_after"] == "m2"


def test_a_reason_is_gone_with_the_end_of_the_deletion(forgotten):
    root, _ = forgotten
    assert files_with(root, [b"asked for it"]) == set()


def test_a_reason_that_names_the_person_stands_in_nobodys_way(original, tmp_path):
    """And one that an earlier unweave kept in clear goes, whoever it names."""
    root = Path(shutil.copytree(original, tmp_path / "workspace"))
    with closing(sqlite3.connect(root / "unweave.sqlite")) as connection, connection:
        connection.execute(
            "INSERT INTO requests (ordinal, id, created, state, options, reason) "
            "VALUES (0, 'r0', '2026-01-01', 'done', '{}', ?)", (f"about {FORGOTTEN}",)
        )  # fmt: skip
    done = project_in(root).forget([FORGOTTEN], reason=f"letter of {FORGOTTEN}, 3 May")
    assert done["guarantee"] == "exact"
    assert files_with(root, [FORGOTTEN.encode()]) == set()


def test_the_receipt_opens_the_certificate_for_the_person_and_for_nobody_else(
    workspace_after, forgotten, tmp_path
):
    _root, done = forgotten
    project_in(workspace_after).receipt("r1", out=tmp_path / "receipt.json")
    sealed = Path(done["certificate"]).read_bytes()
    receipt = json.loads((tmp_path / "receipt.json").read_bytes())
    assert unweave.verify(done["certificate"], public_key=done["public_key"])["ok"]
    assert receipt["certificate"] == hashlib.sha256(sealed).hexdigest()
    predicate = envelope.verify(sealed, None).statement["predicate"]
    nonce = bytes.fromhex(receipt["nonce"])

    def committed(subject):
        return envelope.commitment(nonce, kind="subject", value=subject.encode())

    assert predicate["subjects"] == [committed(FORGOTTEN)]
    assert predicate["subjects"] != [committed(OTHER)]
    keys = [KEYS.row_key(kind="id", value=row.encode()) for row in ROWS_OF_FORGOTTEN]
    assert predicate["rows"] == {"count": 10, "root": envelope.rows_root(nonce, sorted(keys))}
    assert receipt["nonce"].encode() not in sealed


def test_training_on_the_old_file_leaves_the_forgotten_rows_out_and_says_so(
    workspace_after, forgotten, given_csv
):
    made = project_in(workspace_after).train(given_csv, **OPTIONS)
    assert made["excluded"] == len(ROWS_OF_FORGOTTEN) == 10
    assert made["weights_digest"] == forgotten[1]["weights_digest_after"]


def test_a_model_that_has_ended_is_not_trained_again_on_restored_rows(original, workspace_after):
    old, new = models_of(workspace_after)
    for path in ("data/m1", "tfx/train-m1", old.paths["pushed"]):
        shutil.copytree(original / path, workspace_after / path, dirs_exist_ok=True)
    events = events_of(workspace_after, "model made")
    with writing(workspace_after, create=False) as workspace:
        job = TrainingJob(
            workspace=workspace,
            model="m1",
            snapshot=workspace.snapshot("m1"),
            snapshot_number=1,
            config=TrainConfig.from_json(old.config),
            module_file=next((original / "modules").iterdir()),
            clock=lambda: "2031-05-18T12:00:00Z",
            excluded=0,
        )
        with pytest.raises(CheckFailed, match="m1 was ended by a deletion on 2031-05-17"):
            DirectBackend().train(job)
        # Nor does a recorder take it that was not asked before.
        paths = {name: workspace.absolute(path) for name, path in old.paths.items()}
        with pytest.raises(CheckFailed, match="m1 was ended by a deletion on 2031-05-17"):
            again = describe_model(workspace, job.description(), paths=paths)
            record_model(workspace, again, clock=job.clock)
    assert models_of(workspace_after) == [old, new]
    assert events_of(workspace_after, "model made") == events


def test_who_was_forgotten_already_is_answered_with_the_date(workspace_after):
    before = files_of(workspace_after)
    with pytest.raises(NothingFound, match=r"already forgotten on 2031-05-17T12:00:00.*request r1"):
        project_in(workspace_after).forget([FORGOTTEN])
    with pytest.raises(NothingFound, match="2031-05-17"):
        project_in(workspace_after).trace_subject(FORGOTTEN)
    assert files_of(workspace_after) == before


@pytest.mark.parametrize(
    "ids, words",
    [
        (["nobody"], "The subject given has no row in any live model"),
        (["person-01", "nobody"], "The subject 2 of 2 given has no row in any live model"),
        (["nobody", "person-01"], "The subject 1 of 2 given has no row in any live model"),
    ],
)
def test_unknown_people_are_nothing_found_and_nothing_changes(workspace, ids, words):
    before = files_of(workspace)
    with pytest.raises(NothingFound, match=words) as caught:
        project_in(workspace).forget(ids)
    assert not any(one in str(caught.value) for one in ids)
    assert files_of(workspace) == before


def test_an_unknown_row_is_nothing_found(workspace):
    before = files_of(workspace)
    with pytest.raises(NothingFound, match="The row given has no row"):
        project_in(workspace).forget(["4711"], rows=True)
    assert files_of(workspace) == before


def test_a_row_forgotten_by_its_id_leaves_the_person_of_that_name_findable(workspace):
    """Row ids and the names of people are different kinds of ids, even when they are equal."""
    project = project_in(workspace)
    project.forget([NAMED_LIKE_A_ROW], rows=True, guarantee="exact")
    assert project.trace_subject(NAMED_LIKE_A_ROW)["models"][0]["rows"] == 10
    assert project.forget([NAMED_LIKE_A_ROW], guarantee="exact")["rows_found"] == 10


def test_rows_of_a_withdrawn_model_do_not_keep_a_person_in_the_index(tmp_path, key_file):
    """The same people with other rows in two files; one file's model is withdrawn first."""
    files = {"one": ("x", "y", "y", "y"), "two": ("x", "y", "x", "y")}
    for name, labels in files.items():
        rows = [
            [f"{name}-person-{who:02d}" if who == 0 else f"both-people-{who:02d}", n, labels[who]]
            for n in range(*((40,) if name == "one" else (1000, 1040)))
            for who in range(4)
        ]
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["person", name, "label"], *rows])
    project = project_in(tmp_path / "workspace")
    small = {"label": "label", "subject": "person", "model_family": "naive-bayes"}
    for name in files:
        project.train(tmp_path / name, key_file=key_file, **small)
    assert project.forget(["one-person-00"])["model_after"] is None
    assert project.forget(["both-people-03"])["rows_found"] == 40


def test_residues_stop_the_run_until_they_are_removed(workspace, original):
    """A copied file, the same packed, a raw key in a binary file, and a file that breaks off."""
    raw = lines_of_data(workspace, "m1")
    key = KEYS.row_key(kind="id", value=ROWS_OF_FORGOTTEN[0].encode())
    planted = {
        "notes/copy.csv": raw,
        "notes/packed.bin": gzip.compress(raw),
        "serving/dump.bin": os.urandom(5000) + key + os.urandom(7),
        "tfx/ids.txt": b"call " + FORGOTTEN.encode() + b" back",
        "tfx/torn.gz": gzip.compress(raw)[:-9],
    }
    for name, content in planted.items():
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_bytes(content)
    project = project_in(workspace)
    rounds = []
    while planted:
        with pytest.raises(CheckFailed, match="files? still hold") as caught:
            project.forget([FORGOTTEN], guarantee="exact")
        assert not list(workspace.rglob("certificate.json"))
        rounds.append({name for name in planted if name in str(caught.value)})
        assert rounds[-1]
        for name in rounds[-1]:
            del planted[name]
            (workspace / name).unlink()
    # Ids, and what cannot be read, before anything is changed; keys and copies before it is erased.
    assert rounds == [
        {"serving/dump.bin", "tfx/ids.txt", "tfx/torn.gz"},
        {"notes/copy.csv", "notes/packed.bin"},
    ]
    done = project.forget([FORGOTTEN], guarantee="exact")
    assert files_with(workspace, [*keyed_patterns(original), FORGOTTEN.encode()]) == set()
    assert unweave.verify(done["certificate"], public_key=done["public_key"])["ok"]
    assert len(events_of(workspace, "rows deleted")) == 1


def test_nothing_else_is_written_while_a_deletion_waits_to_be_finished(workspace, given_csv):
    (workspace / "copy.csv").write_bytes(lines_of_data(workspace, "m1"))
    project = project_in(workspace)
    with pytest.raises(CheckFailed):
        project.forget([FORGOTTEN])
    with pytest.raises(Unfinished, match="r1"):
        project.forget([OTHER])
    with pytest.raises(Unfinished, match="r1"):
        project.train(given_csv, **OPTIONS)
    (workspace / "copy.csv").unlink()
    assert project.forget([FORGOTTEN])["request_id"] == "r1"
    assert project.forget([OTHER])["request_id"] == "r2"


# Killing

KILL = """
import importlib, os, signal, sys
from pathlib import Path

workspace, subject, target, entry = sys.argv[1:]
module, _, name = target.rpartition(".")
module = importlib.import_module(module)
whole, entries = getattr(module, name), 0

def killed(*arguments, **options):
    global entries
    entries += 1
    if entries == int(entry):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments, **options)

for each in list(sys.modules.values()):  # whoever has imported it by its name has it, too
    if getattr(each, "__dict__", {}).get(name) is whole:
        setattr(each, name, killed)
from pipelines.backends.direct import DirectBackend
from unweave import Project
project = Project(workspace, backend=DirectBackend(), reveal=True)
if subject.endswith(".csv"):
    import json
    project.train(subject, **json.loads(os.environ["TRAIN_OPTIONS"]))
else:
    project.forget([subject], guarantee="exact")
"""


def kill_at(workspace, subject, target, *, entry=1, **options):
    """Run a command in a process of its own that kills itself when a function is entered."""
    done = subprocess.run(
        [*warm_python(), "-c", KILL, str(workspace), str(subject), target, str(entry)],
        env={
            **os.environ,
            "PYTHONPATH": str(TOP),
            "TRAIN_OPTIONS": json.dumps({**OPTIONS, **options}),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


PLACES = {
    "the request is recorded": ("pipelines.runs.forget.save_open", 1),
    "the open file is written": ("pipelines.runs.forget.save_plan", 1),
    "the rows leave a part's sums": ("unlearning.families.naive_bayes_family.subtracted", 1),
    "the result is checked": ("unlearning.verification.report_file.check", 1),
    "the new model is recorded": ("lineage_store.index.signed_log.sign_log", 2),
    "the old model is gone": ("unlearning.erasure.erase.compact", 1),
    "the scan is done": ("pipelines.backends.direct.certify", 1),
    "the certificate is written": ("unlearning.certificates.sealing.receipt", 1),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_deletion_killed_anywhere_ends_the_same_when_it_is_run_again(
    workspace, original, forgotten, place
):
    target, entry = PLACES[place]
    kill_at(workspace, FORGOTTEN, target, entry=entry)
    assert not events_of(workspace, "rows deleted")
    done = project_in(workspace).forget([FORGOTTEN], guarantee="exact")
    assert done["weights_digest_after"] == forgotten[1]["weights_digest_after"]
    assert done["request_id"] == "r1"
    assert len(events_of(workspace, "rows deleted")) == 1
    assert len(events_of(workspace, "model made")) == 2
    assert len(list(workspace.rglob("certificate.json"))) == 1
    assert unweave.verify(done["certificate"], public_key=done["public_key"])["ok"]
    assert [model["state"] for model in project_in(workspace).models()] == ["deleted", "live"]
    assert files_with(workspace, [*keyed_patterns(original), FORGOTTEN.encode()]) == set()
    assert set(files_of(workspace)) == set(files_of(forgotten[0]))


def test_a_deletion_killed_in_its_very_last_step_is_finished_by_the_next_command(workspace):
    kill_at(workspace, FORGOTTEN, "pipelines.runs.forget.forget_open_file")
    assert files_with(workspace, [FORGOTTEN.encode()]) == set()
    assert project_in(workspace).forget([FORGOTTEN])["request_id"] == "r1"
    with pytest.raises(NothingFound, match="already forgotten"):
        project_in(workspace).forget([FORGOTTEN])
    assert files_with(workspace, [FORGOTTEN.encode()]) == set()
    assert files_with(workspace, [KEYS.subject_lookup(FORGOTTEN)]) == set()
    assert len(events_of(workspace, "rows deleted")) == 1


def test_what_a_killed_training_left_does_not_stand_in_the_way(workspace, original, given_csv):
    kill_at(workspace, given_csv, "unlearning.families.naive_bayes_family.summed", entry=2)
    assert files_with(workspace / "data" / "m2", keyed_patterns(original))
    done = project_in(workspace).forget([FORGOTTEN], guarantee="exact")
    assert done["model_after"] == "m2"
    assert files_with(workspace, keyed_patterns(original)) == set()


def test_a_training_killed_before_its_log_is_signed_has_made_a_model(
    given_csv, key_file, tmp_path, forgotten
):
    root = tmp_path / "workspace"
    # The head is signed at the start, for the empty log, and again when the model is recorded.
    kill_at(
        root, given_csv, "lineage_store.index.signed_log.sign_log", entry=2, key_file=str(key_file)
    )
    assert len(events_of(root, "model made")) == 1
    done = project_in(root).forget([FORGOTTEN], guarantee="exact")
    assert done["weights_digest_after"] == forgotten[1]["weights_digest_after"]


def test_without_the_signed_head_of_the_log_nothing_is_changed(workspace):
    (workspace / "log.head").unlink()
    before = files_of(workspace)
    with pytest.raises(CheckFailed, match=r"log\.head, is gone"):
        project_in(workspace).forget([FORGOTTEN], guarantee="exact")
    assert files_of(workspace) == before


# The scan

FEW = st.lists(st.binary(min_size=5, max_size=9).map(lambda b: bytes(x % 3 for x in b)))


@given(patterns=FEW, data=st.binary(max_size=60).map(lambda b: bytes(x % 3 for x in b)))
def test_the_matcher_finds_what_a_plain_search_finds(patterns, data):
    expected = any(pattern in data for pattern in patterns)  # no letters: they have no case
    assert scan.Matcher(patterns).matches(data) == expected


@given(
    patterns=st.lists(st.binary(min_size=5, max_size=20), min_size=1),
    before=st.binary(max_size=40),
    after=st.binary(max_size=40),
    which=st.integers(min_value=0),
)
def test_the_matcher_finds_each_of_its_patterns_wherever_it_stands(patterns, before, after, which):
    pattern = patterns[which % len(patterns)]
    assert scan.Matcher(patterns).matches(before + pattern + after)


@pytest.mark.parametrize("place", [0, 1, 9, 15, 16, 17, 1030, 1039, 1040, 1041, 2063])
def test_a_pattern_across_two_pieces_is_found(tmp_path, monkeypatch, place):
    (tmp_path / "found").write_bytes(b"." * place + b"PATTERN" + b"." * 40)
    (tmp_path / "other").write_bytes(b"." * place + b"PATTER." + b"." * 40)
    monkeypatch.setattr(search, "PIECE", 16)
    found = scan.scan_folder(tmp_path, [b"PATTERN", b"longer than that"]).found
    assert found == ("found",)


def test_a_short_pattern_is_refused_since_it_would_match_anything(tmp_path):
    with pytest.raises(ValueError, match="at least 5 bytes"):
        scan.scan_folder(tmp_path, [b"four"])


def test_only_ids_that_prove_something_are_searched_for(tmp_path):
    (tmp_path / "stays.csv").write_bytes(b"a,Blue Taxi Cab Company,b")
    ids = ["17", "abcdefgh", "1234567890123", "Blue Taxi Cab Company", FORGOTTEN]
    assert scan.distinctive(ids, staying=[tmp_path]) == [
        "1234567890123",
        FORGOTTEN,
    ]


def test_the_open_file_alone_holds_the_ids_while_a_deletion_runs(workspace):
    kill_at(workspace, FORGOTTEN, "pipelines.runs.forget.load_plan")
    assert files_with(workspace, [FORGOTTEN.encode()]) == set()
    assert (workspace / "requests/r1/open.sealed").stat().st_mode & 0o777 == 0o600
    connection = sqlite3.connect(workspace / "unweave.sqlite")
    connection.row_factory = sqlite3.Row
    assert [request.state for request in deletions.all_requests(connection)] == ["running"]
    connection.close()
