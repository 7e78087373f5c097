"""Numbers as text: what is one, what stands for a missing one, and how one is written.

A number is a finite decimal number. An id such as 001 is none, for its zeros mean something.

A day or a time in ISO 8601 is a number of days, from the first of the year 2000 on: near enough to
zero that a float32 of it tells minutes.

A value of a column is kept as a float32. One that is infinite as such (1e39, say, which stands for
"none" or is a slip) is missing, in every split and as a label: whoever can put one value into a
table can so neither end every training of it nor turn a column of numbers into texts. It is not
refused, because a deletion passes kept rows through the gate again, and must not be stopped by one.
"""

import math
import re
from datetime import datetime, timedelta

NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII,
)
FIRST_DAY = datetime(2000, 1, 1)

# Whole numbers from here on are not all different as a float64.
INEXACT = 2**53
WHOLE = re.compile(r"\s*[+-]?[1-9]\d{15,}\s*", re.ASCII)

# The least number that a float32 rounds to infinity: half a step above its largest.
BEYOND_FLOAT32 = 2.0**128 - 2.0**103


def is_missing_number(text: str) -> bool:
    """Say whether a text stands for a missing value in a column of numbers."""
    return text.strip().lower() in MISSING or is_beyond(text)


def is_beyond(text: str) -> bool:
    """Say whether a text is a decimal number that is infinite as a float32."""
    text = text.strip()
    return NUMBER.fullmatch(text) is not None and abs(float(text)) >= BEYOND_FLOAT32


def column_number(text: str) -> float | None:
    """Read a value of a column of numbers; None if it is none, or is missing."""
    number = parse_number(text)
    return None if number is None or abs(number) >= BEYOND_FLOAT32 else number


def parse_number(text: str) -> float | None:
    """Read a decimal number (white space around it is ignored); None if it is not one."""
    text = text.strip()
    if not NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def number_text(number: float) -> str:
    """Write a number so that reading it gives the same double: always with a point or exponent."""
    return repr(number)


def class_text(number: float) -> str:
    """Write a whole number as the name of a class."""
    return str(int(number))


def is_inexact(text: str) -> bool:
    """Say whether a text is a whole number, of digits alone, that is merged with others."""
    return WHOLE.fullmatch(text) is not None and abs(int(text)) > INEXACT


def parse_date(text: str) -> datetime | None:
    """Read a day or a time in ISO 8601 (white space around it is ignored); None if it is not one.

    A time with a zone is that of UTC. Fractions of a second are cut to microseconds.
    """
    found = DATE.fullmatch(text.strip())
    if found is None:
        return None
    *clock, fraction, _, sign, hours, minutes = found.groups()
    try:
        time = datetime(*(int(part or 0) for part in clock))  # type: ignore[arg-type]
        ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        time += timedelta(microseconds=int((fraction or "0")[:6].ljust(6, "0")))
        return time + ahead if sign == "-" else time - ahead
    except (ValueError, OverflowError):  # there is no such day
        return None


def date_text(time: datetime) -> str:
    """Write a time in its one spelling: a day alone at midnight."""
    text = time.isoformat()
    return text.removesuffix("T00:00:00")


def date_number(time: datetime) -> float:
    """Return a time as days since the first of the year 2000."""
    return (time - FIRST_DAY) / timedelta(days=1)


def days_of(text: str) -> float:
    """Return a date as days since the first of the year 2000; raises ValueError for none."""
    time = parse_date(text)
    if time is None:
        raise ValueError("a column of dates holds no date")
    return date_number(time)
