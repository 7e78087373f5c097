"""What an update becomes on disk, and comes back as."""

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lineage_store.canonical import digest
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.ledger.update_codecs import (
    BLOCK,
    CODECS,
    SUMMABLE,
    decode,
    encode,
    weights_before,
)
from lineage_store.ledger.update_files import UpdateFiles, writing_updates
from lineage_store.tensors import save_state

WHOLE = st.floats(width=32, allow_nan=False, allow_infinity=False)
USUAL = st.floats(-1e3, 1e3, width=32)


@st.composite
def steps(draw, elements=USUAL):
    """The weights before and after a step: a few tensors, one of them maybe a scalar or empty."""
    shapes = draw(st.lists(arrays.array_shapes(min_dims=0, min_side=0, max_side=9), min_size=1))
    drawn = [
        {
            f"weights/{number:04d}": draw(arrays.arrays(np.float32, shape, elements=elements))
            for number, shape in enumerate(shapes)
        }
        for _ in range(2)
    ]
    return drawn[0], drawn[1]


def same_bits(one, other):
    assert sorted(one) == sorted(other)
    for name, array in one.items():
        assert (array.dtype, array.shape) == (other[name].dtype, other[name].shape)
        assert array.tobytes() == other[name].tobytes()


@given(steps())
def test_float32_gives_the_difference_bit_for_bit(step):
    before, after = step
    update = decode(encode("float32", before=before, after=after))
    same_bits(update, {name: after[name] - before[name] for name in after})


@given(steps(st.floats(width=32)))
def test_xor_gives_the_weights_before_bit_for_bit_whatever_they_are(step):
    before, after = step
    same_bits(weights_before(after, encode("xor", before=before, after=after)), before)


def test_a_difference_does_not_give_the_weights_before_bit_for_bit():
    before, after = {"w": np.float32([1e-8])}, {"w": np.float32([1.0])}
    data = encode("float32", before=before, after=after)
    assert weights_before(after, data)["w"] != before["w"]


@given(steps())
def test_bfloat16_is_within_half_a_unit_of_its_last_place(step):
    before, after = step
    for name, value in decode(encode("bfloat16", before=before, after=after)).items():
        exact = (after[name] - before[name]).astype(np.float64)
        normal = np.abs(exact) >= np.finfo(np.float32).tiny
        assert np.all(np.abs(value - exact)[normal] <= np.abs(exact)[normal] * 2.0**-8)


def test_bfloat16_rounds_ties_to_even():
    lower, upper = np.float32(1), np.float32(1 + 2**-7)
    middle, above = np.float32(1 + 2**-8), np.float32(1 + 3 * 2**-8)
    after = {"w": np.array([lower, middle, above, upper, -middle], np.float32)}
    zero = {"w": np.zeros(5, np.float32)}
    found = decode(encode("bfloat16", before=zero, after=after))["w"]
    assert found.tolist() == [1, 1, 1 + 2**-6, 1 + 2**-7, -1]


@given(steps())
def test_int8_is_within_half_a_level_of_its_block(step):
    before, after = step
    update = decode(encode("int8", before=before, after=after))
    names = sorted(after)
    exact = np.concatenate([(after[n] - before[n]).reshape(-1) for n in names]).astype(np.float64)
    found = np.concatenate([update[n].reshape(-1) for n in names]).astype(np.float64)
    for start in range(0, len(exact), BLOCK):
        block = exact[start : start + BLOCK]
        level = np.abs(block).max(initial=0) / 127
        if level < np.finfo(np.float32).tiny:
            continue  # the scale itself is rounded then
        assert np.all(np.abs(found[start : start + BLOCK] - block) <= level * (0.5 + 1e-4))


@pytest.mark.parametrize("codec", CODECS)
@given(steps(WHOLE))
def test_the_same_update_gives_the_same_bytes(codec, step):
    before, after = step
    with np.errstate(over="ignore", invalid="ignore"):
        twice = [encode(codec, before=before, after=after) for _ in range(2)]
    assert twice[0] == twice[1]


def test_eight_bits_take_less_than_sixteen_and_these_less_than_thirty_two():
    draw = np.random.default_rng(0)
    before = {"w": draw.normal(size=(300, 200)).astype(np.float32)}
    after = {"w": before["w"] + draw.normal(size=(300, 200), scale=1e-3).astype(np.float32)}
    sizes = [len(encode(codec, before=before, after=after)) for codec in SUMMABLE]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] < 1.05 * 60_000


def test_weights_of_another_type_are_refused():
    weights = {"w": np.zeros(3)}
    with pytest.raises(BadInput, match="weights of type float64"):
        encode("float32", before=weights, after=weights)


ONE = {"w": np.ones((4, 5), np.float32)}
TWO = {"w": np.full((4, 5), 3, np.float32)}


@pytest.mark.parametrize("codec", CODECS)
def test_every_damaged_byte_is_noticed(codec):
    data = encode(codec, before=ONE, after=TWO)
    for place in range(4, len(data)):  # before that it is no longer called a frame at all
        broken = bytearray(data)
        broken[place] ^= 0x55
        try:
            same_bits(weights_before(TWO, bytes(broken)), weights_before(TWO, data))
        except CheckFailed:
            continue


def test_a_frame_of_something_else_and_what_is_no_frame_are_refused():
    with pytest.raises(CheckFailed, match="is damaged"):
        decode(zstandard.ZstdCompressor().compress(b"something else entirely"))
    with pytest.raises(CheckFailed, match="is damaged"):
        decode(b"nothing")


def test_patterns_cannot_be_summed():
    with pytest.raises(CheckFailed, match="cannot be subtracted"):
        decode(encode("xor", before=ONE, after=TWO))


# Files


def update(position):
    return encode("float32", before=ONE, after={"w": ONE["w"] * np.float32(position)})


def written(folder, *archives):
    files = UpdateFiles(folder)
    for positions in archives:
        with writing_updates(files.archive_from(positions[0])) as writer:
            for position in positions:
                assert writer.add(position, update(position)) == digest(update(position))
    return files


def held(files):
    return dict(files.read(files.files()))


def test_updates_are_read_alone_and_in_order(tmp_path):
    files = written(tmp_path / "updates", [2, 3, 5], [9, 10])
    assert list(files.read([10, 3])) == [(3, update(3)), (10, update(10))]
    assert held(files) == {position: update(position) for position in (2, 3, 5, 9, 10)}
    with pytest.raises(KeyError):
        next(files.read([4]))


def test_without_a_folder_there_are_none(tmp_path):
    assert UpdateFiles(tmp_path / "updates").files() == {}


def test_updates_of_an_earlier_unweave_are_read_and_erased(tmp_path):
    files = written(tmp_path, [7, 8])
    save_state(tmp_path / "00000003.safetensors", TWO)
    ((_, found),) = files.load([3])
    same_bits(found, TWO)
    files.erase([3, 8])
    assert sorted(files.files()) == [7]


@given(st.sets(st.integers(0, 11)), st.integers(0, 13))
def test_what_is_erased_or_not_taken_over_is_gone_and_links_stay_whole(new_folder, gone, end):
    base = new_folder()
    old = written(base / "old", [0, 1, 2, 3], [4, 6, 7], [8, 11])
    before = held(old)
    new = UpdateFiles(base / "new")
    new.take_over(old, before=end)
    assert held(new) == {p: data for p, data in before.items() if p < end}
    new.erase(gone)
    assert held(new) == {p: data for p, data in before.items() if p < end and p not in gone}
    assert held(old) == before
    assert not list(base.rglob("*.partial"))


def test_an_archive_that_was_not_finished_leaves_nothing(tmp_path):
    files = UpdateFiles(tmp_path / "updates")
    with pytest.raises(OSError, match="full"), writing_updates(files.archive_from(1)) as writer:
        writer.add(1, update(1))
        raise OSError("full")
    assert list((tmp_path / "updates").iterdir()) == []


def test_a_damaged_archive_says_so(tmp_path):
    files = written(tmp_path, [1, 2])
    path = files.archive_from(1)
    data = path.read_bytes()
    path.write_bytes(data.replace(update(1)[20:60], bytes(40)))
    with pytest.raises(CheckFailed, match="is damaged"):
        list(files.read([1]))
    path.write_bytes(data[:50])
    with pytest.raises(CheckFailed, match="is damaged"):
        files.files()
