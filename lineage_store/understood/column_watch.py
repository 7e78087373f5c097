"""One column of a table as its rows go by: where it first held what, and how often the same.

Where a text first stood is looked for in all rows, how many different values there are in the first
50,000 alone: advice does not need more, and costs as good as nothing so.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.data.number_arrays import first_beyond, first_of_no_kind
from lineage_store.data.number_text import is_missing_number, parse_date, parse_number
from lineage_store.texts.text_rows import texts_of

SAMPLE = 50_000
DATE_LIKE = re.compile(
    r"(\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})|\d{4}[./]\d{1,2}[./]\d{1,2}"
    r"|\d{1,2}\.?[ -][^\W\d]{3,9}\.?,?[ -](\d{4}|\d{2})|[^\W\d]{3,9}\.? \d{1,2},? \d{4})"
    r"([ T,]+\d{1,2}:\d{2}.*)?",
)
NUMBER_LIKE = re.compile(r"[-+(]?\s*[$€£¥]?\s*[\d.,' ]*\d[\d.,' ]*\)?\s*[%$€£]?", re.ASCII)


@dataclass
class ColumnWatch:
    """What was seen of a column so far.

    `first_text` is where a value first was no number, `first_beyond` where one was a number beyond
    a float32. Of the sample: `present` are the values that
    are not missing, `different` how often each text stood.
    """

    first_text: str | None = None
    first_beyond: str | None = None
    rows: int = 0
    present: int = 0
    different: dict[str, int] = field(default_factory=dict)

    def see(self, texts: Any, numbers: npt.NDArray[np.int64], *, where: str) -> None:
        """Look at some rows, a pyarrow array of strings; `where` is how a place is told."""
        if self.first_text is None:
            self.first_text = _place(first_of_no_kind(texts, "number"), numbers, where)
        if self.first_beyond is None:
            self.first_beyond = _place(first_beyond(texts), numbers, where)
        if self.rows < SAMPLE:
            self._count(texts.slice(0, SAMPLE - self.rows))
        self.rows += len(texts)

    def _count(self, texts: Any) -> None:
        counted = texts.value_counts()
        values, times = counted.field("values"), counted.field("counts").to_pylist()
        for text, count in zip(texts_of(values), times, strict=True):
            if not is_missing_number(text):
                self.present += count
                self.different[text] = self.different.get(text, 0) + count

    @property
    def is_whole(self) -> bool:
        """Whether all values of the sample are whole numbers."""
        numbers = map(parse_number, self.different)
        return bool(self.different) and all(one is not None and one == int(one) for one in numbers)

    @property
    def share_different(self) -> float:
        """The share of the values of the sample that are different, 0 to 1."""
        return len(self.different) / max(1, self.present)

    @property
    def spells_numbers(self) -> bool:
        """Whether nearly all texts that are no numbers look like numbers spelled otherwise."""
        others = [one for one in self.different if parse_number(one) is None]
        return not self.spells_dates and _nearly_all(others, NUMBER_LIKE)

    @property
    def spells_dates(self) -> bool:
        """Whether nearly all texts look like days or times spelled otherwise than in ISO 8601."""
        return _nearly_all(self.different, DATE_LIKE)


def _nearly_all(texts: Collection[str], pattern: re.Pattern[str]) -> bool:
    """Say whether nearly all of some texts, one at least, look so and are no dates in ISO 8601."""
    alike = (pattern.fullmatch(one.strip()) is not None and not parse_date(one) for one in texts)
    return bool(texts) and sum(alike) >= 0.9 * len(texts)


def _place(row: int | None, numbers: npt.NDArray[np.int64], where: str) -> str | None:
    return None if row is None else f"{where} {numbers[row]}"
