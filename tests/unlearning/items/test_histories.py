"""Histories hold an item once, as strongly as its strongest row; long ones are drawn from."""

import random

import numpy as np
import pytest

from tests.unlearning.items.some_histories import read, rows_of
from unlearning.items import histories
from unlearning.items.histories import histories_of


def entries(found):
    names = [found.names[place] for place in found.items.tolist()]
    return list(zip(found.who.tolist(), names, found.strengths.tolist(), strict=True))


def test_of_two_rows_of_one_item_the_stronger_counts_and_what_says_nothing_is_left_out():
    found = read([(2, "b", 1), (1, "a", 2), (2, "b", 3), (1, "", 5), (1, "z", 0), (3, "", 1),
                  (1, "b", 1)])  # fmt: skip
    assert found.names == [b"a", b"b"]
    assert entries(found) == [(1, b"a", 2), (1, b"b", 1), (2, b"b", 3)]
    assert list(found.spans) == [(0, 2), (2, 3)]


def test_without_weights_every_row_counts_one():
    triples = [(1, "a", 7), (1, "a", 0), (2, "b", 0)]
    assert entries(histories_of([rows_of(triples, weighed=False)])) == [(1, b"a", 1), (2, b"b", 1)]


@pytest.mark.parametrize("triples", [[], [(1, "", 1)], [(1, "a", 0)]])
def test_of_nothing_there_are_none(triples):
    assert list(read(triples).spans) == [] and read(triples).names == []


def test_a_long_history_is_drawn_from_alone_and_its_draw_depends_on_nothing_else(monkeypatch):
    monkeypatch.setattr(histories, "MOST_ITEMS", 5)
    long = [(1, f"item {n}", 1) for n in range(40)]
    others = [(n, f"item {n + m}", 1) for n in range(2, 9) for m in range(4)]
    alone = entries(read(long))
    assert len(alone) == 5 and read(long).names == sorted(name for _, name, _ in alone)
    together = [*long, *others]
    random.Random(1).shuffle(together)
    assert [one for one in entries(read(together)) if one[0] == 1] == alone
    assert sorted(entries(read(together)))[5:] == sorted(entries(read(others)))
    # Of another history other items are drawn, and what was drawn stays drawn if others go.
    assert {name for _, name, _ in entries(read([(7, item, 1) for _, item, _ in long]))} != {
        name for _, name, _ in alone
    }
    kept = {name.decode() for _, name, _ in alone}
    fewer = [one for n, one in enumerate(long) if one[1] in kept or n % 2]
    assert entries(read(fewer)) == alone


def test_draws_are_even_over_items():
    found = read([(who, f"{n}", 1) for who in range(200) for n in range(10)], at_once=100)
    first = [int(found.items[start + np.argmin(found.draws()[start:end])])
             for start, end in found.spans]  # fmt: skip
    assert np.bincount(first, minlength=10).min() > 5
