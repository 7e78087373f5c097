"""Numbers that a table spells otherwise: 1.234,50 or 1 234,50 is 1234.50.

How a table spells them is said, never guessed: 1.234 is two numbers, and nothing in a file tells
which. A number as said is spelled anew with a point and nothing between its digits; any other text
stays as it is. Where the decimal sign is no point, a text that would be a number with one is
refused: it is one by a rule that is not this table's.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

SIGNS = {"comma": ",", "point": ".", "space": " ", "apostrophe": "'"}
WITH_POINT = r"^\s*[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?\s*$"


@dataclass(frozen=True)
class NumberSpelling:
    """The sign before the fraction of a number, and the one between thousands, if there is one."""

    decimal: str = "."
    thousands: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether numbers are spelled as everywhere else."""
        return self == PLAIN

    @property
    def example(self) -> str:
        """A number so spelled."""
        return f"1{self.thousands}234{self.decimal}5"

    @property
    def _pattern(self) -> str:
        point, between = re.escape(self.decimal), re.escape(self.thousands)
        whole = rf"\d{{1,3}}({between}\d{{3}})+|\d+" if between else r"\d+"
        return rf"^\s*[+-]?({whole})?({point}\d*)?([eE][+-]?\d+)?\s*$"

    def plainly(self, texts: Any) -> Any:
        """Return a pyarrow array of strings with the numbers in it spelled plainly."""
        import pyarrow.compute as pc

        matches = pc.match_substring_regex(texts, pattern=self._pattern)
        plain = texts
        if self.thousands:
            plain = pc.replace_substring(plain, pattern=self.thousands, replacement="")
        if self.decimal != ".":
            plain = pc.replace_substring(plain, pattern=self.decimal, replacement=".")
        return pc.if_else(matches, plain, texts)

    def first_wrong(self, texts: Any) -> int | None:
        """Return the first text that is a number with a point although that is not the sign."""
        import pyarrow.compute as pc

        if self.decimal == ".":
            return None
        wrong = pc.and_(
            pc.match_substring_regex(texts, pattern=WITH_POINT),
            pc.invert(pc.match_substring_regex(texts, pattern=self._pattern)),
        )
        found = np.flatnonzero(wrong.to_numpy(zero_copy_only=False))
        return int(found[0]) if len(found) else None


PLAIN = NumberSpelling()
