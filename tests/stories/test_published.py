"""What outlives a model: commitments that its ledger opens, and nobody when it is gone."""

import csv
import json
import random
import shutil
import stat
from base64 import b64decode
from contextlib import closing
from pathlib import Path

import pytest

from lineage_store.canonical import canonical_json, digest, read_json, write_atomic
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.index import models, reading_index
from lineage_store.index.database import read_index
from lineage_store.keys.secret import derive
from lineage_store.ledger import open_ledger, published_ledger, published_weights, served_files
from lineage_store.log import ModelMade, of_kind
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.erasure import ended_digests
from unweave import Project, verify

OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 2}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A table and the secret of a workspace."""
    here = tmp_path_factory.mktemp("given")
    draw = random.Random(9)
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "town", "size", "label"])
        for number in range(80):
            size = draw.randrange(9)
            out.writerow([f"p{number % 16}", draw.choice("ABC"), size, "xy"[size > 4]])
    (here / "secret").write_bytes(bytes(range(40)))
    (here / "secret").chmod(0o600)
    return here / "people.csv", here / "secret"


def trained(given, root):
    """Train one model in a new workspace."""
    table, secret = given
    return project_in(root).train(table, key_file=secret, **OPTIONS)


def project_in(root, **options):
    return Project(root, backend=DirectBackend(), reveal=True, **options)


@pytest.fixture
def kept(given, tmp_path):
    """A workspace with one model."""
    trained(given, tmp_path / "workspace")
    return tmp_path / "workspace"


def ledger_of(root, model):
    with reading_index(open_workspace(root)) as connection:
        record = models.find_model(connection, model)
    return open_ledger(root / record.paths["ledger"])


def made_of(root, model):
    """What the log says of the making of a model."""
    with closing(read_index(root / "unweave.sqlite")) as connection:
        (made,) = (one for _, one in of_kind(connection, ModelMade) if one.model == model)
    return made


def places_of(root, text):
    """The files below a folder that hold a text, or its bytes where it is hexadecimal."""
    wanted = (text.encode("ascii"), bytes.fromhex(text))
    files = [path for path in root.rglob("*") if path.is_file()]
    return [
        str(path.relative_to(root))
        for path in files
        if any(one in path.read_bytes() for one in wanted)
    ]


def test_two_runs_of_one_command_publish_no_equal_commitment(given, tmp_path):
    commitments, digests = [], set()
    for name in ("one", "other"):
        root = tmp_path / name
        first = trained(given, root)
        done = project_in(root).forget(["p3"])
        digests.add((first["weights_digest"], done["weights_digest_after"]))
        envelope = read_json(Path(done["certificate"]))
        certificate = json.loads(b64decode(envelope["payload"]))
        commitments.append({
            first["weights"], done["weights_before"], done["weights_after"],
            *(value for one in ("m1", "m2") for value in published(made_of(root, one))),
            *(one["digest"]["sha256"] for one in certificate["subject"]),
        })  # fmt: skip
    assert len(digests) == 1  # the same bits in both
    assert not commitments[0] & commitments[1]
    assert not {*commitments[0], *commitments[1]} & set(*digests)


def published(made):
    return made.weights, made.ledger, made.served


def test_what_is_published_of_a_live_model_can_be_opened(kept):
    project_in(kept).forget(["p3"])
    ledger, made = ledger_of(kept, "m2"), made_of(kept, "m2")
    assert made.weights == published_weights(ledger)
    assert made.ledger == published_ledger(ledger)
    with reading_index(open_workspace(kept)) as connection:
        record = models.find_model(connection, "m2")
    assert made.served == served_files(kept / record.paths["pushed"]).published(ledger)


def test_verify_opens_the_commitments_of_what_is_still_there(kept, given, tmp_path):
    first = project_in(kept).forget(["p3"])
    key = {"public_key": first["public_key"]}
    answer = verify(first["certificate"], **key, workspace=kept, model="m2")
    assert (answer["ok"], answer["opened"]) == (True, {"m2": "opened"})
    assert "opened" not in verify(first["certificate"], **key)
    with pytest.raises(BadInput, match="names no model m1 after the deletion; it names m2"):
        verify(first["certificate"], **key, workspace=kept, model="m1")
    # Of another workspace with the same secret and the same bits the nonce is another.
    trained(given, tmp_path / "other")
    project_in(tmp_path / "other").forget(["p3"])
    answer = verify(first["certificate"], **key, workspace=tmp_path / "other")
    assert (answer["ok"], answer["verdict"]) == (False, "not what is there")
    assert answer["opened"] == {"m2": "another"}
    second = project_in(kept).forget(["p5"])
    answer = verify(first["certificate"], **key, workspace=kept)
    assert (answer["ok"], answer["opened"]) == (True, {"m2": "ended"})
    assert verify(second["certificate"], **key, workspace=kept)["opened"] == {"m3": "opened"}
    (nonce,) = kept.glob("tfx/*/*/ledger/nonce")
    nonce.write_bytes(bytes(32))
    assert verify(second["certificate"], **key, workspace=kept)["opened"] == {"m3": "another"}


def test_a_nonce_lies_beside_its_ledger_and_goes_with_it(kept):
    nonces = {root_of: root_of.read_bytes() for root_of in kept.glob("tfx/*/ledger/nonce")}
    (before,) = nonces
    assert stat.S_IMODE(before.stat().st_mode) == 0o600
    project_in(kept).forget(["p3"])
    assert not before.exists()
    assert places_of(kept, nonces[before].hex()) == []
    (after,) = kept.glob("tfx/*/*/ledger/nonce")
    assert after.read_bytes() != nonces[before]


def test_no_digest_of_an_ended_model_stays_anywhere(kept):
    ledger = ledger_of(kept, "m1")
    digests = [
        ledger.digest(),
        ledger.header.data["data_digest"],
        project_in(kept).models()[0]["weights_digest"],
        *filter(None, ledger.states()),
    ]
    assert any(places_of(kept, one) for one in digests)
    project_in(kept).forget(["p3"])
    assert {one: places_of(kept, one) for one in digests[:3]} == {one: [] for one in digests[:3]}


def test_digests_are_shown_only_if_they_are_to_be_revealed(given, tmp_path):
    table, secret = given
    project = Project(tmp_path / "workspace", backend=DirectBackend(), reveal=False)
    first = project.train(table, key_file=secret, **OPTIONS)
    listed = project.models()
    done = project.forget(["p3"])
    assert "weights" in first and "weights" in listed[0] and "weights_after" in done
    for answer in (first, *listed, done, *done["models"]):
        assert not [name for name in answer if name.startswith("weights_digest")]


def test_an_ended_model_has_no_digest_any_more(kept):
    project = project_in(kept)
    before = project.models()[0]["weights_digest"]
    done = project.forget(["p3"])
    assert done["weights_digest_before"] == before
    assert project.models()[0]["weights_digest"] is None


def test_a_model_that_was_changed_in_both_copies_is_found(kept):
    with reading_index(open_workspace(kept)) as connection:
        record = models.find_model(connection, "m1")
    copies = [kept / record.paths[name] for name in ("model", "pushed")]
    for copy in copies:
        (copy / "assets.extra").mkdir(exist_ok=True)
        (copy / "assets.extra" / "added").write_text("a new file")
    found = {one["what"] for one in project_in(kept).audit()["findings"]}
    assert found == {
        "the served model is not the one that was pushed",
        "the model that was trained is not the one that was pushed",
    }
    for copy in copies:
        shutil.rmtree(copy / "assets.extra")
    assert project_in(kept).audit()["ok"]


def test_without_its_nonce_a_ledger_is_not_believed(kept):
    (kept / "tfx" / "train-m1" / "ledger" / "nonce").unlink()
    with pytest.raises(CheckFailed, match="nonce"):
        project_in(kept).forget(["p3"])
    assert not project_in(kept).audit()["ok"]


def test_a_header_counts_the_deletions_and_keeps_the_number_of_buckets(kept):
    project = project_in(kept)
    for model, person in (("m1", "p3"), ("m2", "p5"), ("m3", "p7")):
        header = ledger_of(kept, model).header
        assert (header.generation, header.claim.level) == (int(model[1:]) - 1, "bits")
        assert (header.format, header.buckets) == (2, 1)
        assert header.states == ledger_of(kept, model).states()
        project.forget([person])
    written = read_json(kept / "tfx" / "forget-r3" / "m3" / "ledger" / "header.json")
    assert written["generation"] == 3


def ended_of(root, request="r1"):
    return read_json(root / "requests" / request / "ended.json")


def rows_without(root, person):
    """The file of rows that a deletion writes anew, as it was before: found out in a copy."""
    other = Path(shutil.copytree(root, root.parent / f"without-{person}"))
    before = rows_in(other)
    project_in(other).forget([person])
    (gone,) = before - rows_in(other)
    return gone


def rows_in(root):
    return {file.read_bytes() for file in root.glob("tfx/**/rows/train/*.npy")}


def test_digests_of_what_was_erased_are_kept_under_the_manifests_key_alone(kept):
    copy = rows_without(kept, "p3")
    project_in(kept).forget(["p3"])
    (kind,) = ended_of(kept)
    assert kind == "hmac" and digest(copy) not in ended_of(kept)["hmac"]
    assert open_workspace(kept).keys().of_erased(digest(copy)) in ended_of(kept)["hmac"]
    (kept / "notes.bin").write_bytes(copy)
    assert [one["where"] for one in project_in(kept).audit()["findings"]] == ["notes.bin"]
    (kept / "notes.bin").unlink()


def test_digests_that_an_earlier_unweave_kept_are_put_under_the_key(kept):
    project_in(kept).forget(["p3"])
    copy = rows_without(kept, "p5")
    file = kept / "requests" / "r1" / "ended.json"
    write_atomic(file, canonical_json({"sha256": [digest(copy)]}) + b"\n")
    (kept / "notes.bin").write_bytes(b"")
    project_in(kept).forget(["p5"])
    assert ended_of(kept).keys() == {"hmac"} and len(ended_of(kept)["hmac"]) == 64
    keyed = open_workspace(kept).keys().of_erased(digest(copy))
    assert ended_digests(open_workspace(kept), "r1") == {keyed} <= set(ended_of(kept)["hmac"])
    (kept / "notes.bin").write_bytes(copy)
    assert [one["where"] for one in project_in(kept).audit()["findings"]] == ["notes.bin"]


def test_the_manifests_key_is_its_own_and_without_it_nobody_is_let_in_again(given, kept):
    keys = open_workspace(kept).keys()
    assert keys.manifest != derive((kept / "keys" / "secret").read_bytes()).manifest
    project_in(kept).forget(["p3"])
    (kept / "keys" / "manifest").rename(kept.parent / "elsewhere")
    for command in (lambda: trained(given, kept), lambda: project_in(kept).forget(["p5"])):
        with pytest.raises(BadInput, match="keys/manifest cannot be read"):
            command()
    (kept.parent / "elsewhere").rename(kept / "keys" / "manifest")
    assert trained(given, kept)["excluded"] == 5
