"""Whatever others may have written is read, or refused in a sentence: a fuzzer on every parser.

Each begins with what unweave wrote itself, or reads every day, and changes bytes of it, or values
in its JSON. In the default suite a few examples are tried, `make test-all` gives each a minute
(`--fuzz-seconds`). An error that nobody foresaw is one that no `Parser` allows.
"""

import gzip
import io
import json
import shutil
import time
import zlib
from contextlib import closing, nullcontext, suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, given, seed, settings

from lineage_store.canonical import canonical_json
from lineage_store.deadlines import Term
from lineage_store.errors import BadInput, CheckFailed, UnweaveError
from lineage_store.index.database import read_index
from lineage_store.keys import from_base64, load_public_key
from lineage_store.log import ORIGIN, events, proofs
from lineage_store.requests.detection import load_search
from lineage_store.requests.inbox import Accepted, Refused, look_through
from lineage_store.requests.law import law_in_force
from lineage_store.requests.policy import Policy, Sender, load_policy, save_policy
from lineage_store.tensors import save_state
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from tests.faults.changes import changes
from tests.faults.kept_parsers import all_kept, packed
from tests.faults.parsers import Parser, letter, refused_or_read, tables
from tests.unlearning.erasure.test_planted import PATTERNS, in_database, mail, png, tarred, zipped
from unlearning.certificates import judge
from unlearning.certificates.envelope import seal
from unlearning.erasure.scan import scan_folder
from unlearning.evaluation.policy import read_policy
from unlearning.planning import load_plan
from unweave import Project, verify

OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 2}
FEW = 25


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with a deletion behind it, a policy, and what it hands out."""
    here = tmp_path_factory.mktemp("fuzz")
    rows = "".join(f"p{n % 6},{n % 5},{'ab'[n % 2]}\n" for n in range(60))
    (here / "t.csv").write_text("person,age,label\n" + rows, encoding="utf-8")
    project = Project(here / "ws", backend=DirectBackend())
    project.train(here / "t.csv", **OPTIONS)
    project.forget(["p1"])
    return open_workspace(here / "ws")


@pytest.fixture(scope="module")
def parsers(workspace, tmp_path_factory):
    here = tmp_path_factory.mktemp("parsers")
    public = load_public_key(workspace.public_key)
    certificate = workspace.request("r1").certificate.read_bytes()
    with closing(read_index(workspace.index_file)) as connection:
        head = workspace.head_file.read_bytes()
        size = events.head(connection).size
        inclusion = proofs.inclusion(connection, 2, checkpoint=head, size=size)
        consistency = proofs.consistency(
            connection, earlier=head, old_size=size, checkpoint=head, size=size
        )
    save_policy(workspace, Policy(approve_above=2, senders=(Sender(uid=0),)))
    of_certificate = json.loads(from_base64(json.loads(certificate)["payload"]))
    Project(workspace.root).receipt("r1", out=here / "receipt.json")
    receipt = (here / "receipt.json").read_bytes()

    def file(name, data):
        path = here / name
        path.write_bytes(data)
        return path

    def verified(data):
        found = verify(file("c.json", data), public_key=workspace.public_key)
        assert found["ok"] is (data == certificate), found
        assert isinstance(found["detail"], str)

    def sealed_by_anybody(data):
        try:
            statement = json.loads(data)
            sealed = seal(statement, Ed25519PrivateKey.from_private_bytes(bytes(32)))
        except (ValueError, BadInput, RecursionError, AttributeError, TypeError):
            return  # nobody can seal it
        for key in (None, workspace.public_key):
            assert verify(file("c.json", sealed), public_key=key)["ok"] is False

    def proven(data):
        with pytest.raises(CheckFailed) if data not in (inclusion, consistency) else nullcontext():
            proofs.check_proof(data, public, origin=ORIGIN)

    def signed(data):
        with pytest.raises(CheckFailed) if data != head else nullcontext():
            events.verify_head(data, public, origin=ORIGIN)

    def dropped(name):
        def check(data):
            folder = here / f"inbox-{name}"
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
            senders = tuple(Sender(uid=uid) for uid in (0, 1000))
            found = list(look_through(folder, Policy(senders=senders)))
            assert [type(one) for one in found] in ([Accepted], [Refused])

        return check

    def a_file_of_the_workspace(path, read):
        def check(data):
            before = path.read_bytes() if path.exists() else None
            path.write_bytes(data)
            try:
                read()
            except (BadInput, CheckFailed):
                pass
            finally:
                path.unlink() if before is None else path.write_bytes(before)

        return check

    def policy():
        found = load_policy(workspace)
        found.needs(3, by_user=3, proposed=False), found.sender(uid=3), found.to_json()
        by_law(found.regime)

    def by_law(name="gdpr"):
        law, term = law_in_force(workspace), Term("2031-01-31", name)
        law.deadline(term, given=None, today="2031-05-17")

    def scanned(data):
        folder = here / "scanned"
        folder.mkdir(exist_ok=True)
        (folder / "it").write_bytes(data)
        scan_folder(folder, PATTERNS, lengths=[7])

    def audited(path):
        def check(data):
            copy = here / "copy"
            shutil.copytree(workspace.root, copy)
            (copy / path).write_bytes(data)
            project = Project(copy, backend=DirectBackend())
            try:
                for ask in (project.status, project.trace_model, project.doctor, project.audit):
                    with suppress(UnweaveError):
                        ask()
            finally:
                shutil.rmtree(copy)

        return check

    found = {
        "certificate": Parser(certificate, verified, as_json=True),
        "certificate sealed by anybody": Parser(
            canonical_json(of_certificate), sealed_by_anybody, as_json=True
        ),
        "inclusion proof": Parser(inclusion, proven, as_json=True),
        "consistency proof": Parser(consistency, proven, as_json=True),
        "signed head": Parser(head, signed),
        "public key": Parser(
            workspace.public_key.read_bytes(),
            lambda data: refused_or_read(lambda: load_public_key(file("k.pem", data))),
        ),
        "receipt": Parser(
            receipt,
            lambda data: refused_or_read(
                lambda: verify(here / "c.json", receipt=file("r.json", data), subject="p1")
            ),
            as_json=True,
        ),
        "inbox JSON": Parser(
            b'[{"subjects": ["p1", "p2"], "deadline": "2031-05-17"}, {"rows": ["7"]}]',
            dropped("a.json"),
            as_json=True,
        ),
        "inbox CSV": Parser(b'subject,reason\np1,"as, said"\np2,\n', dropped("a.csv")),
        "policy": Parser(
            (workspace.root / "policy.json").read_bytes(),
            a_file_of_the_workspace(workspace.root / "policy.json", policy),
            as_json=True,
        ),
        "rules of time": Parser(
            b'[{"name": "gdpr", "law": "12", "answer": {"months": 1}, "extended": {"days": 90}, '
            b'"to_working_day": true, "stops": false, "because": ["number"]}]',
            a_file_of_the_workspace(workspace.root / "regimes.json", by_law),
            as_json=True,
        ),
        "holidays": Parser(
            b"2031-03-03 a feast\n# none\n2031-03-04\n",
            a_file_of_the_workspace(workspace.root / "holidays.txt", by_law),
        ),
        "evaluation policy": Parser(
            b'{"at_least": "distance", "must_pass": [], "runs": 3, "tolerance": null, "seed": 4}',
            lambda data: refused_or_read(lambda: read_policy(file("e.json", data))),
            as_json=True,
        ),
        "detection": Parser(
            b'{"csv": ["a.csv"], "row_id_column": "row", "share": 0.1, "method": "loss"}',
            a_file_of_the_workspace(
                workspace.root / "detection.json", lambda: load_search(workspace.root)
            ),
            as_json=True,
        ),
        "plan": Parser(
            workspace.request("r1").plan.read_bytes(),
            a_file_of_the_workspace(
                workspace.request("r1").plan, lambda: load_plan(workspace.request("r1"))
            ),
            as_json=True,
        ),
    }
    table = pa.table({"a": ["x", "y"], "b": [1, 2]})
    parquet = io.BytesIO()
    pq.write_table(table, parquet)
    numbers = io.BytesIO()
    np.save(numbers, np.arange(12, dtype=np.float32).reshape(3, 4))
    save_state(here / "w.safetensors", {"a": np.arange(6, dtype=np.float32)})
    text = b"person.7@example.org,Rosenweg 3\n" * 40
    for name, data in {
        "zip": zipped(text), "tar": tarred(gzip.compress(text)), "gzip": gzip.compress(text),
        "zlib": b"abc" + zlib.compress(text), **packed(text), "PNG": png(text), "mail": mail(text),
        "SQLite": in_database(text, b"x"), "Parquet": parquet.getvalue(),
        "NPY": numbers.getvalue(), "safetensors": (here / "w.safetensors").read_bytes(),
        "TFRecord": tfrecord(text[:40]), "SavedModel": next(
            workspace.root.glob("serving/*/*/saved_model.pb")).read_bytes()[:20000],
    }.items():  # fmt: skip
        found[f"scan, {name}"] = Parser(data, scanned)
    found |= {f"table, {name}": parser for name, parser in tables(here).items()}
    found |= {"letter": letter(here), **all_kept(workspace, here)}
    ledger = next(workspace.root.glob("tfx/forget-r1/*/ledger"))
    for path in sorted(one for one in ledger.rglob("*") if one.is_file())[::2]:
        name = path.relative_to(ledger)
        found[f"ledger, {name}"] = Parser(
            path.read_bytes(),
            audited(path.relative_to(workspace.root)),
            as_json=path.suffix == ".json",
            costly=True,
        )
    return found


def tfrecord(data):
    length = len(data).to_bytes(8, "little")
    return length + b"\x01\x02\x03\x04" + data + b"\x05\x06\x07\x08"


NAMES = [
    "certificate", "certificate sealed by anybody", "inclusion proof", "consistency proof",
    "signed head", "public key", "receipt", "inbox JSON", "inbox CSV", "policy", "rules of time",
    "holidays", "evaluation policy",
    "detection", "plan", "scan, zip", "scan, tar", "scan, gzip", "scan, zlib", "scan, PNG",
    "scan, bzip2", "scan, xz", "scan, zstandard", "scan, mail", "scan, SQLite", "scan, Parquet",
    "scan, NPY", "scan, safetensors", "scan, TFRecord", "scan, SavedModel", "table", "letter",
    "ledger", "data of a model", "format", "kept receipt", "erased digests", "controller",
    "recipients", "served columns", "ids file", "address", "gated Example", "ledger of shards",
    "estimator", "settings of Keras", "file of ML Metadata",
]  # fmt: skip


def fuzz(parser, *, examples, number):
    """Try some examples of changes, others for each number."""

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(changes(parser.given, as_json=parser.as_json))
    def tried(data):
        parser.check(data)

    tried()


def named(parsers, name):
    return [one for key, one in parsers.items() if key == name or key.startswith(f"{name}, ")]


@pytest.mark.parametrize("name", NAMES)
def test_some_changes_of_it_are_read_or_refused(parsers, name):
    for parser in named(parsers, name):
        parser.check(parser.given)
        fuzz(parser, examples=2 if parser.costly else FEW, number=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_minute_of_changes_of_it_are_read_or_refused(parsers, name, pytestconfig):
    end = time.monotonic() + pytestconfig.getoption("--fuzz-seconds")
    number = tried = 0
    while time.monotonic() < end:
        for parser in named(parsers, name):
            number += 1
            examples = 5 if parser.costly else 200
            fuzz(parser, examples=examples, number=number + 1)
            tried += examples
    print(f"{name}: up to {tried} changes in {pytestconfig.getoption('--fuzz-seconds'):g} s")


def test_every_byte_of_a_certificate_counts(workspace):
    """Changed in one bit, in the case of a letter or beyond ASCII, left out, or written twice."""
    data = workspace.request("r1").certificate.read_bytes()
    key = load_public_key(workspace.public_key)
    assert judge(data, key).ok
    for place, byte in enumerate(data):
        for put in (byte ^ 1, byte ^ 0x20, byte ^ 0x80):
            assert not judge(data[:place] + bytes([put]) + data[place + 1 :], key).ok, place
        assert not judge(data[:place] + data[place + 1 :], key).ok, place
        assert not judge(data[: place + 1] + data[place:], key).ok, place


def test_every_parser_has_its_name(parsers):
    tried = {id(parser) for name in NAMES for parser in named(parsers, name)}
    assert tried == set(map(id, parsers.values()))
