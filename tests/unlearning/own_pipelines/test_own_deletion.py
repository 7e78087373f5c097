"""A deletion from somebody's own pipeline, without TFX: recorded, checked, scanned, certified."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lineage_store.canonical import digest, digest_json
from lineage_store.clock import clock_ahead
from lineage_store.deadlines import Term
from lineage_store.errors import (
    AlreadyForgotten,
    BadInput,
    CheckFailed,
    NothingFound,
    NothingToLearn,
    OnHold,
    ResidueFound,
    Unfinished,
)
from lineage_store.examples import ExampleCut, ExampleGateway, IdFeatures, read_records
from lineage_store.index import (
    deletions,
    logging_events,
    manifest,
    queue,
    reading_index,
    sign_log,
    writing_index,
)
from lineage_store.keys import create_signing_key
from lineage_store.requests import Details
from lineage_store.rights import Invoked
from lineage_store.workspace import open_workspace
from lineage_store.workspace.folder import writing
from tf_records import tfrecord
from unlearning.certificates import hand_out
from unlearning.certificates.envelope import commitment
from unlearning.own_pipelines import (
    Gated,
    OwnAsked,
    OwnChange,
    OwnFolders,
    OwnModel,
    certify_own,
    check_own,
    find_own_rows,
    must_hold,
    open_own,
    published_state,
    resume_own,
    scan_own,
    shard_verbs,
    values_elsewhere,
)
from unlearning.whole_shards import WholeShard, train_whole_shards
from unweave import verify

CUT = ExampleCut(3)
IDS = IdFeatures("person", "row")
CLOCK = clock_ahead(0)
LETTER = "a-letter-of-person-3"


def row(number):
    note = LETTER if number == 3 else f"note-number-{number % 4}"
    return {"person": [f"person-{number % 8}"], "row": [f"row-{number}"], "note": [note],
            "x": [number * 0.5]}  # fmt: skip


class Counting:
    """Trains what the rows of a shard's cells are: a stand-in for a `run_fn`."""

    def __init__(self, gated):
        self.rows = [
            [one.hex() for file in (gated.folder / f"Split-{cell}").iterdir()
             for one in read_records(file)]
            for cell in CUT.cells("train")
        ]  # fmt: skip

    def shards(self):
        return [
            WholeShard(number, len(some), {"train": digest_json(some)})
            for number, some in enumerate(self.rows)
        ]

    def train(self, shard, *, hash_seed, into):
        (into / "model").mkdir()
        (into / "model" / "weights").write_text(str(sum(map(len, self.rows[shard]))))


@pytest.fixture
def workspace(tmp_path):
    with writing(tmp_path / "keys", create=True) as made:
        create_signing_key(path_private=made.signing_key, path_public=made.public_key)
        with writing_index(made):
            sign_log(made)
    return open_workspace(tmp_path / "keys")


def run(workspace, folder, earlier=(), *, more=()):
    """What a pipeline does: raw Examples, the gate, the shards."""
    raw = folder / "raw" / "Split-train"
    raw.mkdir(parents=True)
    (raw / "data").write_bytes(tfrecord([*map(row, range(48)), *more]))
    with reading_index(workspace) as connection:
        exclusions = manifest.exclusions_for(connection, IDS.columns)
    gateway = ExampleGateway(IDS, CUT, workspace.keys(), exclusions)
    counts = gateway.pass_through([("train", raw / "data")], folder / "gated")
    gated = Gated(folder / "gated", list(counts))
    ledger = train_whole_shards(Counting(gated), earlier=earlier, into=folder / "ledger")
    return gated, ledger


def going(workspace, gated, ids, rows=False):
    return find_own_rows(
        gated.folder, gated.cells, keys=workspace.keys(), asked=asked(ids, rows), trained=["train"]
    )


def asked(ids, rows=False):
    return OwnAsked(tuple(ids), rows, IDS.columns)


def opened(workspace, gated, ledger, ids, rows=False):
    found = going(workspace, gated, ids, rows)
    before = {"models": {"Trainer": {"id": "m1", "weights": published_state(ledger)}},
              "rows": dict(found.by_split), "trained": sorted(found.trained)}  # fmt: skip
    return found, open_own(workspace, asked(ids, rows), found=found, before=before, clock=CLOCK)


def changed(request, second, found, checks):
    model = OwnModel("Trainer", request.before["models"]["Trainer"], "m2", second, checks)
    verdicts = [{"kind": "Model", "verdict": "retrained", "why": "w", "count": 1}]
    return OwnChange([model], found.by_split, verdicts)


def test_whose_rows_go_is_found_by_keyed_strings_and_what_gives_them_away(workspace, tmp_path):
    gated, _ = run(workspace, tmp_path / "1")
    found = going(workspace, gated, ["person-3", "person-4"])
    assert [len(keys) for keys in found.keys_of] == [6, 6] and found.by_split == {"train": 12}
    assert LETTER in found.tokens and not any("note-number" in one for one in found.tokens)
    one = going(workspace, gated, ["row-3", "row-4"], rows=True)
    assert [len(keys) for keys in one.keys_of] == [1, 1]
    assert set(one.keys) < set(found.keys) and len(one.trained) <= 2
    assert going(workspace, gated, ["nobody"]).keys == ()


def test_a_deletion_is_recorded_checked_scanned_and_certified(workspace, tmp_path):
    gated, first = run(workspace, tmp_path / "root" / "1")
    found, request = opened(workspace, gated, first, ["person-3"])
    after, second = run(workspace, tmp_path / "root" / "2", [first])
    control = check_own(gated, second, gone=found.keys, trained=found.trained)
    checks = check_own(after, second, gone=found.keys, trained=found.trained)
    must_hold(checks, control)
    assert [one.outcome for one in checks] == ["passed"] * 4 and control[0].outcome == "failed"
    assert {one for one, verb in shard_verbs(second).items() if verb == "retrained"} == set(
        map(str, found.trained)
    )
    with pytest.raises(CheckFailed, match="no row of the forget set .*: failed, 6 rows still are"):
        must_hold(control, [])
    with pytest.raises(CheckFailed, match="passes on the run before, too"):
        must_hold(checks, checks)

    folders = OwnFolders((tmp_path / "root", workspace.root), (request.folder.open_file,))
    with pytest.raises(ResidueFound, match="Nothing was erased yet: 2 files"):
        scan_own(
            folders.without(tmp_path / "root" / "1" / "gated"), request.opened,
            when="Nothing was erased yet:",
        )  # fmt: skip
    for left in ("1/raw", "2/raw", "1/gated", "1/ledger"):
        for file in sorted((tmp_path / "root" / left).rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
    scan = scan_own(folders, request.opened, when="After the erasure")
    change = changed(request, second, found, checks)
    certify_own(workspace, request, change, scan=scan, left_out=False, clock=CLOCK, version="0")
    answer = verify(request.folder.certificate, public_key=workspace.public_key)
    assert answer["ok"] and answer["rows"] == 6, answer
    assert answer["models"][0]["guarantee"] == "exact"
    assert not request.folder.open_file.exists() and not request.folder.open_key.exists()
    text = request.folder.certificate.read_text()
    assert "person-3" not in text and LETTER not in text
    with pytest.raises(AlreadyForgotten):
        resume_own(workspace, asked(["person-3"]))


def test_each_of_several_people_has_a_certificate_and_a_receipt_of_their_own(workspace, tmp_path):
    gated, first = run(workspace, tmp_path / "1")
    found, request = opened(workspace, gated, first, ["person-3", "person-4"])
    after, second = run(workspace, tmp_path / "2", [first])
    checks = check_own(after, second, gone=found.keys, trained=found.trained)
    scan = scan_own(OwnFolders((tmp_path / "2" / "gated",)), request.opened, when="After")
    certify_own(
        workspace, request, changed(request, second, found, checks), scan=scan, left_out=True,
        clock=CLOCK, version="0",
    )  # fmt: skip
    answer = verify(request.folder.certificate, public_key=workspace.public_key)
    assert answer["ok"] and answer["rows"] == 12
    left_out = statement_of(request.folder.certificate)["predicate"]["not_covered"][-1]
    assert left_out.startswith("values of the rows that stand elsewhere, too")
    nonces = []
    for number, person in enumerate(["person-3", "person-4"], start=1):
        certificate = request.folder.certificate_of(number - 1)
        own = verify(certificate, public_key=workspace.public_key)
        assert own["ok"] and own["rows"] == 6, own
        receipt = tmp_path / f"receipt-{number}.json"
        hand_out(workspace, "r1", number=number, out=receipt, time=CLOCK())
        said = json.loads(receipt.read_text())
        assert said["certificate"] == digest(certificate.read_bytes())
        assert said["guarantees"] == {"m1": "exact"}
        nonces.append(bytes.fromhex(said["nonce"]))
        (subject,) = statement_of(certificate)["predicate"]["subjects"]
        assert subject == commitment(nonces[-1], kind="subject", value=person.encode())
    run_s = statement_of(request.folder.certificate)["predicate"]["subjects"]
    assert len(run_s) == 2 and nonces[0] != nonces[1]
    with pytest.raises(BadInput, match="for several ids, and each has a receipt of its own"):
        hand_out(workspace, "r1", number=None, out=tmp_path / "r", time=CLOCK())


def statement_of(certificate):
    return json.loads(base64.b64decode(json.loads(certificate.read_text())["payload"]))


def test_a_value_that_others_write_is_left_out_of_the_search_and_an_id_never(workspace, tmp_path):
    gated, first = run(workspace, tmp_path / "1")
    _, request = opened(workspace, gated, first, ["person-3"])
    looked_for = replace(request.opened, tokens=type(request.opened.tokens)(["Unfamiliar", LETTER]))
    other = tmp_path / "other"
    other.mkdir()
    folders = OwnFolders((other,))
    (other / "graph.txt").write_text("<unfamiliar>")
    with pytest.raises(ResidueFound, match="1 file still holds.*accept_left_out"):
        scan_own(folders, looked_for, when="Before")
    left_out = values_elsewhere(folders, looked_for)
    assert left_out == {"Unfamiliar"}
    scan = scan_own(folders, looked_for, when="Before", left_out=left_out)
    # How many values others have as well is said nowhere, nor how many spellings were looked for.
    alone = scan_own(folders.without(other), request.opened, when="Before")
    assert scan.clean and scan.past.patterns == alone.past.patterns
    assert scan.not_distinctive == alone.not_distinctive
    (other / "names.txt").write_text("person-3")
    assert values_elsewhere(folders, looked_for) == {"Unfamiliar"}
    with pytest.raises(ResidueFound, match=r"names\.txt"):
        scan_own(folders, looked_for, when="Before", left_out=left_out)


def test_a_killed_run_is_found_by_the_same_ids_and_no_other_runs_before(workspace, tmp_path):
    gated, first = run(workspace, tmp_path / "1")
    assert resume_own(workspace, asked(["person-3"])) is None
    _, request = opened(workspace, gated, first, ["person-3"])
    again = resume_own(workspace, asked([" person-3"]))
    assert again == request
    with pytest.raises(Unfinished, match="r1 of .* was interrupted"):
        resume_own(workspace, asked(["person-4"]))
    with pytest.raises(Unfinished, match="name the same ids again"):
        resume_own(workspace, asked(["person-3", "person-4"]))


def test_who_has_no_row_changes_nothing(workspace, tmp_path):
    gated, first = run(workspace, tmp_path / "1")
    with pytest.raises(NothingFound, match="1 of the 2 ids given have no row"):
        opened(workspace, gated, first, ["person-3", "nobody"])
    with pytest.raises(NothingToLearn, match="Nobody would be left"):
        opened(workspace, gated, first, [f"person-{number}" for number in range(8)])
    with pytest.raises(BadInput, match="Nobody is named"):
        opened(workspace, gated, first, [])
    with reading_index(workspace) as connection:
        assert deletions.manifest(connection) == frozenset()
        assert deletions.all_requests(connection) == []


def test_who_is_restricted_is_not_forgotten_from_an_own_pipeline_and_its_gate_lets_none_in(
    workspace, tmp_path
):
    gated, first = run(workspace, tmp_path / "1")
    named = [names[-1] for names in asked(["person-3"]).entries(workspace.keys())]
    with writing_index(workspace) as connection, connection:
        manifest.restrict(connection, "q1", kind="subject", commitments=named)
    with pytest.raises(OnHold, match="restricted .request q1"):
        opened(workspace, gated, first, ["person-3"])
    with reading_index(workspace) as connection:
        assert deletions.all_requests(connection) == []
    again, _ = run(workspace, tmp_path / "2")
    found = going(workspace, again, ["person-3"])
    assert not any(found.keys_of) and found.left == 42


@pytest.mark.parametrize(
    ("kind", "restricted", "going_"),
    [("subject", "person-3", "row-3"), ("row", "row-11", "person-3")],
)
def test_a_row_that_is_restricted_by_another_id_than_it_is_named_by_stays(
    workspace, tmp_path, kind, restricted, going_
):
    gated, first = run(workspace, tmp_path / "1")
    keys = workspace.keys()
    named = [names[-1] for names in asked([restricted], kind == "row").entries(keys)]
    details = Details(ids=(restricted,))
    with logging_events(workspace) as log:
        entry = queue.QueueEntry(
            kind=kind, commitments=named, options={}, deadline="2999-01-01", needs="",
            question=False, term=Term("2026-05-20", "gdpr"),
            invoked=Invoked(right="restriction", ground="18(1)(a)", since="2026-05-20"),
        )  # fmt: skip
        queue.add(
            log, entry, time=CLOCK(),
            seal=lambda id_: details.sealed(id_, key=keys.requests, random_bytes=bytes),
        )  # fmt: skip
    by_row = going_.startswith("row")
    with pytest.raises(OnHold, match="are restricted .request q1"):
        opened(workspace, gated, first, [going_], by_row)
    opened(workspace, gated, first, ["row-4" if by_row else "person-4"], by_row)


def test_who_is_spelled_nearly_as_who_goes_is_asked_about_and_kept_out_later(workspace, tmp_path):
    other = [{**row(100), "person": ["Person 3"]}]
    gated, first = run(workspace, tmp_path / "1", more=other)
    with pytest.raises(BadInput, match="1 people who were not named .*`admit_alike`"):
        opened(workspace, gated, first, ["person-3"])
    assert going(workspace, gated, ["row-3"], rows=True).alike == 0
    both = going(workspace, gated, ["person-3", "Person 3"])
    assert both.alike == 0 and len(both.keys) == 7
    opened(workspace, gated, first, ["person-4"])
    after, _ = run(workspace, tmp_path / "2", more=[{**row(101), "person": ["PERSON 4"]}, *other])
    assert len(after.keys()) == 48 - 6 + 1, "PERSON 4 is out, and Person 3 is not"
    with reading_index(workspace) as connection:
        exclusions = manifest.exclusions_for(connection, IDS.columns)
    assert len(exclusions.alike) == 1 and exclusions.known_rows == ()


def test_who_was_forgotten_stays_out_where_a_gate_knows_rows_alone(workspace, tmp_path):
    gated, first = run(workspace, tmp_path / "1")
    opened(workspace, gated, first, ["person-3"])
    with reading_index(workspace) as connection:
        exclusions = manifest.exclusions_for(connection, IdFeatures(row_id="row").columns)
    gateway = ExampleGateway(IdFeatures(row_id="row"), CUT, workspace.keys(), exclusions)
    gateway.pass_through([("train", tmp_path / "1/raw/Split-train/data")], tmp_path / "2")
    assert exclusions.rows == 6


def test_a_shard_that_was_taken_over_with_their_rows_fails(workspace, tmp_path):
    gated, first = run(workspace, tmp_path / "1")
    _, second = run(workspace, tmp_path / "2", [first])
    found = going(workspace, gated, ["person-3"])
    nothing = Gated(tmp_path, [])
    checks = check_own(nothing, second, gone=found.keys, trained=found.trained)
    names = {one.name: one.outcome for one in checks}
    assert names["every shard that learnt from the forget set was trained without it"] == "failed"
    Path(second.models()[0], "weights").write_text("0")
    checks = check_own(gated, second, gone=(), trained=())
    assert [one.outcome for one in checks][2] == "failed"
    assert json.loads((second.folder / "ledger.json").read_text())["trial"] == "taken again"
