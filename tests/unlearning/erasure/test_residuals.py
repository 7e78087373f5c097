"""The residual scan: it finds a value in every format and every spelling, and knows its limits."""

import base64
import bz2
import csv
import gzip
import io
import json
import lzma
import random
import sqlite3
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from lineage_store.cells import read_snapshot
from lineage_store.errors import ResidueFound
from lineage_store.index.row_index import IndexedRows
from pipelines.backends.direct import DirectBackend
from unlearning.encoding.encode_records import typed
from unlearning.erasure import tokens
from unlearning.erasure.matcher import Matcher, part_of
from unlearning.erasure.scan import distinctive, scan_folder
from unlearning.erasure.spellings import spellings
from unweave import Project

TEXT = 'Löwengasse 17b, "Hinterhaus"'
NUMBER = "4915112345678901"  # as many digits as a telephone number has
FRACTION = "52.520006599988813"


def patterns(*texts):
    return sorted({one for text in texts for one in spellings(text)})


def found(folder, *texts):
    return set(scan_folder(folder, patterns(*(texts or (TEXT, NUMBER, FRACTION)))).found)


# Encodings


def padded(data):
    return random.Random(0).randbytes(40) + data + b"\x00\x01"


ENCODINGS = {
    "UTF-8": lambda t: t.encode(),
    "UTF-16": lambda t: t.encode("utf-16"),
    "JSON": lambda t: json.dumps({"a": t}).encode(),
    "JSON, not escaped": lambda t: json.dumps({"a": t}, ensure_ascii=False).encode(),
    "CSV": lambda t: (lambda s: (csv.writer(s).writerow(["1", t]), s.getvalue()))(io.StringIO())[
        1
    ].encode(),
    "hex": lambda t: t.encode().hex().encode(),
    "HEX": lambda t: t.encode().hex().upper().encode(),
    **{
        f"base64 after {n}": lambda t, n=n: base64.b64encode(bytes(n) + t.encode() + b"x" * 5)
        for n in range(4)
    },
    "base64 for URLs": lambda t: base64.urlsafe_b64encode(b"?" + t.encode()),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_is_found_in_every_spelling(tmp_path, encoding):
    (tmp_path / "x.bin").write_bytes(padded(ENCODINGS[encoding](TEXT)))
    (tmp_path / "y.bin").write_bytes(padded(ENCODINGS[encoding]("Löwengasse 18")))
    assert found(tmp_path) == {"x.bin"}


@given(
    text=st.text(min_size=8, max_size=30).filter(tokens.is_distinctive),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
)
def test_base64_of_any_longer_text_is_found(text, before, after):
    written = base64.b64encode(before + text.encode() + after)
    assert Matcher(spellings(text)).matches(written)


NUMBERS = {
    "integer": (NUMBER, lambda: struct.pack("<q", int(NUMBER))),
    "integer, big-endian": (NUMBER, lambda: struct.pack(">q", int(NUMBER))),
    "double of a whole number": (NUMBER, lambda: struct.pack("<d", int(NUMBER))),
    "digits": (f"{NUMBER}.0", lambda: f"call {NUMBER} now".encode()),
    "double": (FRACTION, lambda: struct.pack("<d", float(FRACTION))),
    "double, big-endian": (FRACTION, lambda: struct.pack(">d", float(FRACTION))),
    "array": (FRACTION, lambda: np.array([1, float(FRACTION), 2]).tobytes()),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_number_is_found_as_the_bytes_of_its_value(tmp_path, kind):
    text, data = NUMBERS[kind]
    (tmp_path / "x.bin").write_bytes(padded(data()))
    assert found(tmp_path, text) == {"x.bin"}


@pytest.mark.parametrize(
    "text, counts",
    [
        ("1", False), ("Berlin", False), ("0.1", False), ("100000000000000000", False),
        ("1e300", False), ("Credit", False), ("41.878866", False), ("12/03/2014", False),
        (NUMBER, True), (FRACTION, True), ("maria@x.org", True), ("Löwengasse", True),
        ("2014-03-12 17:45:01", True),
    ],
)  # fmt: skip
def test_what_proves_something_has_forty_bits(text, counts):
    assert tokens.is_distinctive(text) == counts


# Formats


def example(integers):
    """A tf.Example of one feature, written by hand."""

    def varint(number):
        out = b""
        while number > 0x7F:
            out += bytes([number & 0x7F | 0x80])
            number >>= 7
        return out + bytes([number])

    def field(tag, data):
        return varint(tag << 3 | 2) + varint(len(data)) + data

    packed = b"".join(varint(number % (1 << 64)) for number in integers)
    value = field(3, field(1, packed))
    return field(1, field(1, field(1, b"phone") + field(2, value)))


def tfrecord(*records):
    return b"".join(struct.pack("<QI", len(r), 7) + r + b"sum." for r in records)


def sqlite_file(path, *, long):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA page_size = 512")
    connection.execute("CREATE TABLE people (a, b, c)")
    if long:  # the text runs on from one page to the next, wherever these end
        rows = [("x" * (200 + n), TEXT, None) for n in range(512)]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)
    else:
        connection.execute("INSERT INTO people VALUES (1, ?, 'x')", [int(NUMBER)])
    connection.commit()
    connection.close()


def table():
    import pyarrow as pa

    return pa.table({"n": [1, 2], "t": ["none", TEXT], "i": [0, int(NUMBER)]})


def parquet(path, compression):
    from pyarrow import parquet

    parquet.write_table(table(), path, compression=compression)


def arrow(path, compression):
    from pyarrow import ipc

    made = table()
    options = ipc.IpcWriteOptions(compression=compression)
    with ipc.new_file(str(path), made.schema, options=options) as writer:
        writer.write_table(made)


def zipped(data, name="a.txt", method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("other.txt", b"nothing" * 30)
        archive.writestr(name, data)
    return stream.getvalue()


def tar(data, mode):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


PLAIN = b"name,street\nx," + TEXT.replace('"', '""').encode() + b"\n"
OTHERS = b"name,street\nx,Rosenweg 3\n" * 20
FORMATS = {
    "csv": lambda: PLAIN,
    "gzip": lambda: gzip.compress(PLAIN),
    "gzip twice": lambda: gzip.compress(gzip.compress(PLAIN)),
    "gzip in two members": lambda: gzip.compress(OTHERS) + gzip.compress(PLAIN),
    "zstandard": lambda: zstandard.compress(OTHERS + PLAIN),
    "zstandard in two frames": lambda: zstandard.compress(OTHERS) + zstandard.compress(PLAIN),
    "bzip2": lambda: bz2.compress(PLAIN),
    "xz": lambda: lzma.compress(PLAIN),
    "zip": lambda: zipped(PLAIN),
    "zip in a zip": lambda: zipped(zipped(PLAIN)),
    "archive of updates": lambda: zipped(
        zstandard.compress(save({"x": np.frombuffer(PLAIN, np.uint8)})),
        "00000001",
        zipfile.ZIP_STORED,
    ),
    "tar": lambda: tar(PLAIN, "w"),
    "tar.gz": lambda: tar(PLAIN, "w:gz"),
    "safetensors": lambda: save({"x": np.array([1.0, float(FRACTION)])}),
    "TFRecord": lambda: tfrecord(b"one", example([5, int(NUMBER), -3])),
    "TFRecord, packed": lambda: gzip.compress(tfrecord(example([int(NUMBER)]), b"two")),
    "TFRecord of text": lambda: tfrecord(b"\n\x01" + TEXT.encode()),
}
FILES = {
    "SQLite": lambda path: sqlite_file(path, long=False),
    "SQLite, over pages": lambda path: sqlite_file(path, long=True),
    "Parquet": lambda path: parquet(path, "none"),
    "Parquet, packed": lambda path: parquet(path, "zstd"),
    "Arrow": lambda path: arrow(path, None),
    "Arrow, packed": lambda path: arrow(path, "lz4"),
}


@pytest.mark.parametrize("kind", [*FORMATS, *FILES])
def test_a_residue_is_found_in_every_known_format(tmp_path, kind):
    path = tmp_path / "residue"
    if kind in FILES:
        FILES[kind](path)
    else:
        path.write_bytes(FORMATS[kind]())
    scan = scan_folder(tmp_path, patterns(TEXT, NUMBER, FRACTION))
    assert (scan.found, scan.unread) == (("residue",), ())
    other = scan_folder(tmp_path, patterns("Löwengasse 18, Vorderhaus", "4915112345678902"))
    assert (other.found, other.unread) == ((), ())


def test_a_parquet_file_within_a_zip_is_read(tmp_path):
    parquet(tmp_path / "p", "zstd")
    (tmp_path / "z").write_bytes(zipped((tmp_path / "p").read_bytes()))
    assert found(tmp_path) == {"p", "z"}


def encrypted_zip():
    """A zip whose member says that it is encrypted."""
    data = bytearray(zipped(b"x" * 100, method=zipfile.ZIP_STORED))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := data.find(magic, at + 1)) >= 0:
            data[at + offset] |= 1
    return bytes(data)


NOT_UNDERSTOOD = {
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(50),
    "LZ4": b"\x04\x22\x4d\x18" + bytes(50),
    "encrypted by openssl": b"Salted__" + bytes(50),
    "OpenPGP": b"-----BEGIN PGP MESSAGE-----\n",
    "encrypted zip": encrypted_zip(),
    "random": random.Random(8).randbytes(6000),
    "a gzip that breaks off": gzip.compress(OTHERS)[:-12],
    "a zstandard frame that breaks off": zstandard.compress(OTHERS)[:-3],
    "a zip that breaks off": zipped(OTHERS)[:-30],
    "packed too often": gzip.compress(
        gzip.compress(gzip.compress(gzip.compress(gzip.compress(OTHERS))))
    ),
    "a database that is none": b"SQLite format 3\x00" + bytes(40),
}


@pytest.mark.parametrize("kind", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_told(tmp_path, kind):
    (tmp_path / "unknown").write_bytes(NOT_UNDERSTOOD[kind])
    (tmp_path / "plain").write_bytes(OTHERS)
    scan = scan_folder(tmp_path, patterns(TEXT))
    assert (scan.found, scan.clean) == ((), False)
    assert [one.partition(" (not understood")[0] for one in scan.unread] == ["unknown"]


def test_nonces_of_many_cells_are_no_riddle_and_are_searched_all_the_same(tmp_path):
    """As a table of a million rows has them: 32 bytes a cell, drawn by chance."""
    nonces = random.Random(7).randbytes(32 * 500)  # the same each time
    (tmp_path / "cells.json").write_text(json.dumps([[] for _ in range(500)]))
    (tmp_path / "nonces").write_bytes(nonces)
    assert scan_folder(tmp_path, patterns(TEXT)).clean
    assert scan_folder(tmp_path, [nonces[5000:5016]]).found == ("nonces",)
    for number, other in ((499, "nonces"), (500, "others")):
        folder = tmp_path / f"{number} {other}"
        folder.mkdir(parents=True)
        (folder / "cells.json").write_text(json.dumps([[] for _ in range(number)]))
        (folder / other).write_bytes(nonces)
        unread = scan_folder(folder, patterns(TEXT)).unread
        assert [one.partition(" (not understood")[0] for one in unread] == [other]


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i4"])
def test_weights_and_counts_are_no_riddle(tmp_path, dtype):
    draw = np.random.default_rng(0)
    values = (draw.normal(size=20_000) * 1000).astype(dtype)
    (tmp_path / "variables.data-00000-of-00001").write_bytes(values.tobytes())
    (tmp_path / "a.safetensors").write_bytes(save({"u": draw.bytes(50_000) and values}))
    np.save(tmp_path / "keys.npy", np.frombuffer(draw.bytes(50_000), np.uint8))
    assert scan_folder(tmp_path, patterns(TEXT)).clean


def test_a_file_is_found_by_its_digest(tmp_path):
    from lineage_store.canonical import digest

    (tmp_path / "copy").write_bytes(b"weights " * 99)
    (tmp_path / "other").write_bytes(b"weights " * 98)
    digests = [digest(b"weights " * 99)]
    assert scan_folder(tmp_path, [], digests=digests).found == ("copy",)
    assert scan_folder(tmp_path, patterns(TEXT), digests=digests).found == ("copy",)


# What other rows have too


def test_a_value_that_a_staying_row_has_is_no_residue(tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"k,Hauptbahnhof Nord\nk," + NUMBER.encode() + b".0\n")
    texts = ["Hauptbahnhof Nord", "Hauptbahnhof", NUMBER, TEXT, "Ulm"]
    assert distinctive(texts, staying=[tmp_path]) == [TEXT]
    assert distinctive(texts, staying=[]) == ["Hauptbahnhof Nord", "Hauptbahnhof", NUMBER, TEXT]


# A deletion


FORGOTTEN = "margarete.steinbrecher@example.org"
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "model_family": "naive-bayes",
    "shards": 2,
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path):
    """Two people of sixty have an address of their own; all share a station."""
    path = tmp_path / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "street", "station", "lat", "lon", "label"])
        for n in range(120):
            who = n % 60
            person = FORGOTTEN if who == 0 else f"person {who}"
            street = TEXT if who == 0 else f"Rosenweg {who}"
            where = f"52.5{who:02d}", f"13.4{who:02d}"
            out.writerow([n, person, street, "Hauptbahnhof Nord", *where, "ab"[n % 60 > 29]])
    root = tmp_path / "workspace"
    Project(root, backend=DirectBackend()).train(path, **OPTIONS)
    return root


def forget(root):
    return Project(root, backend=DirectBackend()).forget([FORGOTTEN], guarantee="exact")


def test_a_value_of_a_deleted_row_alone_stops_the_deletion(workspace):
    """No key, no id: only the street, in an export that somebody left in the workspace."""
    export = workspace / "notes" / "export.parquet"
    export.parent.mkdir()
    parquet(export, "zstd")
    with pytest.raises(ResidueFound, match=r"1 file still holds.*notes/export\.parquet"):
        forget(workspace)
    export.unlink()
    assert forget(workspace)["request_id"] == "r1"


def test_the_numbers_of_a_deleted_row_are_found_as_the_row_store_keeps_them(workspace):
    (workspace / "notes").mkdir()
    (workspace / "notes" / "a.bin").write_bytes(np.array([7, 52.5, 13.4, 8], "<f4").tobytes())
    assert forget(workspace)["request_id"] == "r1"  # they have fewer than 40 bits together


def some_rows_of(snapshot, count):
    """The first training rows of a snapshot, as the index tells them."""
    found = [*read_snapshot(snapshot, "train")][:count]
    keys = np.frombuffer(b"".join(one.row_key for one in found), np.uint8).reshape(-1, 16)
    places = np.frombuffer(b"".join(one.place for one in found), ">u8").astype(np.uint64)
    return IndexedRows(keys, places, ("train",) * len(found))


def test_numbers_with_forty_bits_together_are_tokens(gated):
    lines = [["a", "b", "c", "label"]]
    lines += [[f"{n}.12345{n}", f"{n}7.65432", n, "xy"[n % 2]] for n in range(1, 40)]
    snapshot = gated(lines)
    some = some_rows_of(snapshot, 3)
    texts, numbers = tokens.row_tokens(snapshot, some)
    assert texts == set() and len(numbers) == 3
    assert all(len(one) == 12 for one in numbers)


def test_dates_are_among_the_numbers_of_a_row_as_a_model_takes_them(gated):
    lines = [["day", "size", "label"]]
    lines += [[f"2024-0{n % 9 + 1}-1{n % 7}", f"{n}7.65432", "xy"[n % 2]] for n in range(1, 40)]
    snapshot = gated(lines)
    _, numbers = tokens.row_tokens(snapshot, some_rows_of(snapshot, 3))
    kept = np.array([typed_rows(snapshot)[name] for name in ("day", "size")], "<f4").T
    assert len(numbers) == 3 and numbers <= {row.tobytes() for row in kept}


def typed_rows(snapshot):
    """The training rows of a snapshot as a family's encoding is given them."""
    return typed([*read_snapshot(snapshot, "train")], snapshot.schema)


def test_a_file_that_is_not_understood_stops_the_deletion_and_is_named(workspace):
    (workspace / "backup.bin").write_bytes(random.Random(9).randbytes(9000))
    with pytest.raises(ResidueFound, match=r"backup\.bin \(not understood"):
        forget(workspace)
    (workspace / "backup.bin").unlink()
    assert Path(forget(workspace)["certificate"]).exists()


def test_a_copy_of_a_checkpoint_stops_the_deletion(workspace):
    """It holds no key and no value: only the lineage knows what it learnt from."""
    (workspace / "notes").mkdir()
    for shard in ("000", "001"):
        copy = workspace / "tfx/train-m1/ledger/shards" / shard / "stage-00.safetensors"
        (workspace / "notes" / shard).write_bytes(copy.read_bytes())
    with pytest.raises(ResidueFound, match=r"1 file still holds.*notes/00"):
        forget(workspace)  # the other shard's was kept: it never saw a row of that person
    for file in (workspace / "notes").iterdir():
        file.unlink()
    assert forget(workspace)["request_id"] == "r1"


def test_a_pattern_is_looked_for_by_bytes_that_are_rare():
    """Many rows of numbers begin with zeros, as do most updates: 30 s a scan instead of one."""
    row = np.array([0.0, 0.0, np.nan, 1.0, 41.88, 14.65], "<f4").tobytes()
    offset = part_of(row)
    assert not set(row[offset : offset + 8]) <= {0, 0xFF}
    zeros = bytes(4096)
    assert Matcher([row]).matches(zeros + row + zeros)
    assert not Matcher([row]).matches(zeros + row[:-1] + zeros)


@given(st.binary(min_size=5, max_size=12), st.binary(max_size=12), st.binary(max_size=12))
def test_wherever_a_pattern_stands_it_is_found(pattern, before, after):
    assert Matcher([pattern]).matches(before + pattern + after)
    folded = (before + after).lower()
    assert Matcher([pattern]).matches(before + after) == (pattern.lower() in folded)
