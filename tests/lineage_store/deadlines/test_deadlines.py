"""By when a request must be answered by the law: months, holidays, stops, extensions."""

import calendar
import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.deadlines import (
    CANNOT_IDENTIFY,
    MORE_IS_NEEDED,
    NO_HOLIDAYS,
    Term,
    known_regimes,
    read_holidays,
    read_regimes,
    received_on,
)
from lineage_store.deadlines.working_days import parse_holidays
from lineage_store.errors import BadInput

GDPR = known_regimes()["gdpr"]
CCPA = known_regimes()["ccpa"]
DAYS = st.dates(date(2020, 1, 1), date(2060, 12, 31))


def due(received, *, today=None, holidays=NO_HOLIDAYS, regime=GDPR, **more):
    term = Term(received, regime.name, **more)
    return term.due(regime, today=today or received, holidays=holidays)


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-01-31", "2026-03-02"),  # 28 February is a Saturday
        ("2028-01-31", "2028-02-29"),  # F3: thirty days would be 1 March, a day too late
        ("2027-01-31", "2027-03-01"),  # 28 February is a Sunday; thirty days would be 2 March
        ("2024-03-05", "2024-04-05"),  # as the EDPB counts (Guidelines 01/2022, section 5.3)
        ("2023-08-31", "2023-10-02"),  # 30 September 2023 is a Saturday
        ("2026-12-15", "2027-01-15"),
        ("2026-05-03", "2026-06-03"),
    ],
)
def test_a_month_ends_as_the_law_counts_it(received, last):
    assert due(received) == last


def test_a_holiday_moves_the_end_to_the_next_working_day(tmp_path):
    file = tmp_path / "holidays"
    file.write_text("# of the state\n2026-12-25 Christmas Day\n\n2026-12-28 another # note\n")
    holidays = read_holidays(file)
    assert due("2026-11-25", holidays=holidays) == "2026-12-29"  # Friday, week-end, Monday
    assert due("2026-11-25") == "2026-12-25"
    assert holidays.covers(2026) and not holidays.covers(2027)
    file.write_text("2026-12-25\nChristmas\n")
    with pytest.raises(BadInput, match="Line 2 .* no date"):
        read_holidays(file)


def test_other_laws_count_otherwise():
    assert due("2026-01-01", regime=CCPA) == "2026-02-15"  # a Sunday, and it stays
    term = Term("2026-01-01", "ccpa").extended(CCPA, because="necessity", today="2026-02-01")
    assert term.due(CCPA, today="2026-02-01") == "2026-04-01"
    asked = Term("2026-01-01", "ccpa").stopped(MORE_IS_NEEDED, today="2026-01-05")
    assert asked.due(CCPA, today="2026-02-01") == "2026-02-15"  # that law's clock goes on


def test_the_clock_stands_while_more_is_awaited():
    term = Term("2026-03-05", "gdpr").stopped(MORE_IS_NEEDED, today="2026-03-10")
    assert term.standing == MORE_IS_NEEDED
    assert term.due(GDPR, today="2026-03-10") == "2026-04-06"  # 5 April is a Sunday
    assert term.due(GDPR, today="2026-03-20") == "2026-04-15"
    with pytest.raises(BadInput, match="said already"):
        term.stopped(MORE_IS_NEEDED, today="2026-03-11")
    for wrong in ("2026-03-09", "2026-03-21"):
        with pytest.raises(BadInput, match="cannot have come"):
            term.resumed(on=wrong, today="2026-03-20")
    term = term.resumed(on="2026-03-20", today="2026-03-25")
    assert term.standing is None and term.due(GDPR, today="2026-05-01") == "2026-04-15"
    with pytest.raises(BadInput, match="clock is running"):
        term.resumed(on="2026-03-20", today="2026-03-25")


def test_who_cannot_be_identified_is_told_so_and_may_say_more():
    term = Term("2026-03-05", "gdpr").stopped(MORE_IS_NEEDED, today="2026-03-10")
    term = term.stopped(CANNOT_IDENTIFY, today="2026-03-15")
    assert term.standing == CANNOT_IDENTIFY and len(term.stops) == 1
    term = term.resumed(on="2026-03-20", today="2026-03-20")
    assert term.due(GDPR, today="2026-03-20") == "2026-04-15"
    # Who was asked for nothing has no clock stopped by it.
    stopped = Term("2026-03-05", "gdpr").stopped(CANNOT_IDENTIFY, today="2026-03-06")
    assert stopped.standing and stopped.due(GDPR, today="2026-06-01") == "2026-04-06"


def test_what_is_asked_for_after_the_end_moves_no_end():
    term = Term("2026-01-05", "gdpr").stopped(MORE_IS_NEEDED, today="2026-05-20")
    assert term.due(GDPR, today="2026-09-01") == "2026-02-05"
    asked = Term("2026-01-05", "gdpr").stopped(MORE_IS_NEEDED, today="2026-02-05")
    assert asked.due(GDPR, today="2026-02-10") == "2026-02-10"


def test_it_is_extended_once_in_the_first_month_and_for_a_reason_of_the_law():
    term = Term("2026-01-31", "gdpr")
    longer = term.extended(GDPR, because="complexity", today="2026-03-02")
    assert longer.due(GDPR, today="2026-03-02") == "2026-04-30"
    assert longer.first_due(GDPR, today="2026-03-02") == "2026-03-02"
    with pytest.raises(BadInput, match="ended on 2026-03-02"):
        term.extended(GDPR, because="complexity", today="2026-03-03")
    with pytest.raises(BadInput, match="complexity or number"):
        term.extended(GDPR, because="holidays", today="2026-02-01")
    with pytest.raises(BadInput, match="done once"):
        longer.extended(GDPR, because="number", today="2026-03-02")


def test_the_day_of_receipt_is_no_day_to_come_and_none_long_ago_unsaid():
    assert received_on(None, today="2026-05-20") == "2026-05-20"
    assert received_on("2026-05-03", today="2026-05-20") == "2026-05-03"
    with pytest.raises(BadInput, match="not come yet"):
        received_on("2026-05-21", today="2026-05-20")
    with pytest.raises(BadInput, match="more than a year ago"):
        received_on("2025-05-01", today="2026-05-20")
    assert received_on("2025-05-01", today="2026-05-20", long_ago=True) == "2025-05-01"


@given(DAYS, st.sets(DAYS, max_size=5), st.integers(0, 40), st.booleans())
def test_an_end_is_a_working_day_and_never_sooner_than_the_month(day, free, stood, extended):
    holidays = parse_holidays(map(str, free))
    term = Term(day.isoformat(), "gdpr")
    if extended:
        term = term.extended(GDPR, because="number", today=day.isoformat())
    if stood:
        later = (day + timedelta(days=stood)).isoformat()
        term = term.stopped(MORE_IS_NEEDED, today=day.isoformat()).resumed(on=later, today=later)
    last = date.fromisoformat(term.due(GDPR, today="2099-01-01", holidays=holidays))
    assert last.weekday() < 5 and last not in free
    months = day.month - 1 + (3 if extended else 1)
    year, month = day.year + months // 12, months % 12 + 1
    same = date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
    between = [same + timedelta(days=stood + n) for n in range((last - same).days - stood)]
    assert all(one.weekday() >= 5 or one in free for one in between)
    assert Term.from_json(json.loads(json.dumps(term.to_json()))) == term


def test_a_file_of_rules_adds_a_law_and_says_what_it_must_hold(tmp_path):
    file = tmp_path / "rules.json"
    own = {
        "name": "lgpd", "law": "Lei 13.709/2018, Art. 19", "answer": {"days": 15},
        "extended": {"days": 15}, "to_working_day": False, "stops": False, "because": ["none"],
    }  # fmt: skip
    file.write_text(json.dumps([own]))
    regime = known_regimes(file)["lgpd"]
    assert Term("2026-01-01", "lgpd").due(regime, today="2026-01-01") == "2026-01-16"
    assert set(known_regimes(file)) == {"gdpr", "uk-gdpr", "ccpa", "lgpd"}
    for field, value in (
        ("answer", {}), ("answer", {"weeks": 2}), ("answer", {"days": True}), ("stops", 1),
        ("answer", {"days": -3}), ("law", ""), ("because", [1]), ("name", None),
        ("answer", {"months": 10**9}),
    ):  # fmt: skip
        file.write_text(json.dumps([{**own, field: value}]))
        with pytest.raises(BadInput, match="holds no rules"):
            read_regimes(file)
    for text in ("", "{", "[1]", "{}x", "[" * 100_000):
        file.write_text(text)
        with pytest.raises(BadInput, match="holds no rules"):
            read_regimes(file)
