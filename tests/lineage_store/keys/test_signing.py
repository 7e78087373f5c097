"""Keys: the published vector, the files, and one clear sentence for every unfit file."""

import base64
import os
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from lineage_store.keys import signing

# RFC 8032 section 7.1, test 1.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
    "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)


@pytest.fixture
def paths(tmp_path):
    return {"path_private": tmp_path / "signing.key", "path_public": tmp_path / "signing.pub"}


def test_the_published_vector():
    public_key = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    assert signing.raw_public_key(public_key) == PUBLIC
    assert signing.is_signed_by(public_key, message=b"", signature=SIGNATURE)
    assert not signing.is_signed_by(public_key, message=b"x", signature=SIGNATURE)
    assert not signing.is_signed_by(public_key, message=b"", signature=SIGNATURE[:-1])
    assert signing.key_id(public_key) == (
        "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9"
    )


def test_both_files_hold_the_key_and_only_the_owner_reads_the_private_one(paths):
    created = signing.create_signing_key(**paths)
    loaded = signing.load_private_key(paths["path_private"])
    public_key = signing.load_public_key(paths["path_public"])
    signature = loaded.sign(b"message")
    assert signing.is_signed_by(created.public_key(), message=b"message", signature=signature)
    assert signing.is_signed_by(public_key, message=b"message", signature=signature)
    assert stat.S_IMODE(os.stat(paths["path_private"]).st_mode) == 0o600
    assert paths["path_private"].read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert paths["path_public"].read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----\n")


def test_two_keys_are_different_ones(tmp_path):
    one, other = (
        signing.create_signing_key(path_private=tmp_path / name, path_public=tmp_path / f"{name}.p")
        for name in "ab"
    )
    assert signing.key_id(one.public_key()) != signing.key_id(other.public_key())


def test_a_key_is_never_replaced(paths):
    signing.create_signing_key(**paths)
    before = {path: path.read_bytes() for path in paths.values()}
    with pytest.raises(BadInput, match="is there already"):
        signing.create_signing_key(**paths)
    paths["path_private"].unlink()
    with pytest.raises(BadInput, match="is there already"):
        signing.create_signing_key(**paths)
    assert not paths["path_private"].exists()
    assert paths["path_public"].read_bytes() == before[paths["path_public"]]


def test_an_interrupted_call_is_finished_by_the_next(paths):
    signing.create_signing_key(**paths)
    before = paths["path_public"].read_bytes()
    paths["path_public"].unlink()
    signing.create_signing_key(**paths)
    assert paths["path_public"].read_bytes() == before


def test_a_private_key_file_that_is_none_is_left_alone(paths):
    paths["path_private"].write_bytes(b"precious")
    with pytest.raises(BadInput, match=r"signing\.key does not hold"):
        signing.create_signing_key(**paths)
    assert paths["path_private"].read_bytes() == b"precious"
    assert not paths["path_public"].exists()


def pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


ED25519 = Ed25519PrivateKey.from_private_bytes(SEED)
ELLIPTIC = generate_private_key(SECP256R1())


@pytest.mark.parametrize(
    ("load", "what", "contents"),
    [
        (signing.load_private_key, "private key", b""),
        (signing.load_private_key, "private key", b"\xff\x00 no key"),
        (signing.load_private_key, "private key", pem(ED25519)[:-40]),
        (signing.load_private_key, "private key", pem(ELLIPTIC)),
        (signing.load_private_key, "private key", public_pem(ED25519)),
        (signing.load_private_key, "private key", pem(ED25519, BestAvailableEncryption(b"pw"))),
        (signing.load_public_key, "public key", b""),
        (signing.load_public_key, "public key", b"\xff\x00 no key"),
        (signing.load_public_key, "public key", public_pem(ED25519)[:-40]),
        (signing.load_public_key, "public key", public_pem(ELLIPTIC)),
        (signing.load_public_key, "public key", pem(ED25519)),
    ],
)
def test_an_unfit_file_is_named_in_one_sentence(tmp_path, load, what, contents):
    path = tmp_path / "given.pem"
    path.write_bytes(contents)
    with pytest.raises(BadInput) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path} does not hold an Ed25519 {what} as a PEM file without a password."
    )


@pytest.mark.parametrize("load", [signing.load_private_key, signing.load_public_key])
def test_a_missing_file_or_a_folder_is_named(tmp_path, load):
    with pytest.raises(BadInput, match=r"There is no .* key file .*nowhere\.pem: check the path\."):
        load(tmp_path / "nowhere.pem")
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path)


@given(st.binary())
def test_base64_comes_back(data):
    text = signing.to_base64(data)
    assert text.encode() == base64.b64encode(data)
    assert signing.from_base64(text) == data


@given(st.text(alphabet="ABab01+/=-_ \né", max_size=8))
def test_base64_has_one_spelling(text):
    try:
        data = signing.from_base64(text)
    except ValueError:
        return
    assert signing.to_base64(data) == text


@pytest.mark.parametrize("text", ["QQ", "QR==", "QQ==\n", " QQ==", "QQ=", "Q", "QQ==QQ==", "_w=="])
def test_other_spellings_are_refused(text):
    with pytest.raises(ValueError):
        signing.from_base64(text)
