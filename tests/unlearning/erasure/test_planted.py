"""The containers and spellings that the scan of commit 961ed0a did not see, and their kin.

What it did find stands in `test_residuals`; names, links and attributes, in `test_entries`; copies
of erased content, in `test_erased_content`. Each is planted beside a twin that holds another text.
"""

import base64
import bz2
import gzip
import html
import io
import lzma
import random
import sqlite3
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from urllib.parse import quote

import pytest

from unlearning.erasure.scan import scan_folder
from unlearning.erasure.spellings import spellings

TEXT = 'Löwengasse 17b, "Hinterhaus"'
OTHER = 'Amselweg 4, "Gartenlaube"'
MAIL = "margarete.steinbrecher@example.org"
OTHER_MAIL = "ottokar.von.blankenburg@example.org"
PATTERNS = sorted(spellings(TEXT) | spellings(MAIL))


def rows(text, mail):
    lines = [f"{n},Rosenweg {n},person.{n}@example.org" for n in range(40)]
    return "\n".join([*lines, f"7,{text},{mail}", *lines]).encode()


def around(data, before=500):
    draw = random.Random(1)
    return draw.randbytes(before) + data + draw.randbytes(99)


def tarred(data, mode="w", name="people.csv.gz"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for one, content in (("other", b"nothing" * 9), (name, data)):
            info = tarfile.TarInfo(one)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zipped(data, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("a.csv", data)
    return stream.getvalue()


def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def in_database(*blobs):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a, b)")
    connection.executemany("INSERT INTO t VALUES (1, ?)", [(blob,) for blob in blobs])
    connection.commit()
    return connection.serialize()


def png(text):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    pixels = zlib.compress(b"\x00" + bytes(range(64)) * 3)
    note = b"Comment\x00\x00" + zlib.compress(text)
    shape = struct.pack(">IIBBBBB", 64, 1, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", shape), (b"zTXt", note), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def mail(data, kind="csv"):
    message = MIMEMultipart()
    message["From"] = "somebody@example.com"
    message.attach(MIMEText("as discussed, the file", "plain"))
    message.attach(MIMEApplication(data, kind))
    return message.as_bytes()


def quoted_printable(text):
    import quopri

    return quopri.encodestring(("x " * 30 + text + " y" * 30).encode())


def entity(how):
    return lambda t: "".join(c if c.isascii() and c.isalnum() else how(ord(c)) for c in t).encode()


CONTAINERS = {
    "tar with a gzip in it": lambda d: tarred(gzip.compress(d)),
    "tar.gz with a gzip in it": lambda d: tarred(gzip.compress(d), "w:gz"),
    "tar.xz": lambda d: tarred(d, "w:xz"),
    "zip in a tar": lambda d: tarred(zipped(d), name="a.zip"),
    "database in a gzip": lambda d: gzip.compress(in_database("x" * 600 + d.decode())),
    "zlib": zlib.compress,
    "zlib, fast": lambda d: zlib.compress(d, 1),
    "raw deflate": deflated,
    "raw deflate after a prefix": lambda d: b"\xff\xfe head " + deflated(d),
    "zlib after a prefix": lambda d: around(zlib.compress(d)),
    "gzip after a prefix": lambda d: b"#!/bin/sh\nexit 0\n" + gzip.compress(d),
    "gzip far within": lambda d: b"x" * (9 << 20) + gzip.compress(d) + b"y" * 99,
    "zip after a prefix": lambda d: b"MZ self-extracting" * 9 + zipped(d),
    "zip between other bytes": lambda d: around(zipped(d)),
    "bzip2 after a prefix": lambda d: around(bz2.compress(d)),
    "xz after a prefix": lambda d: around(lzma.compress(d)),
    "gzip in a database": lambda d: in_database(gzip.compress(d)),
    "gzip in a database, over pages": lambda d: in_database(
        random.Random(0).randbytes(5000) + gzip.compress(d)
    ),
    "zlib in a database": lambda d: in_database(zlib.compress(d)),
    "note in a PNG": png,
    "attachment": mail,
    "attachment, packed": lambda d: mail(gzip.compress(d), "gzip"),
    "attachment, zipped": lambda d: mail(zipped(zipped(d)), "zip"),
    "PEM in JSON": lambda d: b'{"a": "' + base64.encodebytes(d).replace(b"\n", b"\\n") + b'"}',
}
SPELLINGS = {
    "percent": lambda t: quote(t, safe="").encode(),
    "percent, in an address": lambda t: f"https://x.org/?q={quote(t)}&z=1".encode(),
    "percent, small letters": lambda t: quote(t, safe="").lower().encode(),
    "HTML": lambda t: html.escape(t).encode(),
    "HTML, in numbers": entity(lambda n: f"&#{n};"),
    "HTML, in hexadecimal": entity(lambda n: f"&#x{n:X};"),
    "HTML, by name": lambda t: t.replace("ö", "&ouml;").replace('"', "&quot;").encode(),
    "HTML, all in numbers": lambda t: "".join(f"&#{ord(c)};" for c in t).encode(),
    "upper case": lambda t: t.upper().encode(),
    "lower case": lambda t: t.lower().encode(),
    "title": lambda t: t.title().encode(),
    "NFD": lambda t: unicodedata.normalize("NFD", t).encode(),
    "NFD, upper case": lambda t: unicodedata.normalize("NFD", t.upper()).encode(),
    "Latin-1": lambda t: t.encode("latin-1"),
    "Python": lambda t: ascii(t).encode(),
    "JSON, upper case": lambda t: t.replace("ö", "\\u00F6").replace('"', '\\"').encode(),
    "UTF-16": lambda t: t.encode("utf-16"),
    "UTF-32": lambda t: t.encode("utf-32"),
    "UTF-32, big-endian": lambda t: t.encode("utf-32-be"),
    "base64 in lines": lambda t: base64.encodebytes(b"z" * 50 + t.encode() + b"z" * 99),
    "base64 in lines, two": lambda t: base64.encodebytes(b"z" * 45 + t.encode()),
    "base64, lower case": lambda t: base64.b64encode(b"zz" + t.lower().encode() + b"zz"),
    "quoted-printable": quoted_printable,
    **{
        f"base32 after {n}": lambda t, n=n: base64.b32encode(b"z" * n + t.encode() + b"zz")
        for n in range(5)
    },
    **{
        f"base85 after {n}": lambda t, n=n: base64.b85encode(b"z" * n + t.encode() + b"zz")
        for n in range(4)
    },
    "Ascii85": lambda t: base64.a85encode(b"z" + t.encode() + b"zz"),
}


def scanned(folder, planted, twin):
    (folder / "tmp").mkdir()  # where a workspace unpacks what must be a file
    (folder / "planted").write_bytes(planted)
    (folder / "twin").write_bytes(twin)
    return scan_folder(folder, PATTERNS)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_what_is_packed_is_found(tmp_path, kind):
    pack = CONTAINERS[kind]
    scan = scanned(tmp_path, pack(rows(TEXT, MAIL)), pack(rows(OTHER, OTHER_MAIL)))
    assert (scan.found, scan.unread) == (("planted",), ())


@pytest.mark.parametrize("kind", SPELLINGS)
@pytest.mark.parametrize("text, other", [(TEXT, OTHER), (MAIL, OTHER_MAIL)])
def test_what_is_spelled_otherwise_is_found(tmp_path, kind, text, other):
    spell = SPELLINGS[kind]
    scan = scanned(tmp_path, b"<x> " + spell(text) + b" ;\n", b"<x> " + spell(other) + b" ;\n")
    assert (scan.found, scan.unread) == (("planted",), ())


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_an_attachment_is_found_wherever_its_letters_end(tmp_path, pack):
    """At the end of letters `=` may stand, and behind them a boundary, of letters and of `=`."""
    lengths = range(24)
    (tmp_path / "tmp").mkdir()
    for length in lengths:
        text = rows(TEXT, MAIL)[:900] + TEXT.encode() + b"x" * length
        (tmp_path / f"{length}").write_bytes(mail(pack(text)))
        other = mail(pack(text)).replace(b"\n\n--", b"\n--").replace(b"=" * 15, b"-" * length)
        (tmp_path / f"{length}, other").write_bytes(other)
    scan = scan_folder(tmp_path, PATTERNS)
    expected = {f"{length}{other}" for length in lengths for other in ("", ", other")}
    assert (set(scan.found), scan.unread) == (expected, ())
