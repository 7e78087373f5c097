"""All the bytes by which a text may stand in a file.

A text has forms (composed and decomposed, in its own case, in small and in capital letters), and
each form is written in many ways. The letters a to z need no forms of their own where bytes are
compared whatever their case (`matcher`). Where the bytes are packed into letters (base64, base32,
base85) they would: in base64 the text's own and small letters are made, else its own alone. Packed
forms are made at all places of a group, so that a text is found within a longer one; of base85,
which mixes four bytes, the groups that are the text's alone.
"""

import base64
import html
import json
import struct
import unicodedata
from collections.abc import Callable, Iterator
from html.entities import codepoint2name, html5
from urllib.parse import quote, quote_plus

from lineage_store.cells import escape
from lineage_store.data import parse_number

SHORTEST = 5
INTEGERS = range(-(1 << 63), 1 << 63)
EXACT = 2.0**63

NAMES = {value: name for name, value in sorted(html5.items()) if name.endswith(";")}
NAMES_OF_HTML4 = {chr(number): f"{name};" for number, name in codepoint2name.items()}
IN_ADDRESSES = "!'()*~;,/?:@&=+$#"


def spellings(text: str) -> set[bytes]:
    """Return the bytes by which a text may stand in a file, but for the case of ASCII letters.

    Of a number also its 64-bit integer or double, in either byte order.
    """
    found: dict[bytes, bytes] = {}
    for form in _forms(text):
        for write in ENCODINGS:
            try:
                written = write(form)
            except UnicodeEncodeError:
                continue  # a letter that this encoding does not have
            found.setdefault(written.lower(), written)
    for data in _byte_forms(text):
        for packed in (*in_base64(data), *in_base32(data), *in_base85(data)):
            found.setdefault(packed.lower(), packed)
    for data in (text.lower().encode("utf-8"), text.encode("utf-16-le")):
        for packed in in_base64(data):
            found.setdefault(packed.lower(), packed)
    for written in of_number(text):
        found.setdefault(written.lower(), written)
    return {one for one in found.values() if len(one) >= SHORTEST}


def _forms(text: str) -> set[str]:
    """Return the forms of a text; those that differ in ASCII letters' case alone are one."""
    normal = (text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))
    cased = [f for one in normal for f in (one, one.lower(), one.upper(), one.title())]
    return set({_without_ascii_case(one): one for one in reversed(cased)}.values())


def _byte_forms(text: str) -> set[bytes]:
    forms = (text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))
    return {one.encode("utf-8") for one in forms}


def _without_ascii_case(text: str) -> str:
    return text.encode("utf-8").lower().decode("utf-8")


def _each(change: Callable[[str], str | None]) -> Callable[[str], bytes]:
    """Return an encoding that writes a letter as `change` says, or as it is where that is None."""
    return lambda text: "".join(change(c) or c for c in text).encode("utf-8")


def _unless(kept: Callable[[str], bool], change: Callable[[str], str]) -> Callable[[str], bytes]:
    return _each(lambda c: None if kept(c) else change(c))


def _named(names: dict[str, str]) -> Callable[[str], str]:
    return lambda c: f"&{names[c]}" if c in names else c


def _quoted_printable(c: str) -> str:
    return "".join(f"={byte:02X}" for byte in c.encode("utf-8"))


def _decimal(c: str) -> str:
    return f"&#{ord(c)};"


def _padded(c: str) -> str:
    return f"&#{ord(c):03d};"


def _hexadecimal(c: str) -> str:
    return f"&#x{ord(c):x};"


def _alphanumeric(c: str) -> bool:
    return c.isascii() and c.isalnum()


def _plain(c: str) -> bool:
    return c.isascii() and c not in "<>&\"'"


def _nothing(c: str) -> bool:
    return False


ENCODINGS: tuple[Callable[[str], bytes], ...] = (
    *(
        lambda text, name=name: text.encode(name)
        for name in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1",
                     "cp1252")
    ),
    # in source text: JSON, Python, CSV, the gate's own files
    lambda text: json.dumps(text)[1:-1].encode("utf-8"),
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8"),
    lambda text: json.dumps(text)[1:-1].replace("/", "\\/").encode("utf-8"),
    lambda text: text.encode("unicode_escape"),
    lambda text: repr(text)[1:-1].encode("utf-8", "surrogatepass"),
    lambda text: text.replace('"', '""').encode("utf-8"),
    lambda text: escape(text).removeprefix("'%").encode("utf-8"),
    # in addresses
    lambda text: quote(text, safe="").encode("ascii"),
    lambda text: quote(text, safe="/").encode("ascii"),
    lambda text: quote(text, safe="!'()*").encode("ascii"),
    lambda text: quote(text, safe=IN_ADDRESSES).encode("ascii"),
    lambda text: quote_plus(text).encode("ascii"),
    lambda text: quote(text, safe="", encoding="latin-1", errors="strict").encode("ascii"),
    lambda text: "".join(f"%{byte:02X}" for byte in text.encode("utf-8")).encode("ascii"),
    # in HTML and XML
    lambda text: html.escape(text).encode("utf-8"),
    lambda text: html.escape(text, quote=False).encode("utf-8"),
    _unless(_plain, _decimal),
    _unless(_plain, _hexadecimal),
    _unless(str.isascii, _decimal),
    _unless(str.isascii, _hexadecimal),
    _unless(_alphanumeric, _decimal),
    _unless(_alphanumeric, _padded),
    _unless(_alphanumeric, _hexadecimal),
    _unless(_nothing, _decimal),
    _unless(_nothing, _hexadecimal),
    _unless(str.isascii, _named(NAMES_OF_HTML4)),
    _unless(_nothing, _named(NAMES_OF_HTML4)),
    _unless(_nothing, _named(NAMES)),
    # in mail
    _unless(lambda c: c.isascii() and c != "=", _quoted_printable),
    _unless(_alphanumeric, _quoted_printable),
    _each(lambda c: "_" if c == " " else None if _alphanumeric(c) else _quoted_printable(c)),
    # in hexadecimal
    lambda text: text.encode("utf-8").hex().encode("ascii"),
    lambda text: text.encode("utf-16-le").hex().encode("ascii"),
)  # fmt: skip


def in_base64(data: bytes) -> Iterator[bytes]:
    """Yield the letters that any base64 of a longer text has if the data are within it."""
    for before in range(3):
        written = base64.b64encode(bytes(before) + data)
        inner = written[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def in_base32(data: bytes) -> Iterator[bytes]:
    """Yield the letters that any base32 of a longer text has if the data are within it."""
    for before in range(5):
        written = base64.b32encode(bytes(before) + data)
        yield written[(before * 8 + 4) // 5 : (before + len(data)) * 8 // 5]


def in_base85(data: bytes) -> Iterator[bytes]:
    """Yield the letters, ten or more, that any base85 of a longer text has likewise."""
    for before in range(4):
        inner = data[-before % 4 :]
        inner = inner[: len(inner) // 4 * 4]
        if len(inner) >= 8:
            yield base64.b85encode(inner)
            yield base64.a85encode(inner)


def of_number(text: str) -> Iterator[bytes]:
    """Yield the bytes of a number: its digits, 64-bit integer and double, in either byte order."""
    number = parse_number(text)
    if number is None:
        return
    yield from (struct.pack(order + "d", number) for order in "<>")
    whole = whole_digits(number)
    if whole is None:
        return
    yield whole.encode("ascii")
    if int(whole) in INTEGERS:
        yield from (struct.pack(order + "q", int(whole)) for order in "<>")
        if int(whole).bit_length() < 48:
            yield struct.pack(">q", int(whole))[2:]  # as SQLite keeps it, where six bytes do


def whole_digits(number: float) -> str | None:
    """Write a number without a fraction in digits alone; None if it has one, or is too large."""
    return str(int(number)) if number == int(number) and abs(number) < EXACT else None
