"""Columns of text in bulk: each value is what `Column.canonical` says of it alone."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.data.number_arrays import first_beyond, holds_text, read_numbers
from lineage_store.data.number_text import (
    column_number,
    is_beyond,
    is_missing_number,
    number_text,
)
from lineage_store.data.schema import Column, Label, Schema
from lineage_store.data.typed_block import typed_block
from lineage_store.texts.text_rows import text_batch

ODD = [
    "", " ", "NA", " na ", "N/A", "NaN", "nan", "-nan", "nan(1)", "null", "None", "?", " ? ",
    "n.a.", "inf", "-inf", "Infinity", "1e999", "-1e999", "1e39", "3.4028235677973366e38", "3.4e38",
    "3.4028235677973362e38", "1e-999", "4.9e-324", "2e-324", "0", "-0", "-0.0", "+0", "00", "007",
    "-007", "0.5", "00.5", "+1", "+-1", "1.", ".5", "-.5", ".", "-", "+", "1e5", "1E+5", "1e", "e5",
    "1_000", "1,5", "0x10", "1d", " 7", "7 ", "\t7\n", "\u00a07", "\x1c7", "\u20037", "7\x00",
    "٣", "1٣", "½", "'1", "text", "a\nb", "é", "123456789012345678901234567890", "0" * 40 + "1",
    "1" * 400, "0." + "0" * 400 + "1", "9007199254740993", "0.1", "2.2250738585072011e-308",
]  # fmt: skip
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.from_regex(r"[+-]?\d{0,20}\.?\d{0,25}([eE][+-]?\d{1,3})?", fullmatch=True),
    st.text("0123456789+-.eE ", max_size=8),
)
VALUES = st.sampled_from(ODD) | NUMBERS
COLUMN = st.one_of(
    st.lists(VALUES, min_size=1, max_size=6),
    st.lists(st.integers().map(str) | st.floats(-1e9, 1e9).map("{:.3f}".format), min_size=1),
    st.lists(st.sampled_from(["1.5", "2", "", "NA", " ?", " 4"]), min_size=1),
)


def same(one, other):
    """Whether two floats are one, the sign of a zero included."""
    return one == other and math.copysign(1, one) == math.copysign(1, other)


@settings(deadline=None, max_examples=examples(400))
@given(COLUMN, st.integers(0, 2))
@example(ODD, 1)
@example(["1", "nan"], 0)
@example(["1", "007"], 0)
@example(["-01"], 0)
@example([], 0)
def test_a_column_is_read_as_each_of_its_values_is(texts, before):
    array = pa.array(["01"] * before + texts, pa.string()).slice(before)
    read = read_numbers(array)
    assert [*read.missing] == [is_missing_number(one) for one in texts]
    wanted = [column_number(one) for one in texts]
    kept = ~(read.missing | read.texts)
    assert [*kept] == [one is not None for one in wanted]
    assert all(
        same(mine, one)
        for mine, one in zip(read.values.tolist(), wanted, strict=True)
        if one is not None
    )
    assert holds_text(array) == any(read.texts)


SCHEMAS = [
    Schema((Column("a", "number"), Column("b", "text")), labels, weights)
    for labels in (
        (),
        (Label("y", "text", "classification"),),
        (Label("y", "number", "classification"),),
        (Label("y", "number", "regression"),),
        (Label("y", "number", "regression"), Label("z", "text", "classification")),
    )
    for weights in ((), (Column("w", "number"),))
]


def canonical(values, schema):
    """What the gate made of one row: its values, None where missing; None for one without label."""
    kept_values = []
    for column, text in zip(schema.all, values, strict=True):
        one = column.canonical(text)
        if one is None and isinstance(column, Label):
            return None
        assert one is not None
        kept_values.append(None if one == "" else float(one) if column.kept == "number" else one)
    return kept_values


@settings(deadline=None, max_examples=examples(300))
@given(st.sampled_from(SCHEMAS), st.data())
def test_a_block_is_typed_as_each_of_its_values_is(schema, data):
    def pool(column):
        if column.kind == "text" or isinstance(column, Label):
            return VALUES
        return VALUES.filter(lambda one: column.canonical(one) is not None)

    rows = data.draw(st.lists(st.tuples(*map(pool, schema.all)), min_size=1, max_size=6))
    typed, labelled = typed_block(text_batch(rows, len(schema.all)), schema)
    wanted = [canonical(row, schema) for row in rows]
    assert [*labelled] == [row is not None for row in wanted]
    assert typed.schema.names == [column.name for column in schema.all]
    kinds = [pa.float64() if c.kept == "number" else pa.string() for c in schema.all]
    assert typed.schema.types == kinds
    found = list(zip(*(column.to_pylist() for column in typed.columns), strict=True))
    assert repr(found) == repr([tuple(row) for row in wanted if row is not None])


def test_a_text_in_a_column_of_numbers_is_refused_unless_its_row_has_no_label():
    schema = Schema((Column("a", "number"),), (Label("y", "number", "classification"),))
    typed, labelled = typed_block(text_batch([("x", "NA"), ("1", "1")], 2), schema)
    assert typed.to_pylist() == [{"a": 1.0, "y": "1"}] and [*labelled] == [False, True]
    with pytest.raises(ValueError, match="a column of numbers holds text"):
        typed_block(text_batch([("x", "0"), ("1", "1")], 2), schema)


def test_a_block_without_rows_has_types_too():
    schema = Schema((Column("a", "number"),), (Label("y", "number", "classification"),))
    typed, labelled = typed_block(text_batch([], 2), schema)
    assert typed.schema.types == [pa.float64(), pa.string()] and len(labelled) == 0


def test_many_numbers_are_read_as_python_reads_them():
    draw = np.random.default_rng(3)
    bits = draw.integers(0, 1 << 64, 20_000, dtype=np.uint64).view(np.float64)
    texts = [number_text(one) for one in bits[np.abs(bits) < 1e38].tolist()]
    texts += [f"{one:.17e}" for one in draw.normal(size=5000)]
    texts += [f"{one:.40f}" for one in draw.normal(size=2000)]
    read = read_numbers(pa.array(texts))
    assert read.values.tolist() == [float(one) for one in texts]
    assert not (read.missing | read.texts).any()


HUGE = st.builds("{}{}e{}".format, st.sampled_from(["", "-", " ", "\u00a0+"]),
                 st.integers(1, 10**25) | st.floats(0.001, 9), st.integers(10, 400))  # fmt: skip


@given(st.lists(VALUES | HUGE, max_size=6))
def test_the_first_number_beyond_a_float32_is_found_as_each_is_told_alone(texts):
    alone = next((place for place, text in enumerate(texts) if is_beyond(text)), None)
    assert first_beyond(pa.array(texts, pa.string())) == alone
