"""The search for many patterns at once finds what a plain search for each of them does.

The plain one looks for a pattern after the other in what lies unpacked; corpora are drawn: which
text stands where, in which spelling, around what, in which container. Patterns that are drawn are
in `tests/stories/test_erasure.py`.
"""

import os
import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unlearning.erasure.test_planted import (
    CONTAINERS,
    OTHER,
    PATTERNS,
    SPELLINGS,
    TEXT,
)
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.scan import scan_folder

LEFT_OUT = {
    "database in a gzip", "PEM in JSON",  # of texts alone
    "gzip far within",  # large
    "raw deflate", "raw deflate after a prefix",  # has no mark, and is found in a file alone
}  # fmt: skip
DEEP = {"attachment, zipped", "tar.gz with a gzip in it"}
"""Containers of which one in another is packed deeper than a scan reads."""
EVERYTHING = Matcher(PATTERNS)


def plainly(patterns, data):
    """Return those patterns (in lower case) that occur, each looked for alone."""
    data = data.lower()
    return {one for one in map(bytes.lower, patterns) if one in data}


def occurs(plain):
    """Say whether a pattern is in what lies unpacked, also over the breaks that MIME puts in."""
    return bool(plainly(PATTERNS, plain) or plainly(PATTERNS, re.sub(b"=?\n", b"", plain)))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_every_spelling_is_found_wherever_it_stands(data):
    spell = data.draw(st.sampled_from(sorted(SPELLINGS)))
    text = data.draw(st.sampled_from([TEXT, OTHER]))
    around = [data.draw(st.binary(max_size=30)) for _ in range(2)]
    lying = around[0] + SPELLINGS[spell](text) + around[1]
    expected = plainly(PATTERNS, lying)
    assert {one.lower() for one in EVERYTHING.occurring(lying)} == expected
    assert occurs(lying) is (text == TEXT)


@st.composite
def corpora(draw):
    """Files, each unpacked and packed, by their names: what stands in them is drawn."""
    kinds = sorted(CONTAINERS.keys() - LEFT_OUT)
    files = {}
    for number in range(draw(st.integers(1, 6))):
        text = draw(st.sampled_from([TEXT, OTHER, "Rosenweg 3", "person.7@example.org"]))
        spelled = SPELLINGS[draw(st.sampled_from(sorted(SPELLINGS)))](text)
        noise = random.Random(draw(st.integers(0, 99)))
        before = b"".join(b"%d,Rosenweg %d\n" % (n, noise.randrange(99)) for n in range(40))
        plain = before + b"<x> " + spelled + b" ;\n" + before[: noise.randrange(200)]
        packed = plain
        chosen = draw(st.lists(st.sampled_from(kinds), max_size=2))
        for kind in chosen[: 1 if DEEP.issuperset(chosen) else 2]:
            packed = CONTAINERS[kind](packed)
        files[f"file-{number}"] = (plain, packed)
    return files


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(corpora())
def test_a_scan_finds_in_a_drawn_corpus_what_a_plain_search_of_the_unpacked_one_does(
    tmp_path_factory, files
):
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "tmp").mkdir()
    for name, (_, packed) in files.items():
        (folder / name).write_bytes(packed)
    scan = scan_folder(folder, PATTERNS)
    expected = {name for name, (plain, _) in files.items() if occurs(plain)}
    assert (set(scan.found), scan.unread) == (expected, ())


def test_a_file_is_read_again_however_clean_it_was(tmp_path):
    """Of the same size, at the same place and written, as it says, at the same time."""
    file = tmp_path / "notes.txt"
    file.write_bytes(OTHER.encode().ljust(64))
    first = scan_folder(tmp_path, PATTERNS)
    before = file.stat()
    with file.open("r+b") as stream:
        stream.write(TEXT.encode().ljust(64)[:64])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_ino, after.st_mtime_ns) == (
        before.st_size, before.st_ino, before.st_mtime_ns,
    )  # fmt: skip
    again = scan_folder(tmp_path, PATTERNS)
    assert (first.found, again.found) == ((), ("notes.txt",))
    assert (first.files, first.bytes) == (again.files, again.bytes)
