"""When two spellings are one id, and when they may be.

*Canonical*: a function of the one text, never of others. White space at the ends goes, letters are
composed (NFC), and a plain decimal number without leading zeros is written out in digits, as short
as it can be. So `17850.0`, `1.785e4` and ` 17850` are `17850`, as tables come back from programs
that read ids as floats; `017850`, `+17850` and `K-17` stay what they are. Ids of one canonical form
are one person's: nobody is asked.

*Folded*: without case, accents, punctuation, the order of words and zeros before numbers. Ids of
one folded form may be one person's: somebody is asked. Vowels that are written as two where a key
is missing (`ue` for `ü`) are folded as well.
"""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from itertools import chain

from lineage_store.keys.secret import Keys

PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
LONGEST_NUMBER = 40
WORD = re.compile(r"\d+|[^\W\d_]+")
APOSTROPHE = re.compile("['`\u00b4\u02bc\u2018\u2019]")
TWO_VOWELS = re.compile("([aou])e", re.IGNORECASE)
# Letters that Unicode does not take apart into a letter and its accent.
LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "\u0131": "i"}
    | {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
)

NOBODY = frozenset(("", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None", "?"))
CASE, ACCENTS, PUNCTUATION = "case", "accents", "spaces or punctuation"
ORDER, NUMBERS = "order of words", "zeros before numbers"
ASPECTS = (CASE, ACCENTS, PUNCTUATION, ORDER, NUMBERS)


def canonical_id(text: str) -> str:
    """Return the one spelling of an id that stands for all that are canonically the same."""
    text = unicodedata.normalize("NFC", text).strip()
    if not PLAIN_NUMBER.fullmatch(text):
        return text
    written = f"{Decimal(text):f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    if len(written) > LONGEST_NUMBER:
        return text
    return "0" if written == "-0" else written


def is_nobody(text: str) -> bool:
    """Say whether an id is empty, or a mark that programs write where there is none.

    As they write it: `NA` is one, and `Na` is somebody's name.
    """
    return text.strip() in NOBODY


def usual_spellings(text: str) -> tuple[str, ...]:
    """Return how programs usually spell an id: as it is canonical, and as a float if it is whole.

    For keys of ids that were made of the text as it was given, which cannot be read backwards.
    """
    canonical = canonical_id(text)
    whole = PLAIN_NUMBER.fullmatch(canonical) and canonical.lstrip("-").isdigit()
    return (canonical, f"{canonical}.0") if whole else (canonical,)


def folded_id(text: str) -> str:
    """Return an id without all in which spellings of one person often differ."""
    return _folded(text, keeping=None)


def why_alike(one: str, other: str) -> str:
    """Say in what two ids of one folded form differ, as words for people."""
    found = [name for name in ASPECTS if _folded(one, keeping=name) != _folded(other, keeping=name)]
    return ", ".join(found) or "spelling"


def entries_of(keys: Keys, subject: str) -> tuple[str, ...]:
    """Return under what the exclusion manifest may know a subject: as given, then canonical."""
    forms = dict.fromkeys((subject, canonical_id(subject)))
    return tuple(keys.commitment(kind="subject", value=one.encode("utf-8")) for one in forms)


def entries_of_ids(keys: Keys, ids: Iterable[str], *, rows: bool) -> list[tuple[str, ...]]:
    """Return under what the manifest may know each id of a subject, or of a row: best last."""
    if not rows:
        return [entries_of(keys, one) for one in ids]
    row_keys = (keys.row_key(kind="id", value=one.encode("utf-8")) for one in ids)
    return [(keys.commitment(kind="row", value=value),) for value in row_keys]


def alike_entry(keys: Keys, subject: str) -> str:
    """Return under what the exclusion manifest knows all that are spelled nearly as a subject."""
    return keys.commitment(kind="alike", value=folded_id(subject).encode("utf-8"))


def _folded(text: str, *, keeping: str | None) -> str:
    """Fold an id in all aspects but one."""
    text = canonical_id(text)
    if keeping != CASE:
        text = text.casefold()
    if keeping != ACCENTS:
        text = _unaccented(text)
    if keeping != PUNCTUATION:
        text = APOSTROPHE.sub("", text)
    words = WORD.findall(text)
    if not words:
        return text  # nothing but signs: they are what it is
    between = sorted(WORD.split(text)) if keeping == PUNCTUATION else []
    if keeping != NUMBERS:
        words = [word.lstrip("0") or "0" if word.isdigit() else word for word in words]
    if keeping != ORDER:
        words.sort()
    return " ".join(chain(words, between))


def _unaccented(text: str) -> str:
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text.translate(LETTERS))
        text = "".join(one for one in parts if not unicodedata.combining(one))
    return TWO_VOWELS.sub(r"\1", text)
