"""Keys of values: the same wherever they are computed, and no scale is taken from the data."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unlearning.encoding.value_keys import (
    class_key,
    grid_steps,
    key_of,
    number_keys,
    text_keys,
)

FLOATS = st.lists(st.floats(width=32, allow_nan=True, allow_infinity=False), max_size=20)


@given(numbers=FLOATS)
def test_greater_numbers_have_no_smaller_steps(numbers):
    ordered = np.sort(np.array([n for n in numbers if n == n], np.float32))
    assert (np.diff(grid_steps(ordered)) >= 0).all()


def test_there_are_four_steps_an_octave_and_both_zeros_are_one():
    assert np.diff(grid_steps(np.array([1, 1.25, 1.5, 1.75, 2], np.float32))).tolist() == [1] * 4
    assert len(set(grid_steps(np.linspace(1, 1.24, 50).astype(np.float32)).tolist())) == 1
    assert grid_steps(np.array([-0.0], np.float32)) == grid_steps(np.array([0.0], np.float32))


@given(numbers=FLOATS, place=st.integers(0, 19))
def test_the_key_of_a_number_depends_on_no_other_row(numbers, place):
    array = np.array(numbers, np.float32)
    keys = number_keys(array, column="age")
    assert keys.dtype == np.int64 and len(keys) == len(numbers)
    if place < len(numbers):
        assert number_keys(array[place : place + 1], column="age")[0] == keys[place]


def test_a_column_a_kind_and_a_class_each_have_keys_of_their_own():
    found = {
        key_of("a", "=1"),
        key_of("b", "=1"),
        key_of("a", "#1"),
        int(number_keys(np.array([np.nan], np.float32), column="a")[0]),
        int(text_keys([""], column="a")[0]),
        class_key("1"),
    }
    assert len(found) == 6


def test_the_keys_are_farmhash_as_other_systems_compute_it():
    # What TensorFlow's Fingerprint gives for these bytes; the served graph computes them so.
    assert key_of("a", "=hé") == 7116368293244043718
