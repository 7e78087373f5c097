"""The one place where the command line prints: what others wrote cannot rule the terminal.

Ids, reasons, file names, class names and whole certificates come from strangers. A character that
moves the cursor, colours, rings, turns the direction of reading or begins a new line is shown as an
escape, as Python writes it; so is what the terminal's encoding lacks. So one line of an answer is
one line on the screen, and says what it says. Tables go through the same function (`console`). JSON
stays JSON: there the same characters are written as JSON writes them, and read back they are what
they were.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Mapping
from typing import Any

# Control characters, format characters (the direction of reading is among them), surrogates, and
# what separates lines and paragraphs.
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# They join letters or keep them apart, in Persian and in many emoji, and do nothing else.
JOINERS = "\u200c\u200d"


def visible(text: str, *, encoding: str = "utf-8") -> str:
    """Return a text on one line, with all that is unseen, and acts, as escapes."""
    if text.isascii() and text.isprintable():
        return text
    escaped = "".join(_escaped(one) if _acts(one) else one for one in text)
    return escaped.encode(encoding, "backslashreplace").decode(encoding)


def say(line: str, *, err: bool = False) -> None:
    """Print one line on standard output, or on standard error."""
    stream = sys.stderr if err else sys.stdout
    print(visible(line, encoding=stream.encoding or "utf-8"), file=stream)


def say_json(answer: Mapping[str, Any]) -> None:
    """Print one JSON object on standard output; unless it says otherwise all is `ok`."""
    answer = {"ok": True, **answer}
    text = json.dumps(answer, ensure_ascii=False)
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        text = json.dumps(answer)
    if not (text.isascii() and text.isprintable()):
        # Outside of its strings JSON as it is printed here has no such character.
        text = "".join(json.dumps(one)[1:-1] if _acts(one) else one for one in text)
    print(text)


def cell_of_csv(text: str) -> str:
    """Return a value as a cell of a CSV line, which no spreadsheet takes for a formula.

    What begins like one gets an apostrophe in front, unless it is a number.
    """
    if text.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if re.search('[",\r\n]', text) else text


def _acts(one: str) -> bool:
    return unicodedata.category(one) in UNSEEN and one not in JOINERS


def _escaped(one: str) -> str:
    return one.encode("unicode_escape", "surrogatepass").decode("ascii")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
