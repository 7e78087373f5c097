"""Bombs, files without an end and large ones: each meets a limit and is named, in little memory."""

import base64
import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import zipfile
import zlib

import pytest
import zstandard

from lineage_store.progress import listening
from unlearning.erasure import contents, packed_streams
from unlearning.erasure.scan import scan_apart, scan_folder

PATTERN = b"margarete.steinbrecher@example.org"
ZEROS = bytes(1 << 24)


def zipped(data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", data)
    return stream.getvalue()


BOMBS = {
    "gzip": gzip.compress,
    "zstandard": zstandard.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
    "zip after a prefix": lambda data: b"prefix" + zipped(data),
    "gzip of gzips": lambda data: gzip.compress(gzip.compress(data) * 9),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_meets_its_limit_and_is_named(tmp_path, monkeypatch, kind):
    (tmp_path / "bomb").write_bytes(BOMBS[kind](ZEROS))
    assert scan_folder(tmp_path, [PATTERN]).clean
    monkeypatch.setattr(contents, "LEAST_UNPACKED", 1 << 23)
    monkeypatch.setattr(contents, "TIMES_UNPACKED", 0)
    unread = scan_folder(tmp_path, [PATTERN]).unread
    assert unread == ("bomb (not understood: it unpacks to more than 8 MiB)",)


PACKERS = {"gzip": gzip, "zlib": zlib, "bzip2": bz2, "xz": lzma, "zstandard": zstandard}


@pytest.mark.parametrize("packing", packed_streams.PACKINGS, ids=lambda one: one.name)
def test_what_is_unpacked_at_a_time_fits_into_memory(packing):
    packed = PACKERS[packing.name].compress(ZEROS * 2)
    part = packing.new()
    most = 0
    for start in range(0, len(packed), packing.fed):
        most = max(most, len(part.decompress(packed[start : start + packing.fed])))
    assert most <= 1 << 26


def test_a_file_without_an_end_is_named_at_once(tmp_path):
    with (tmp_path / "hollow").open("wb") as stream:
        stream.truncate(1 << 40)
        stream.seek(1 << 39)
        stream.write(PATTERN)
    with (tmp_path / "small").open("wb") as stream:
        stream.truncate(1 << 24)
    unread = scan_folder(tmp_path, [PATTERN]).unread
    assert unread == ("hollow (not understood: a sparse file of 1048576 MiB)",)


def test_a_scan_says_how_far_it_has_come(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / name).write_bytes(ZEROS * 5)
    said = []
    with listening(lambda *one: said.append(one)):
        assert scan_apart(tmp_path, [PATTERN]).clean
    assert said[0][0] == "scanning" and said[-1][2] == 10 * len(ZEROS)
    assert sorted(one[1] for one in said) == [one[1] for one in said]
    assert said[-1][1] >= 8 * len(ZEROS)


MEMORY = """
import sys
from pathlib import Path
from unlearning.erasure.scan import scan_folder
scan = scan_folder(Path(sys.argv[1]), [b"margarete.steinbrecher@example.org"])
assert scan.clean, scan
# Not what getrusage tells: that counts what forked this program, before it was this program.
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""


def test_memory_is_bounded_whatever_is_unpacked(tmp_path):
    """Half a gigabyte from a gzip, and a zip of it that must be unpacked to be read."""

    def kilobytes():
        command = [sys.executable, "-c", MEMORY, str(tmp_path)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    (tmp_path / "tmp").mkdir()
    (tmp_path / "a").write_bytes(b"nothing")
    least = kilobytes()
    with gzip.open(tmp_path / "b", "wb", compresslevel=1) as stream:
        for _ in range(32):
            stream.write(ZEROS)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in "abc":
            archive.writestr(name, os.urandom(1 << 20).hex() * 20)
    (tmp_path / "c").write_bytes(gzip.compress(stream.getvalue(), 1))
    assert kilobytes() - least < 200_000


@pytest.mark.parametrize("times", [4, 5])
def test_letters_are_read_as_deep_as_anything_and_what_is_deeper_is_named(tmp_path, times):
    data = base64.encodebytes(b"\x00\x01" * 40 + PATTERN)
    for _ in range(times):
        data = gzip.compress(data)
    (tmp_path / "packed").write_bytes(data)
    found = scan_folder(tmp_path, [PATTERN])
    if times == 4:
        assert found.found == ("packed",)
    else:
        assert found.unread == ("packed (not understood: packed too many times)",)
