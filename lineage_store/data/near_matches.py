"""Ids that look like the same subject's: one person may stand in a file under several spellings.

An id is compared by its letters (without case, accents, spaces and punctuation) and by its numbers
(without leading zeros). Two ids whose numbers contradict each other, as in person-01 and person-02,
are never alike; one that has a number more than the other may be. The rules, the surest first:

    spelling   the same letters and numbers
    number     the same letters, and a number more or less
    name       one's letters begin with the other's (five at least), or differ by at most a fifth
               (the ratio of `difflib`), and no number contradicts

The workspace stores pseudonyms, of which nothing can be said to look alike: so the file that the
rows came from is read.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from lineage_store.errors import BadInput
from lineage_store.sources.source import Source
from lineage_store.texts.text_rows import texts_of

ALIKE = 0.8
PREFIX = 5
SPELLING = "spelled otherwise: case, space or punctuation"
NUMBER = "a number more or less"
NAME = "a variant of the name"


@dataclass(frozen=True)
class FoldedId:
    """An id as it is compared: its letters in one, and its numbers."""

    letters: str
    numbers: frozenset[str]

    def contradicts(self, other: "FoldedId") -> bool:
        """Say whether each of the two has a number that the other lacks."""
        return bool(self.numbers - other.numbers) and bool(other.numbers - self.numbers)


@lru_cache(maxsize=1 << 16)
def folded(text: str) -> FoldedId:
    """Fold an id for comparison."""
    letters: list[str] = []
    numbers: list[str] = []
    digits = ""
    for sign in unicodedata.normalize("NFKD", text).casefold() + " ":
        if sign.isdigit():
            digits += sign
            continue
        if digits:
            numbers.append(digits.lstrip("0") or "0")
            digits = ""
        if sign.isalpha():
            letters.append(sign)
    return FoldedId("".join(letters), frozenset(numbers))


def why_near(one: str, other: str) -> str | None:
    """Say why two ids may be the same subject's, or return None."""
    if one == other:
        return None
    a, b = folded(one), folded(other)
    if a == b:
        return SPELLING if a.letters or a.numbers else None
    if not a.letters or not b.letters or a.contradicts(b):
        return None
    if a.letters == b.letters:
        return NUMBER
    short, long = sorted((a.letters, b.letters), key=len)
    if len(short) >= PREFIX and long.startswith(short):
        return NAME
    return NAME if _alike(short, long) else None


def _alike(one: str, other: str) -> bool:
    compared = SequenceMatcher(None, one, other, autojunk=False)
    bounds = (compared.real_quick_ratio, compared.quick_ratio, compared.ratio)
    return all(bound() >= ALIKE for bound in bounds)  # each costs more than the one before


def near_ids(ids: Sequence[str], known: Iterable[str]) -> dict[str, str]:
    """Return those known ids that look like one of these and are none of them, with why."""
    found: dict[str, str] = {}
    given = set(ids)
    for other in known:
        if other in given or other in found:
            continue
        reasons = [why for one in ids if (why := why_near(one, other)) is not None]
        if reasons:
            order = (SPELLING, NUMBER, NAME)
            found[other] = min(reasons, key=order.index)
    return found


def ids_in(source: Source, column: str) -> Iterator[str]:
    """Yield the distinct ids in a column of a source.

    Raises BadInput if the file cannot be read or has no such column.
    """
    names = source.columns()
    if column not in names:
        raise BadInput(f"There is no column {column!r} in {source.name}.")
    place, seen = names.index(column), set[str]()
    for rows in source.batches():
        for text in texts_of(rows.values.column(place)):
            if text not in seen:
                seen.add(text)
                yield text
