"""Numbers as text: what is one, what stands for a missing one, and how one is written.

A number is a finite decimal number. An id such as 001 is none, for its zeros mean something.
"""

import math
import re

NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


def is_missing_number(text: str) -> bool:
    """Say whether a text stands for a missing value in a column of numbers."""
    return text.strip().lower() in MISSING


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
