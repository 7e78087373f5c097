"""The digest of a model covers every bit of every weight, and what each is."""

import hashlib

import numpy as np
import pytest

from lineage_store.tensors import first_difference, load_state, save_state, weights_digest

STATE = {
    "optimizer/0000.m": np.zeros(2, np.float32),
    "weights/0000.kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "weights/0001.bias": np.array([0.0, 1.0], np.float64),
}


def changed(name, array):
    return {**STATE, name: array}


def test_the_digest_is_the_documented_one():
    kernel, bias = STATE["weights/0000.kernel"], STATE["weights/0001.bias"]
    data = b"".join(
        [
            b"0\x1fweights/0000.kernel\x1f<f4\x1f(2, 3)\x1f" + kernel.tobytes(),
            b"0\x1fweights/0001.bias\x1f<f8\x1f(2,)\x1f" + bias.tobytes(),
        ]
    )
    assert weights_digest([STATE]) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        [changed("weights/0000.kernel", STATE["weights/0000.kernel"] + np.float32(1e-7))],
        [changed("weights/0000.kernel", STATE["weights/0000.kernel"].reshape(3, 2))],
        [changed("weights/0001.bias", np.array([-0.0, 1.0]))],
        [changed("weights/0001.bias", STATE["weights/0001.bias"].view(np.int64))],
        [changed("weights/0002.bias", STATE["weights/0001.bias"])],
        [{}, STATE],
        [STATE, STATE],
    ],
)
def test_another_model_has_another_digest(other):
    assert weights_digest(other) != weights_digest([STATE])


def test_what_is_no_weight_and_the_byte_order_of_the_machine_change_nothing():
    swapped = {name: a.astype(a.dtype.newbyteorder(">")) for name, a in STATE.items()}
    assert weights_digest([swapped]) == weights_digest([STATE])
    assert weights_digest([changed("optimizer/0000.m", np.ones(2))]) == weights_digest([STATE])


def test_the_first_difference_is_told_by_name_and_a_state_is_read_back_in_order(tmp_path):
    save_state(tmp_path / "a.safetensors", STATE)
    read = load_state(tmp_path / "a.safetensors")
    assert list(read) == sorted(STATE) and first_difference(STATE, read) is None
    other = changed("weights/0001.bias", np.array([-0.0, 1.0]))
    assert first_difference(STATE, other) == "weights/0001.bias"
    assert first_difference(STATE, {}) == "optimizer/0000.m"
