"""Verifying what anybody sealed: a verdict and a reason for everything, and nothing untrue passes.

The attacks are those of the operator, who has the signing key: whatever is changed is sealed again.
"""

import copy
import csv
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from lineage_store.canonical import canonical_json, digest_json
from lineage_store.keys.signing import load_private_key
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.certificates import envelope, shape
from unlearning.certificates.judgement import judge
from unweave import Project, verify

jsonschema = pytest.importorskip("jsonschema", reason="comes with TFX")

TOP = Path(__file__).parents[3]
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((TOP / "docs/certificate.schema.json").read_text(encoding="utf-8"))
)
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The workspace of a few deletions from small models, and the certificates of them."""
    here = tmp_path_factory.mktemp("judged")
    table = here / "people.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "age", "label"])
        out.writerows([f"person-{n % 9}", n % 7, "ab"[n % 2]] for n in range(90))
    project = Project(here / "workspace", backend=DirectBackend())
    project.train(table, **OPTIONS)
    first = Path(project.forget(["person-0"])["certificate"])
    several = Path(project.forget(["person-1", "person-2"])["certificate"])
    rest = Path(project.forget([f"person-{n}" for n in range(3, 9)])["certificate"])
    parts = sorted(several.parent.glob("certificates/*.json"))
    return {"exact": first, "several": several, "part": parts[0], "withdrawn": rest}


@pytest.fixture(scope="module")
def key(made):
    """The operator's signing key."""
    return load_private_key(open_workspace(made["exact"].parents[2]).signing_key)


@pytest.fixture(scope="module")
def honest(made):
    """The statement of an exact deletion, as it was sealed."""
    return statement(made["exact"])


def statement(path):
    found = envelope.verify(path.read_bytes(), None)
    assert found.statement is not None, found.detail
    return json.loads(json.dumps(found.statement))


def judged(document, key):
    """What is said of a statement that was sealed with a key, to who has that key."""
    return judge(envelope.seal(document, key), key.public_key())


def of_an_approximate_run(document):
    """The same statement as an approximate run would have made it."""
    (change,) = document["predicate"]["models"]
    change |= {"strategy": "amnesiac", "guarantee": "approximate", "closeness": "unmeasured"}
    change |= {"claim": {"level": "approximate"}, "distance_to_twin": "unmeasured"}
    change["verification"] |= {"rung": "none", "how": "the result was not compared with its twin"}
    change["updates"] = {"affected": 3, "of": 9}
    change["kept_for_later"] = {
        "updates": 6, "states": 0, "until": "2027-01-01", "served_by": ["amnesiac"],
        "verdict": "retained: derived until 2027-01-01",
    }  # fmt: skip
    del change["basis"]
    change.pop("reuse", None)
    return document


@pytest.mark.parametrize("kind", ["exact", "several", "part", "withdrawn"])
def test_what_a_run_certified_is_verified(made, kind):
    public = made["exact"].parents[2] / "keys/public.pem"
    answer = verify(made[kind], public_key=public)
    assert answer["ok"], answer
    without = verify(made[kind])
    assert (without["ok"], without["verdict"]) == (False, "intact, signer unknown")


def test_an_approximate_statement_is_verified(honest, key):
    assert judged(of_an_approximate_run(copy.deepcopy(honest)), key).verdict == "verified"


def test_a_bridged_statement_is_verified_in_its_own_words_alone(honest, key):
    document = copy.deepcopy(honest)
    (change,) = document["predicate"]["models"]
    change["claim"]["bridged"] = {"again": 2, "total": 3}
    assert judged(document, key).verdict == "contradicts itself"
    change["verification"]["how"] = "bits, bridged: 2 of 3 units taken again"
    assert judged(document, key).verdict == "verified"


def change_of(document):
    return document["predicate"]["models"][0]


def request_of(document):
    return document["predicate"]["request"]


def certified_in_1999(document):
    document["predicate"]["certified"] = "1999-01-01T00:00:00+00:00"


def requested_at_another_time(document):
    request = request_of(document)
    request["requested"] = "2001-01-01T00:00:00+00:00"
    request["digest"] = digest_json({name: request[name] for name in ("id", "requested")})


def amnesiac_called_exact(document):
    change_of(document)["strategy"] = "amnesiac"


def never_measured_but_exact(document):
    change_of(document)["verification"]["rung"] = "none"


def withdrawn_and_checked(document):
    change_of(document)["after"] = None
    document["subject"].pop()


ATTACKS = {
    "found 3": lambda t: t["predicate"]["erasure"].update(found=3),
    "a failed check": lambda t: change_of(t)["checks"][0].update(outcome="failed"),
    "no checks": lambda t: change_of(t).pop("checks"),
    "amnesiac called exact": amnesiac_called_exact,
    "rung none": never_measured_but_exact,
    "behaviour shown": lambda t: change_of(t)["verification"].update(behaviour="shown"),
    "another subject": lambda t: t["subject"][1]["digest"].update(sha256="00" * 32),
    "a subject more": lambda t: t["subject"].append(t["subject"][0]),
    "a subject less": lambda t: t["subject"].pop(),
    "subjects the other way round": lambda t: t["subject"].reverse(),
    "other weights": lambda t: change_of(t)["after"].update(weights="11" * 32),
    "certified in 1999": certified_in_1999,
    "requested in 2001": requested_at_another_time,
    "no log": lambda t: t["predicate"].pop("log"),
    "log is null": lambda t: t["predicate"].update(log=None),
    "log without an event": lambda t: t["predicate"]["log"].pop("event"),
    "an odd checkpoint": lambda t: t["predicate"]["log"].update(checkpoint="x"),
    "a request of its own": lambda t: request_of(t).update(id="r7"),
    "no word for it": lambda t: change_of(t).update(guarantee="approximate"),
    "a stronger word": lambda t: change_of(t).update(claim={"level": "approximate"}),
    "an end date": lambda t: change_of(t).update(exact_due_by="2030-01-01"),
    "something derived": lambda t: change_of(t)["verdicts"][0].update(
        verdict="retained: derived until 2030-01-01"
    ),
    "by replay": lambda t: (
        change_of(t).update(basis="by replay"),
        change_of(t)["verification"].update(how="by replay"),
    ),
    "withdrawn and checked": withdrawn_and_checked,
    "withdrawn": lambda t: change_of(t)["verification"].update(rung="withdrawn"),
    "more rows than there are": lambda t: change_of(t)["rows"].update(train=99),
    "nobody asked": lambda t: t["predicate"].update(subjects=[]),
    "twice the same model": lambda t: change_of(t)["after"].update(id=change_of(t)["before"]["id"]),
    "bridged over more than there is": lambda t: change_of(t)["claim"].update(
        bridged={"again": 3, "total": 2}
    ),
    "a reason": lambda t: t["predicate"].update(reason="asked for it"),
    "a long number": lambda t: t["predicate"]["rows"].update(count=10**4000),
    "true for one": lambda t: t["predicate"]["log"].update(format=True),
    "a line more": lambda t: change_of(t).update(plan=change_of(t)["plan"] + "\n"),
    "an empty predicate": lambda t: t.update(predicate={}),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_operator_seals_again_is_not_verified(honest, key, tmp_path, attack):
    document = copy.deepcopy(honest)
    ATTACKS[attack](document)
    sealed = envelope.seal(document, key)
    assert envelope.verify(sealed, key.public_key()).verdict == "verified"  # the control
    found = judge(sealed, key.public_key())
    assert not found.ok and found.verdict != "altered", found
    assert found.detail.startswith("The certificate is intact, but"), found.detail
    (tmp_path / "certificate.json").write_bytes(sealed)
    assert not verify(tmp_path / "certificate.json")["ok"]


APPROXIMATE = {
    "called exact": lambda c: c.update(guarantee="exact"),
    "claimed to be bits": lambda c: c.update(guarantee="exact", claim={"level": "bits"}),
    "all of it exact": lambda c: (
        [c.pop(n) for n in ("closeness", "distance_to_twin", "updates", "kept_for_later")],
        c.update(guarantee="exact", claim={"level": "bits"}, basis="by construction"),
        c["verification"].update(rung="bits", how="by construction"),
    ),
    "a distance never measured": lambda c: c["verification"].update(rung="distance"),
    "more updates than there are": lambda c: c["updates"].update(affected=10),
    "gone, and kept": lambda c: c["kept_for_later"].update(verdict="erased"),
    "kept for ever": lambda c: c["kept_for_later"].update(until="2999-99-99"),
}


@pytest.mark.parametrize("attack", APPROXIMATE)
def test_what_an_approximate_run_is_made_to_say_is_not_verified(honest, key, attack):
    document = of_an_approximate_run(copy.deepcopy(honest))
    APPROXIMATE[attack](change_of(document))
    found = judged(document, key)
    assert not found.ok and found.verdict in ("contradicts itself", "no certificate",
                                              "not what it is called")  # fmt: skip


# A text for each pattern, format and encoding of the schema.
TEXTS = {
    "^weights of m[0-9]+, (before|after)$": "weights of m1, before",
    "^[0-9a-f]{16}$": "00" * 8,
    "^[0-9a-f]{64}$": "00" * 32,
    "^unweave\\.dev/log\\n": "unweave.dev/log\n3\nAAAA\n",
    "^r[0-9]+$": "r1",
    "^m[0-9]+$": "m1",
    "date-time": "2026-01-01T00:00:00+00:00",
    "date": "2026-01-01",
    "base64": "AAAA",
}


def example(schema, definitions):
    """A value of a schema in which every field is there that may be."""
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][-1 if "const" in schema["anyOf"][0] else 0], definitions)
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "object":
        values = {
            name: example(one, definitions) for name, one in schema.get("properties", {}).items()
        }
        return {name: "x" for name in schema.get("required", ())} | values
    if kind == "array":
        return [example(schema["items"], definitions)] if "items" in schema else []
    if kind == "string":
        known = (schema.get(name) for name in ("pattern", "format", "contentEncoding"))
        pattern = next((one for one in known if one), None)
        return "erased" if "proven" in str(pattern) else TEXTS[pattern] if pattern else "x"
    return schema.get("minimum", 1)


def test_the_shape_knows_every_field_of_the_schema():
    schema = SCHEMA.schema
    assert shape.fault(example(schema, schema["$defs"])) is None


def test_the_reason_names_the_rule_and_says_nothing_of_the_values(honest, key):
    document = copy.deepcopy(honest)
    document["predicate"]["erasure"]["found"] = 3
    found = judged(document, key)
    assert (found.verdict, found.detail) == (
        "contradicts itself",
        "The certificate is intact, but this does not hold: "
        "Of what was deleted the scan found nothing.",
    )
    document["predicate"]["erasure"]["found"] = "\x1b[2Jverified"
    found = judged(document, key)
    assert (found.verdict, found.statement) == ("no certificate", None)
    assert "the statement.predicate.erasure.found is" in found.detail
    assert "\x1b" not in found.detail


def test_what_a_stranger_sealed_is_not_looked_into(honest, key):
    document = {**honest, "predicate": {**honest["predicate"], "models": "\x1b[2J"}}
    found = judge(envelope.seal(document, STRANGER), key.public_key())
    assert (found.verdict, found.statement) == ("signed by another key", None)


def test_no_file_is_too_odd(tmp_path):
    for number, data in enumerate((b"", b"\xff\xfe", b"{}\n", b"[" * 100_000, bytes(1 << 20))):
        file = tmp_path / str(number)
        file.write_bytes(data)
        assert verify(file)["verdict"] == "altered"


# A fuzzer: any bytes, any JSON in the envelope, any mutation of an honest statement.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["", "exact", "00" * 32, "2026-01-01", "m1", "r1", 10**4000, "\x1b[2J"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["request", "log", "event", "checkpoint", "models", "claim", "level",
                         "before", "after", "id", "weights", "run", "path", "x"]), inner, max_size=4
    ),
    max_leaves=8,
)  # fmt: skip


def paths(value, at=()):
    """All places within a JSON value."""
    yield at
    if isinstance(value, dict):
        inner = list(value.items())
    else:
        inner = list(enumerate(value)) if isinstance(value, list) else []
    for name, one in inner:
        yield from paths(one, (*at, name))


@st.composite
def mutated(draw, document):
    """A statement with one to three places in it replaced, removed or added to."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from([path for path in paths(document) if path]))
        at = document
        for step in way:
            at = at[step]
        how = draw(st.sampled_from(["replace", "remove", "add"]))
        if how == "replace":
            at[last] = draw(JSON)
        elif how == "remove":
            del at[last]
        elif isinstance(at, dict):
            at[draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=6))] = draw(JSON)
        else:
            at.append(draw(JSON))
    return document


def sealed_as_it_is(document, key):
    """What a forger makes: any statement under a good signature, or none if it has no JSON."""
    payload = canonical_json(document)
    envelope_type = envelope.PAYLOAD_TYPE
    signature = key.sign(envelope._pae(envelope_type, payload))
    return canonical_json({
        "payload": envelope.to_base64(payload), "payloadType": envelope_type,
        "signatures": [{"keyid": envelope.key_id(key.public_key()),
                        "sig": envelope.to_base64(signature)}],
    }) + b"\n"  # fmt: skip


def must_have_a_verdict(data, key):
    for public in (key.public_key(), STRANGER.public_key(), None):
        found = judge(data, public)
        assert isinstance(found.verdict, str) and found.detail.endswith(".")
    return judge(data, key.public_key())


@given(st.binary(max_size=200))
def test_any_bytes_have_a_verdict(key, data):
    assert must_have_a_verdict(data, key).verdict == "altered"


@given(JSON)
def test_any_json_in_the_envelope_has_a_verdict(key, value):
    assert not must_have_a_verdict(sealed_as_it_is(value, key), key).ok
    assert not must_have_a_verdict(canonical_json(value) + b"\n", key).ok


@given(JSON)
def test_any_predicate_has_a_verdict(honest, key, value):
    assume(isinstance(value, dict))
    signer = honest["predicate"]["signer"]
    for predicate in (value, {**honest["predicate"], **value}):
        document = {**honest, "predicate": {**predicate, "signer": signer}}
        must_have_a_verdict(sealed_as_it_is(document, key), key)


@given(st.data())
def test_any_mutation_of_a_statement_has_a_verdict_and_none_is_less_than_the_schema(
    made, key, data
):
    kind = data.draw(st.sampled_from(sorted(made)))
    document = data.draw(mutated(statement(made[kind])))
    found = must_have_a_verdict(sealed_as_it_is(document, key), key)
    if not SCHEMA.is_valid(document):
        assert not found.ok, document
