"""Certificates: the formats, and that not one byte can change unseen."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.canonical import canonical_json, digest
from lineage_store.errors import BadInput
from lineage_store.keys.signing import is_signed_by, key_id, raw_public_key
from lineage_store.log import merkle
from unlearning.certificates import envelope as certificate

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NONCE = bytes(range(100, 132))

STATEMENT = certificate.statement(
    subjects=[("model/taxi/2", digest(b"after")), ("model/taxi/1", digest(b"before"))],
    predicate={
        "request": "request-7",
        "guarantee": {"kind": "exact", "by": "construction"},
        "rows": {"count": 2, "root": certificate.rows_root(NONCE, [b"one", b"two"])},
        "distance": 0.25,
        "note": "naïve ✓",
        "signer": {"name": "data office"},
    },
)
SEALED = certificate.seal(STATEMENT, KEY)


def assert_altered(data):
    for public_key in (PUBLIC, None):
        verification = certificate.verify(data, public_key)
        assert verification.verdict == "altered", data
        assert verification.statement is None and not verification.ok
        assert verification.detail.startswith("The certificate is altered: ")


def signed(statement, *, key=KEY, payload_type=certificate.PAYLOAD_TYPE, payload=None, **changes):
    """An envelope around anything, with a good signature: what a forger with a key could make."""
    payload = canonical_json(statement) if payload is None else payload
    message = b"DSSEv1 %d %s %d " % (len(payload_type), payload_type.encode(), len(payload))
    signature = {
        "keyid": key_id(key.public_key()),
        "sig": base64.b64encode(key.sign(message + payload)).decode(),
    }
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [signature],
    }
    return canonical_json(envelope | changes) + b"\n"


def opened():
    return json.loads(base64.b64decode(json.loads(SEALED)["payload"]))


def test_a_sealed_statement_verifies_with_its_key_only():
    verification = certificate.verify(SEALED, PUBLIC)
    assert verification.ok and verification.verdict == "verified"
    assert verification.statement == opened()

    without = certificate.verify(SEALED, None)
    assert not without.ok and without.verdict == "intact, signer unknown"
    assert without.statement == opened()

    other = certificate.verify(SEALED, OTHER_KEY.public_key())
    assert not other.ok and other.verdict == "signed by another key"
    assert key_id(PUBLIC) in other.detail


def test_seal_adds_the_signer_and_nothing_else():
    signer = {
        "name": "data office",
        "public_key": base64.b64encode(raw_public_key(PUBLIC)).decode(),
    }
    expected = {**STATEMENT, "predicate": {**STATEMENT["predicate"], "signer": signer}}
    assert opened() == expected
    assert STATEMENT["predicate"]["signer"] == {"name": "data office"}
    assert certificate.seal(STATEMENT, KEY) == SEALED == signed(expected)


def test_the_statement_is_an_in_toto_statement():
    assert STATEMENT["_type"] == "https://in-toto.io/Statement/v1"
    assert STATEMENT["predicateType"] == "https://unweave.dev/deletion/v1"
    assert STATEMENT["subject"][0] == {
        "name": "model/taxi/2",
        "digest": {"sha256": digest(b"after")},
    }


def test_the_signature_is_over_the_published_encoding():
    # The example of the DSSE protocol document.
    assert certificate._pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    envelope = json.loads(SEALED)
    payload = base64.b64decode(envelope["payload"])
    message = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    assert is_signed_by(PUBLIC, message=message, signature=signature)


def test_every_changed_byte_is_found():
    replacements = b"\x00\n \"'+,/019:=AQRZaez{}\x7f\x80\xff"
    for at in range(len(SEALED)):
        before, after = SEALED[:at], SEALED[at + 1 :]
        flipped = bytes(SEALED[at] ^ (1 << bit) for bit in range(8))
        assert_altered(before + after)
        for new in {*replacements, *flipped} - {SEALED[at]}:
            assert_altered(before + bytes([new]) + after)


def test_every_inserted_byte_is_found():
    for at in range(len(SEALED) + 1):
        for new in b'\x00\n\r\t ",0=A{}\xef':
            assert_altered(SEALED[:at] + bytes([new]) + SEALED[at:])


@given(at=st.integers(0, len(SEALED)), until=st.integers(0, len(SEALED)), new=st.binary())
def test_every_replaced_stretch_is_found(at, until, new):
    changed = SEALED[:at] + new + SEALED[max(at, until) :]
    if changed != SEALED:
        assert_altered(changed)


@given(st.binary() | st.text().map(lambda text: canonical_json([text.encode().hex()]) + b"\n"))
def test_garbage_is_altered(data):
    assert_altered(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.just("") | st.just(STATEMENT),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_any_other_json_is_altered(value):
    assert_altered(canonical_json(value) + b"\n")
    assert_altered(signed(value))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[" * 200_000 + b"\n",
        b'{"payload":' * 100_000 + b"\n",
        b'"\\ud800"\n',
        b"NaN\n",
        b"9" * 10_000 + b"\n",
        b"\xef\xbb\xbf" + SEALED,
        SEALED.decode().encode("utf-16"),
        SEALED[:-1],
        SEALED[:-1] + b"\r\n",
        SEALED * 2,
    ],
)
def test_no_garbage_raises(data):
    assert_altered(data)


def test_other_spellings_of_the_same_envelope_are_found():
    envelope = json.loads(SEALED)
    assert_altered(json.dumps(envelope, sort_keys=True).encode() + b"\n")
    assert_altered(json.dumps(envelope, indent=1).encode() + b"\n")
    assert_altered(json.dumps(envelope, separators=(",", ":")).replace("/", "\\/").encode() + b"\n")
    reordered = dict(sorted(envelope.items(), reverse=True))
    assert_altered(json.dumps(reordered, separators=(",", ":")).encode() + b"\n")
    doubled = SEALED.replace(b'{"payload":', b'{"payload":"","payload":', 1)
    assert_altered(doubled)


def test_padding_bits_that_no_decoder_looks_at_are_found():
    envelope = json.loads(SEALED)
    sig = envelope["signatures"][0]["sig"]
    assert sig.endswith("==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = sig[:-3] + alphabet[alphabet.index(sig[-3]) + 1] + "=="
    assert base64.b64decode(twin) == base64.b64decode(sig)
    assert_altered(SEALED.replace(sig.encode(), twin.encode()))
    assert_altered(SEALED.replace(sig.encode(), sig[:-2].encode()))


def test_what_the_signature_does_not_cover_is_checked_too():
    envelope = json.loads(SEALED)
    (signature,) = envelope["signatures"]
    for signatures in (
        [],
        [signature, signature],
        [{**signature, "keyid": ""}],
        [{**signature, "keyid": key_id(OTHER_KEY.public_key())}],
        [{**signature, "keyid": signature["keyid"].upper()}],
        [{**signature, "note": "x"}],
        {"0": signature},
    ):
        assert_altered(canonical_json({**envelope, "signatures": signatures}) + b"\n")
    assert_altered(canonical_json({**envelope, "note": "x"}) + b"\n")


def test_a_good_signature_does_not_make_a_certificate():
    content = opened()
    predicate = content["predicate"]
    assert certificate.verify(signed(content), PUBLIC).ok
    assert_altered(signed(content, payload_type="application/json"))
    assert_altered(signed(content, payload=json.dumps(content).encode()))
    assert_altered(signed(content, payload=canonical_json(content) + b"\n"))
    for changes in (
        {"predicateType": "https://slsa.dev/provenance/v1"},
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"subject": []},
        {"subject": [{"name": "m", "digest": {"sha256": "00"}}]},
        {"subject": [{"name": "m", "digest": {"sha256": digest(b"").upper()}}]},
        {"subject": [{"name": "m", "digest": {"sha1": digest(b"")}}]},
        {"subject": [{"name": 1, "digest": {"sha256": digest(b"")}}]},
        {"predicate": []},
        {"predicate": {**predicate, "signer": None}},
        {"predicate": {**predicate, "signer": {}}},
        {"predicate": {**predicate, "signer": {"public_key": "AAAA"}}},
        {"extra": 1},
    ):
        assert_altered(signed(content | changes))


def test_a_certificate_signed_by_a_key_other_than_the_one_inside_is_altered():
    assert_altered(signed(opened(), key=OTHER_KEY))
    forged = json.loads(signed(opened(), key=OTHER_KEY))
    forged["signatures"][0]["keyid"] = key_id(PUBLIC)
    assert_altered(canonical_json(forged) + b"\n")


def test_a_certificate_sealed_again_by_a_forger_is_signed_by_another_key():
    forged = certificate.seal(opened(), OTHER_KEY)
    assert certificate.verify(forged, None).verdict == "intact, signer unknown"
    assert certificate.verify(forged, PUBLIC).verdict == "signed by another key"


@pytest.mark.parametrize(
    "predicate",
    [
        {"x": float("nan")},
        {"x": b"bytes"},
        {"x": "\ud800"},
        {"x": {2: "two", 10: "ten"}},
        {"signer": "me"},
    ],
)
def test_what_could_not_be_read_back_is_not_sealed(predicate):
    with pytest.raises(BadInput, match="cannot be sealed"):
        certificate.seal({**STATEMENT, "predicate": predicate}, KEY)


@pytest.mark.parametrize("changes", [{"predicateType": "x"}, {"subject": []}, {"predicate": None}])
def test_another_statement_is_not_sealed(changes):
    with pytest.raises(BadInput, match="cannot be sealed"):
        certificate.seal(STATEMENT | changes, KEY)


@pytest.mark.parametrize("subjects", [[], [("m", "00")], [("m", digest(b"").upper())]])
def test_a_statement_needs_subjects_with_digests(subjects):
    with pytest.raises(BadInput, match="no statement for a certificate"):
        certificate.statement(subjects=subjects, predicate={})


def test_a_commitment_is_bound_to_nonce_kind_and_value():
    made = certificate.commitment(NONCE, kind="row", value=b"one")
    assert made == certificate.commitment(NONCE, kind="row", value=b"one")
    others = [
        certificate.commitment(bytes(32), kind="row", value=b"one"),
        certificate.commitment(NONCE, kind="subject", value=b"one"),
        certificate.commitment(NONCE, kind="ro", value=b"wone"),
        certificate.commitment(NONCE, kind="row", value=b"two"),
        certificate.commitment(NONCE, kind="row", value=b""),
    ]
    assert len({made, *others}) == 6 and len(made) == 64


@pytest.mark.parametrize("nonce", [b"", bytes(31), bytes(33)])
def test_a_nonce_has_one_length(nonce):
    with pytest.raises(BadInput, match="nonce has 32 bytes"):
        certificate.commitment(nonce, kind="row", value=b"one")


@given(st.lists(st.binary(max_size=4), max_size=12), st.randoms())
def test_the_root_is_over_a_set_of_rows(row_keys, random):
    shuffled = [*row_keys, *row_keys[:3]]
    random.shuffle(shuffled)
    assert certificate.rows_root(NONCE, row_keys) == certificate.rows_root(NONCE, iter(shuffled))
    if row_keys:
        fewer = set(row_keys) - {row_keys[0]}
        assert certificate.rows_root(NONCE, row_keys) != certificate.rows_root(NONCE, fewer)


def test_an_opener_can_prove_that_a_row_was_among_the_deleted():
    row_keys = [b"row %d" % i for i in range(11)]
    root = bytes.fromhex(certificate.rows_root(NONCE, row_keys))
    leaves = certificate.row_leaves(NONCE, row_keys)
    for row_key in [*row_keys, b"row 11"]:
        shown = certificate.commitment(NONCE, kind="row", value=row_key)
        leaf = merkle.leaf_hash(bytes.fromhex(shown))
        assert (leaf in leaves) == (row_key in row_keys)
        if leaf in leaves:
            index = leaves.index(leaf)
            proof = merkle.inclusion_proof(index, leaves)
            assert merkle.verify_inclusion(
                leaf=leaf, index=index, size=len(row_keys), proof=proof, root=root
            )


def test_neither_names_nor_rows_can_be_guessed_from_the_certificate():
    # A dictionary attack without the nonce: no plain digest of a row is in the certificate.
    text = SEALED.decode() + json.dumps(opened())
    for row_key in (b"one", b"two"):
        assert digest(row_key) not in text
        assert merkle.leaf_hash(row_key).hex() not in text
