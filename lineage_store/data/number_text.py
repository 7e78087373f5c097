"""Numbers as text: what is one, what stands for a missing one, and how one is written.

A number is a finite decimal number. An id such as 001 is none, for its zeros mean something.

A value of a column is kept as a float32. One that is infinite as such (1e39, say, which stands for
"none" or is a slip) is missing, in every split and as a label: whoever can put one value into a
table can so neither end every training of it nor turn a column of numbers into texts. It is not
refused, because a deletion passes kept rows through the gate again, and must not be stopped by one.
"""

import math
import re

NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


# The least number that a float32 rounds to infinity: half a step above its largest.
BEYOND_FLOAT32 = 2.0**128 - 2.0**103


def is_missing_number(text: str) -> bool:
    """Say whether a text stands for a missing value in a column of numbers."""
    text = text.strip()
    if text.lower() in MISSING:
        return True
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
