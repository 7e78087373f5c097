"""Certificates of real deletions: their schema, and what they prove of the event log, offline."""

import csv
import json
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from fixtures import SMALL_MODEL
from lineage_store.canonical import canonical_json, digest
from lineage_store.errors import CheckFailed
from lineage_store.index.database import read_index
from lineage_store.keys.signing import load_private_key, load_public_key
from lineage_store.log import events, merkle
from lineage_store.log.events import ORIGIN
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from tests.any_event import AnyEvent
from unlearning.certificates import envelope
from unweave import Project, verify

jsonschema = pytest.importorskip("jsonschema", reason="comes with TFX")

TOP = Path(__file__).parents[3]
SCHEMA = json.loads((TOP / "docs/certificate.schema.json").read_text(encoding="utf-8"))
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "shards": 2, "slices": 2, "epochs": 1,
    "module": SMALL_MODEL,
}  # fmt: skip


def project_in(root):
    return Project(root, backend=DirectBackend())


def write(path, people, rows):
    draw = random.Random(2)
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "age", "label"])
        for n in range(rows):
            age = draw.gauss(0, 1)
            out.writerow([n, f"person-{n % people:02d}", f"{age:.3f}", "ab"[age > 0]])
    return path


class Certificates:
    """The certificates of each kind of deletion; what nobody asks for is not made."""

    def __init__(self, here):
        self.table = write(here / "people.csv", 20, 160)
        self.here, self.made = here, {}

    def __getitem__(self, kind):
        for make, kinds in MADE_BY.items():
            if kind in kinds and kind not in self.made:
                self.made.update(make(self))
        return self.made[kind]

    def exact(self):
        """Of one model."""
        project = project_in(self.here / "exact")
        project.train(self.table, **OPTIONS)
        asked = {
            "exact, by replay": (["person-01", "person-02"], {"replay": True}),
            "a row": (["47"], {"rows": True}),
        }
        return {
            kind: Path(project.forget(ids, guarantee="exact", **how)["certificate"])
            for kind, (ids, how) in asked.items()
        }

    def with_a_base(self):
        """Of a model and one that was trained from it."""
        project = project_in(self.here / "base")
        project.train(self.table, **OPTIONS)
        project.train(self.table, base="m1", **OPTIONS)
        done = project.forget(["person-00"], guarantee="exact")
        return {"exact, with a base": Path(done["certificate"])}

    def approximate(self):
        """Of a model and one that was trained from it, which an exact run makes anew in the end."""
        project = project_in(self.here / "approximate")
        project.train(self.table, record="all", **OPTIONS)
        project.train(self.table, base="m1", **OPTIONS)
        asked = {
            "approximate": (["person-03"], {}),
            "approximate, measured": (["person-04"], {"replay": True}),
            "approximate, exact due": (["person-05"], {"exact_by": "2999-01-01"}),
        }
        made = {
            kind: Path(project.forget(ids, strategy="amnesiac", **how)["certificate"])
            for kind, (ids, how) in asked.items()
        }
        (phase,) = project.requests.run(due="2999-01-01")["runs"]
        return made | {"exact phase": Path(phase["certificate"])}

    def withdrawn(self):
        """Of a model without which nobody of one class is left."""
        project = project_in(self.here / "two")
        lines = [["row", "person", "age", "label"]]
        lines += [[n, f"who-{n % 2}", n % 5, "xy"[n % 2]] for n in range(60)]
        with (self.here / "two.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(lines)
        project.train(self.here / "two.csv", **{**OPTIONS, "shards": 1, "slices": 1})
        return {"withdrawn": Path(project.forget(["who-0"])["certificate"])}


MADE_BY = {
    Certificates.exact: ("exact, by replay", "a row"),
    Certificates.with_a_base: ("exact, with a base",),
    Certificates.approximate: (
        "approximate", "approximate, measured", "approximate, exact due", "exact phase",
    ),
    Certificates.withdrawn: ("withdrawn",),
}  # fmt: skip


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """The certificate of each kind of deletion, and the workspace that they are of."""
    return Certificates(tmp_path_factory.mktemp("certified"))


KINDS = [kind for kinds in MADE_BY.values() for kind in kinds]


def statement(path):
    found = envelope.verify(path.read_bytes(), None)
    assert found.statement is not None, found.detail
    return json.loads(json.dumps(found.statement))


@pytest.mark.parametrize("kind", KINDS)
def test_every_certificate_is_as_the_schema_says(certificates, kind):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert [error.message for error in validator.iter_errors(statement(certificates[kind]))] == []


def test_the_schema_is_one_and_refuses_what_is_no_certificate(certificates):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)

    def wrong(change):
        document = statement(certificates["exact, by replay"])
        change(document["predicate"])
        return not validator.is_valid(document)

    assert wrong(lambda p: p.pop("log"))
    assert wrong(lambda p: p.update(reason="asked for it"))
    assert wrong(lambda p: p["models"][0].update(guarantee="approximate"))
    assert wrong(lambda p: p["models"][0]["claim"].update(level="tolerance"))
    assert wrong(lambda p: p["models"][0].update(after=None))
    assert wrong(lambda p: p["models"][0]["verification"].update(behaviour="shown"))
    assert wrong(lambda p: p["erasure"].update(found=1))


@pytest.mark.parametrize(
    "kind, claim", [("a row", {"level": "law"}), ("approximate", {"level": "bits"})]
)
def test_verify_refuses_a_word_that_is_not_the_claims(certificates, tmp_path, kind, claim):
    path = certificates[kind]
    workspace = open_workspace(path.parents[2])
    key = load_private_key(workspace.signing_key)
    sealed, document = tmp_path / "certificate.json", statement(path)
    for changed, ok in (({}, True), (claim, False)):
        document["predicate"]["models"][0]["claim"].update(changed)
        sealed.write_bytes(envelope.seal(document, key))
        found = verify(sealed, public_key=workspace.public_key)
        assert found["ok"] is ok, found
    assert found["verdict"] == "not what it is called" and "its claim is not" in found["detail"]


def test_the_kinds_are_what_they_say(certificates):
    models = {kind: statement(certificates[kind])["predicate"]["models"] for kind in KINDS}
    rungs = {kind: {m["verification"]["rung"] for m in changes} for kind, changes in models.items()}
    assert rungs == {
        "exact, with a base": {"bits"},
        "exact, by replay": {"bits"},
        "a row": {"bits"},
        "approximate": {"none"},
        # A model whose base is approximate has no twin to be compared with.
        "approximate, measured": {"distance", "none"},
        "approximate, exact due": {"none"},
        "exact phase": {"bits"},
        "withdrawn": {"withdrawn"},
    }
    assert any("base" in model for model in models["exact, with a base"])
    hows = {m["verification"]["how"] for m in models["exact, by replay"]}
    assert hows == {"by replay"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_shows_offline_that_the_request_was_logged(certificates, kind, tmp_path):
    path = certificates[kind]
    key = Path(shutil.copy(path.parents[2] / "keys/public.pem", tmp_path))
    alone = Path(shutil.copy(path, tmp_path / "certificate.json"))
    answer = verify(alone, public_key=key)
    assert answer["ok"] and answer["log"]["event"] >= 2
    assert answer["log"]["size"] >= answer["log"]["event"]


def test_the_head_within_a_certificate_finds_a_log_that_was_put_back(certificates):
    """Whoever has a certificate has a head that was kept."""
    path = certificates["exact, by replay"]
    key = load_public_key(path.parents[2] / "keys/public.pem")
    checkpoint = statement(path)["predicate"]["log"]["checkpoint"]
    head = events.verify_head(checkpoint.encode(), key, origin=ORIGIN)
    with closing(read_index(path.parents[2] / "unweave.sqlite")) as connection:
        events.check(connection, earlier=head)
        memory = connection.execute("SELECT * FROM events ORDER BY seq").fetchall()
    import sqlite3

    other = sqlite3.connect(":memory:")
    events.create_table(other)
    for row in memory[: head.size - 1]:
        events.append(other, AnyEvent(row["kind"], json.loads(row["body"])), time=row["time"])
    with pytest.raises(CheckFailed, match="removed from its end"):
        events.check(other, earlier=head)


def test_a_proof_that_does_not_hold_is_told_even_if_the_signer_sealed_it(certificates, tmp_path):
    path, other = certificates["exact, by replay"], certificates["a row"]
    workspace = open_workspace(path.parents[2])
    key = load_private_key(workspace.signing_key)
    document = statement(path)
    foreign = statement(other)["predicate"]["log"]
    changed = dict(document["predicate"]["log"], path=foreign["path"][::-1])
    for log, words in ((foreign, "about another event"), (changed, "log proof is not")):
        sealed = envelope.seal(
            {**document, "predicate": {**document["predicate"], "log": log}}, key
        )
        (tmp_path / "forged.json").write_bytes(sealed)
        answer = verify(tmp_path / "forged.json", public_key=workspace.public_key)
        assert (answer["ok"], answer["verdict"]) == (False, "not in the log")
        assert words in answer["detail"]


def test_every_changed_byte_of_a_real_certificate_is_found(certificates, tmp_path):
    data = certificates["exact, by replay"].read_bytes()
    key = load_public_key(certificates["exact, by replay"].parents[2] / "keys/public.pem")
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert envelope.verify(changed, key).verdict == "altered"
    assert envelope.verify(canonical_json(json.loads(data)) + b"\n", key).ok


# Several people in one run


def part_of(path, number):
    return path.parent / "certificates" / f"{number:03d}.json"


def test_each_of_several_people_has_a_certificate_of_their_own(certificates, new_folder):
    path = certificates["exact, by replay"]
    copy = shutil.copytree(path.parents[2], new_folder() / "workspace")
    key = path.parents[2] / "keys/public.pem"
    whole = statement(path)["predicate"]
    leaves = [merkle.leaf_hash(bytes.fromhex(one)) for one in whole["subjects"]]
    for number, person in ((1, "person-01"), (2, "person-02")):
        own = part_of(path, number)
        assert verify(own, public_key=key)["ok"]
        document = statement(own)
        validator = jsonschema.Draft202012Validator(SCHEMA)
        assert [error.message for error in validator.iter_errors(document)] == []
        predicate = document["predicate"]
        assert predicate["run"]["certificate"] == digest(path.read_bytes())
        assert predicate["run"]["root"] == merkle.root(leaves).hex()
        assert predicate["rows"]["count"] == 8 == whole["rows"]["count"] // 2
        assert predicate["models"] == whole["models"]
        # The receipt opens this one, and none of the others.
        out = new_folder() / "receipt.json"
        Project(copy, backend=DirectBackend()).receipt(path.parent.name, number=number, out=out)
        assert out.stat().st_mode & 0o777 == 0o600
        nonce = bytes.fromhex(json.loads(out.read_bytes())["nonce"])
        everybody = {
            envelope.commitment(nonce, kind="subject", value=f"person-{n:02d}".encode())
            for n in range(20)
        }
        mine = envelope.commitment(nonce, kind="subject", value=person.encode())
        assert predicate["subjects"] == [mine]
        assert everybody & set(whole["subjects"]) == {mine}
    assert not (certificates["a row"].parent / "certificates").exists()


def test_a_certificate_that_is_not_of_its_run_is_told(certificates, tmp_path):
    path = certificates["exact, by replay"]
    workspace = open_workspace(path.parents[2])
    key = load_private_key(workspace.signing_key)
    document = statement(part_of(path, 1))
    predicate = document["predicate"]
    for change in ({"index": 1}, {"path": []}, {"root": "00" * 32}, {"size": 3}):
        changed = {**predicate, "run": {**predicate["run"], **change}}
        (tmp_path / "forged.json").write_bytes(
            envelope.seal({**document, "predicate": changed}, key)
        )
        answer = verify(tmp_path / "forged.json", public_key=workspace.public_key)
        assert (answer["ok"], answer["verdict"]) == (False, "not in the run")
