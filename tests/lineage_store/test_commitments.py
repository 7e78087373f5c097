"""Commitments: only who has the nonce can open one, and the nonce goes with the content."""

import hashlib
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.commitments import NONCE_FILE, commitment, derived, keep_nonce, nonce_of
from lineage_store.errors import CheckFailed

NONCES = st.binary(min_size=32, max_size=32)


def test_a_nonce_is_drawn_once_and_found_again(tmp_path):
    nonce = keep_nonce(tmp_path)
    assert len(nonce) == 32
    assert keep_nonce(tmp_path) == nonce_of(tmp_path) == nonce


def test_two_things_have_two_nonces(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    assert keep_nonce(one) != keep_nonce(other)


def test_only_its_owner_may_read_a_nonce(tmp_path):
    keep_nonce(tmp_path)
    assert stat.S_IMODE((tmp_path / NONCE_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [None, b"", b"short", bytes(33)])
def test_a_nonce_that_is_gone_or_damaged_is_told(tmp_path, left):
    if left is not None:
        (tmp_path / NONCE_FILE).write_bytes(left)
    with pytest.raises(CheckFailed, match="is gone or damaged"):
        nonce_of(tmp_path)


@given(NONCES, st.binary())
def test_a_commitment_is_the_digest_of_nonce_and_content(nonce, content):
    assert commitment(nonce, content) == hashlib.sha256(nonce + content).hexdigest()


@given(NONCES, NONCES, st.binary(), st.binary())
def test_another_nonce_or_content_is_another_commitment(one, other, content, changed):
    same = (one, content) == (other, changed)
    assert (commitment(one, content) == commitment(other, changed)) == same


def test_a_nonce_of_another_length_is_no_nonce():
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        commitment(bytes(31), b"content")


@given(NONCES, st.text(), st.text())
def test_each_respect_has_a_nonce_of_its_own(nonce, one, other):
    assert (derived(nonce, one) == derived(nonce, other)) == (one == other)
    assert derived(nonce, one) != nonce
