"""Texts without their numbers, and sizes without their digits, for what outlives the model (law 9).

How many bytes a deleted model had, or was searched in, is a sum that a row has a part in: whoever
has the other rows and the secret trains with a guess of it, and compares.
"""

import re

NUMBER = re.compile(r"(?<!\w)[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?%?|\b(?:nan|inf)\b", re.ASCII)


LEAST = 1 << 20


def roughly(size: int, *, least: int = LEAST) -> int:
    """Return a size as the next power of two, of a mebibyte at least unless said; 0 stays."""
    return max(least, 1 << (size - 1).bit_length()) if size > 0 else 0


def without_numbers(text: str) -> str:
    """Return a text with three dots in the place of each number; names such as m4 stay."""
    return NUMBER.sub("…", text)
