"""Copies of what was erased are found, though they hold no key, no id and no value."""

import csv
import io
import lzma
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
import zstandard
from safetensors.numpy import load, save

from lineage_store.canonical import digest
from lineage_store.cells import is_of_nonces
from lineage_store.errors import ResidueFound
from pipelines.backends.direct import DirectBackend
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.scan import scan_folder
from unlearning.erasure.search import Search
from unweave import Project

DRAW = np.random.default_rng(3)
STATE = {
    "weights/a": DRAW.normal(size=(9, 7)).astype("<f4"),
    "weights/b": DRAW.normal(size=40).astype("<f4"),
    "slots/zero": np.zeros(500, "<f4"),
}
CHECKPOINT = save(STATE)
LENGTHS = [100, len(CHECKPOINT), 5000]


def tarred(data, mode="w"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        info = tarfile.TarInfo("shards/000/stage-00.safetensors")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", data)
    return stream.getvalue()


def npz(state):
    stream = io.BytesIO()
    np.savez(stream, **{name.replace("/", "-"): array for name, array in state.items()})
    return stream.getvalue()


COPIES = {
    "a copy": lambda: CHECKPOINT,
    "with a byte appended": lambda: CHECKPOINT + b"x",
    "with much appended": lambda: CHECKPOINT + b"x" * 9000,
    "with another tensor": lambda: save({**STATE, "new": np.arange(99)}),
    "one of its tensors": lambda: save({"other": STATE["weights/b"]}),
    "in a tar": lambda: tarred(CHECKPOINT),
    "in a tar.gz": lambda: tarred(CHECKPOINT, "w:gz"),
    "in a tar, with a byte appended": lambda: tarred(CHECKPOINT + b"x"),
    "in a zip": lambda: zipped(CHECKPOINT),
    "in an xz": lambda: lzma.compress(CHECKPOINT),
    "in a zstandard after a prefix": lambda: b"abc" + zstandard.compress(CHECKPOINT),
    "as an NPZ": lambda: npz(STATE),
}


def digests_of(folder, data):
    (folder / "erased").write_bytes(data)
    digests = set()
    Search(Matcher(()), digests.add).read(folder / "erased")
    (folder / "erased").unlink()
    return digests


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("patterns", [(), (b"something else",)])
def test_a_copy_of_erased_content_is_found(tmp_path, kind, patterns):
    digests = digests_of(tmp_path, CHECKPOINT)
    (tmp_path / "copy").write_bytes(COPIES[kind]())
    draw = np.random.default_rng(4)
    other = {name: draw.normal(size=one.shape).astype("<f4") for name, one in STATE.items()}
    (tmp_path / "other").write_bytes(save({**other, "slots/zero": STATE["slots/zero"]}))
    scan = scan_folder(tmp_path, patterns, digests=digests, lengths=LENGTHS)
    assert (scan.found, scan.unread) == (("copy",), ())


def test_what_is_longer_than_an_erased_file_is_found_across_pieces(tmp_path):
    data = DRAW.bytes(9 << 20)
    (tmp_path / "copy").write_bytes(b"\x93NUMPY" + data + b"x")
    lengths = [6 + len(data)]
    digests = {digest(b"\x93NUMPY" + data)}
    assert scan_folder(tmp_path, [], digests=digests, lengths=lengths).found == ("copy",)
    assert scan_folder(tmp_path, [], digests=digests).found == ()


def test_arrays_of_zeros_are_known_by_no_digest(tmp_path):
    assert digest(STATE["slots/zero"].tobytes()) not in digests_of(tmp_path, CHECKPOINT)


FORGOTTEN = "margarete.steinbrecher@example.org"


def test_a_tar_of_an_old_checkpoint_is_told_before_anything_is_erased(tmp_path):
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "age", "label"])
        for n in range(80):
            out.writerow([n, FORGOTTEN if n % 8 == 7 else f"p{n}", n % 50, "ab"[n % 50 > 25]])
    root = tmp_path / "workspace"
    project = Project(root, backend=DirectBackend())
    given = {"label": "label", "subject": "person", "row_id": "row", "place_by": "row"}
    project.train(path, **given, shards=1, slices=1, epochs=1)
    old = root / "tfx/train-m1/ledger/shards/000/stage-00.safetensors"
    kept = old.read_bytes()
    (root / "notes").mkdir()
    (root / "notes" / "a.tar").write_bytes(tarred(kept))
    (root / "notes" / "b").write_bytes(save({"x": load(kept)[max(load(kept))]}) + b"x")
    with pytest.raises(ResidueFound, match=r"Nothing was erased yet: .*notes/a\.tar"):
        project.forget([FORGOTTEN], guarantee="exact")
    assert old.read_bytes() == kept
    for file in (root / "notes").iterdir():
        file.unlink()
    assert project.forget([FORGOTTEN], guarantee="exact")["request_id"] == "r1"


# Of two cells; the second begins, but for its first byte, like a deflated stream of 238 bytes.
NONCES = bytes.fromhex(
    "c5bdc0c5877a770addeb71126476b827497acb7965d5e183c9f8821dec572887"
    "e04b3e35f367b169776e5e56816165f6e94d990dc30f31185e9e271a1c08e4a7"
)


def test_of_nonces_that_look_like_a_packed_stream_the_file_alone_is_known(tmp_path):
    """A cell that a later model takes over has its nonce there, too: it is no residue."""
    assert len(zlib.decompressobj(-15).decompress(NONCES[33:])) == 238
    ended, live = tmp_path / "ended", tmp_path / "live"
    for folder, nonces in ((ended, NONCES), (live, bytes(32) + NONCES[32:])):
        folder.mkdir()
        (folder / "cells.json").write_text("[1,2]")
        (folder / "nonces").write_bytes(nonces)
    gone = []
    Search(Matcher(()), gone.append, drawn=is_of_nonces(ended / "nonces")).read(ended / "nonces")
    assert gone == [digest(NONCES)]
    without = []
    Search(Matcher(()), without.append).read(ended / "nonces")
    assert len(without) == 2, "it does look like one"
    assert not scan_folder(live, [], digests=frozenset(without[1:])).found
    (live / "another").write_bytes(NONCES)
    assert scan_folder(live, [], digests=frozenset(without[1:])).found == ("another",)
