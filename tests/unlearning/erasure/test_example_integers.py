"""The integers of tf.Examples are all found, whatever stands beside them."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearning.erasure.contents import PIECE
from unlearning.erasure.tables import integers_of_examples, may_hold_integers


def varint(number):
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number, data):
    """A field of a message that has a length: source, protobuf.dev, encoding."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def feature(kind, values):
    if kind is None:
        return b""
    if kind == "bytes":
        return field(1, b"".join(field(1, value) for value in values))
    if kind == "floats":
        return field(2, field(1, struct.pack(f"<{len(values)}f", *values)))
    return field(3, field(1, b"".join(map(varint, values))) if values else b"")


def example(columns):
    entries = (field(1, name) + field(2, feature(*feature_of)) for name, feature_of in columns)
    return field(1, b"".join(field(1, entry) for entry in entries))


def record(data):
    return struct.pack("<Q", len(data)) + b"sums" + data + b"sums"


WHOLE = st.integers(-(1 << 63), (1 << 63) - 1)
NAMES = st.one_of(st.binary(max_size=6), st.sampled_from([b"\x1a", b"\x1a\x02", b"\x12\x1a"]))
FEATURES = st.one_of(
    st.just((None, [])),
    st.tuples(st.just("bytes"), st.lists(NAMES, max_size=3)),
    st.tuples(st.just("floats"), st.lists(st.floats(width=32), max_size=3)),
    st.tuples(st.just("integers"), st.lists(WHOLE, max_size=3)),
)
EXAMPLES = st.lists(st.tuples(NAMES, FEATURES), max_size=5)


BROKEN_OFF = st.builds(lambda one, left: example(one)[:-left] or b"x", EXAMPLES, st.integers(1, 9))


@given(st.lists(st.one_of(EXAMPLES, BROKEN_OFF, st.binary(min_size=1, max_size=20)), max_size=6))
def test_each_integer_is_found_and_nothing_else(examples):
    wanted, stream = [], b""
    for one in examples:
        stream += record(one if isinstance(one, bytes) else example(one))
        for _, (kind, values) in () if isinstance(one, bytes) else one:
            wanted += values if kind == "integers" else ()
    found = b"\x00".join(integers_of_examples(io.BytesIO(stream)))
    integers = [int(number) for number in found.split(b"\x00") if number]
    if not any(isinstance(one, bytes) for one in examples):
        assert integers == wanted
    assert set(wanted) <= set(integers)


@given(st.lists(EXAMPLES, max_size=4), st.binary(max_size=3))
def test_whatever_has_integers_is_seen_to_have_them(examples, before):
    stream = before + b"".join(record(example(one)) for one in examples)
    kinds = {kind for one in examples for _, (kind, _) in one}
    if "integers" in kinds:
        assert may_hold_integers(stream)


@pytest.mark.parametrize("many", [0, 1, 31, 32, 33, 5_000, 70_000])
def test_integers_are_seen_however_many_and_behind_what_only_looks_like_them(many):
    like = field(1, b"\x12\x05\x1a\x12\x12\x05\x1a")
    columns = [(b"a", ("bytes", [like, b"\x12"])), (b"n", ("integers", [-1, 1 << 40] * many))]
    assert may_hold_integers(record(example(columns)))
    assert not may_hold_integers(record(example(columns[:1])))


def test_examples_as_protobuf_itself_writes_them_are_seen_to_have_integers_or_none():
    import tensorflow as tf

    message = tf.train.Example()
    message.features.feature["size"].float_list.value.extend([1.5, float("nan")])
    message.features.feature["town"].bytes_list.value.append(b"x" * 300)
    message.features.feature["none"].SetInParent()
    assert not may_hold_integers(message.SerializeToString())
    message.features.feature["age"].int64_list.value.append(44)
    assert may_hold_integers(message.SerializeToString())


def test_frames_are_told_apart_wherever_a_piece_ends():
    examples = [
        [(b"town", ("bytes", [b"x" * (number * 977 % 5000)])), (b"n", ("integers", [number]))]
        for number in range(900)
    ]
    stream = b"".join(record(example(one)) for one in examples)
    assert len(stream) > 3 * PIECE
    found = b"\x00".join(integers_of_examples(io.BytesIO(stream)))
    assert found == b"\x00".join(str(number).encode() for number in range(900))


@pytest.mark.parametrize("cut", [0, 1, 4, 5])
def test_of_a_file_that_breaks_off_the_last_frame_counts_as_far_as_it_is_there(cut):
    stream = record(example([(b"n", ("integers", [7]))])) * 2
    found = b"\x00".join(integers_of_examples(io.BytesIO(stream[: len(stream) - cut])))
    assert found == (b"7\x007" if cut < 5 else b"7")
