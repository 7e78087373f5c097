"""How likely a row is to be withdrawn: its band, told by rules from the row's own text.

A rule is `COLUMN=TEXT`, `COLUMN<NUMBER` or `COLUMN>=NUMBER`. Rules are given in the order of rising
risk; a row's band is the number of the last rule that holds for it, counted from 1, and 0 if none
does. A column with a probability is cut by `p>=0.01` and `p>=0.1`.

The cut points are configuration. Nothing is counted or ranked, so a row's band depends on no other
row (Bourtoule et al. 2021, section VII, sort the points by their probability, which does).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lineage_store.data.number_text import parse_number
from lineage_store.errors import BadInput
from lineage_store.placement import I64, U64

GRAMMAR = re.compile(r"(?P<column>.+?)(?P<comparison>>=|<|=)(?P<value>.*)", re.DOTALL)
NUMERIC: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda here, cut: here < cut,
    ">=": lambda here, cut: here >= cut,
}


@dataclass(frozen=True)
class RiskRule:
    """One rule: a column, a comparison (=, <, >=) and a value as text."""

    column: str
    comparison: str
    value: str

    def holds(self, text: str) -> bool:
        """Say whether the rule holds for a field as given.

        For `<` and `>=` a field that is missing or no number never does.
        """
        if self.comparison not in NUMERIC:
            return text == self.value
        here, cut = parse_number(text), parse_number(self.value)
        return here is not None and cut is not None and NUMERIC[self.comparison](here, cut)

    def recorded(self) -> str:
        """Return the rule as it may be recorded: a text that it compares with stays out.

        A cut point is configuration; a text is a value of the data, and may be somebody's name.
        """
        value = self.value.strip() if self.comparison in NUMERIC else "(text)"
        return f"{self.column} {self.comparison} {value}"


def parse_rules(texts: Sequence[str]) -> tuple[RiskRule, ...]:
    """Read rules; raises BadInput, which names a rule by its number and never by its text."""
    return tuple(_parsed(number, text) for number, text in enumerate(texts, 1))


def _parsed(number: int, text: str) -> RiskRule:
    found = GRAMMAR.fullmatch(text)
    if found is None or not found["column"].strip():
        raise BadInput(
            f"Risk rule {number} is none: write COLUMN=TEXT, COLUMN<NUMBER or COLUMN>=NUMBER."
        )
    rule = RiskRule(found["column"].strip(), found["comparison"], found["value"])
    if rule.comparison in NUMERIC and parse_number(rule.value) is None:
        raise BadInput(
            f"Risk rule {number} compares the column {rule.column!r} with what is no number: "
            f"after {rule.comparison} it needs a decimal number."
        )
    return rule


def bands_of(rules: Sequence[RiskRule], columns: Sequence[tuple[Sequence[str], I64]]) -> U64:
    """Return the bands of rows (n,); `columns` holds, for each rule, the different texts in the
    rule's column, and which of them each row has.
    """
    bands = np.zeros(len(columns[0][1]), np.uint64)
    for number, (rule, (texts, codes)) in enumerate(zip(rules, columns, strict=True), 1):
        holds = np.array([rule.holds(text) for text in texts], np.bool_)
        bands[holds[codes]] = number
    return bands
