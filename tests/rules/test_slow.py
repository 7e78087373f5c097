"""What is slow is listed in `tests/slow.txt`, and a fast test covers the same."""

import pytest

from chosen_slow import MOST_SECONDS, Slow, chosen, read_slow

SLOW = read_slow()


def test_every_slow_test_is_listed_and_no_other(collected):
    """Of the files that this session has collected whole: `make test` collects all."""
    listed = {one.test for one in SLOW}
    marked = {test for test, slow in collected.items() if slow}
    assert sorted(marked - listed) == []
    assert sorted(listed & collected.keys() - marked) == []
    files = {test.partition("::")[0] for test in collected}
    gone = {test for test in listed - collected.keys() if test.partition("::")[0] in files}
    assert sorted(gone) == []


def test_what_covers_the_same_is_there_and_fast(collected):
    files = {test.partition("::")[0] for test in collected}
    fast = {one.fast for one in SLOW if one.fast.partition("::")[0] in files}
    assert sorted(one for one in fast if collected.get(one, True)) == []


def test_a_test_is_listed_once_with_its_seconds():
    assert len({one.test for one in SLOW}) == len(SLOW)
    assert all(one.seconds > 0 and "::" in one.test and "::" in one.fast for one in SLOW)


def test_a_tenth_of_the_shorter_ones_is_chosen_by_the_commit():
    some = [Slow(f"a.py::test_{n}", 5 if n % 3 else MOST_SECONDS + 1, "b.py::t") for n in range(91)]
    short = [one.test for one in some if one.seconds == 5]
    first = chosen(some, "961ed0a")
    assert first == chosen(list(some), "961ed0a") and len(first) == len(short) // 10
    assert set(first) <= set(short) and first == sorted(first, key=short.index)
    assert first != chosen(some, "7cdbd64")
    assert {one for n in range(99) for one in chosen(some, f"{n}")} == set(short)


def test_a_line_that_says_less_is_refused(tmp_path):
    (tmp_path / "slow.txt").write_text("# a comment\n\na.py::t | 3\n")
    with pytest.raises(ValueError, match="not enough values"):
        read_slow(tmp_path / "slow.txt")
