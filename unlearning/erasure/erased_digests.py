"""The digests of what a deletion takes away, by which a copy of it is found later.

Before anything is erased, the SHA-256 of every file of the models that end, of every member of an
archive among them, and of every tensor, goes into the request's folder (`ended.json`), but for what
a live model has too. A file that it took over is the same inode, and is not read; what else it has
the first scan tells, which reads all of it anyway (`keep_no_longer`).

So an old checkpoint is found also within something else, or with a byte appended. What has one of
these digests anywhere in the workspace, under whatever name, is a residue: a copy that was made, or
what a backup brought back. The list stays, for later scans and for the audit. A later model's graph
may have the very bytes of an erased one, weights being no part of it: these are its own
(`digests_served`), until it ends.

A digest of a file of rows would give a row back: whoever has the other rows tries guesses. So only
HMAC(manifest key, digest) is kept, and who has not that key, which may lie on another machine, can
try none (law 9). How many there are would tell whether a tensor was the row's alone: the list is
filled up with others that nothing has, to a power of two. Lists of an earlier unweave, which kept
digests, become so with the next deletion.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lineage_store.canonical import (
    canonical_json,
    digest_file,
    digest_json,
    read_json,
    reading_own,
    write_atomic,
)
from lineage_store.cells import is_of_nonces
from lineage_store.index.models import ModelRecord
from lineage_store.keys import Keys
from lineage_store.workspace import RequestFolder, Workspace
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.search import SMALLEST, Search
from unlearning.families.known_families import shipped_files

KEPT, OLDER = "hmac", "sha256"
SERVED = ("model", "pushed")
FEWEST = 64


def record_ended(
    workspace: Workspace,
    request_id: str,
    *,
    ended: Iterable[ModelRecord],
    live: Iterable[ModelRecord],
) -> None:
    """Write the digests of the files of ended models, unless it was done before.

    `live` are the models that stay, the new ones among them. What these took over is left out; what
    else they have is for `keep_no_longer`.
    """
    keys = workspace.keys()
    _key_older(workspace, keys)
    if workspace.request(request_id).ended.exists():
        return  # by a run that was killed; some of the files are gone by now
    gone = _digests(workspace, ended, without=_inodes(workspace, live))
    stays = set(map(digest_file, (workspace.root / "modules").glob("*")))
    stays |= set(map(digest_file, shipped_files()))  # which every model of their family has
    _keep(workspace.request(request_id), map(keys.of_erased, gone - stays), keys)


def keep_no_longer(workspace: Workspace, request_id: str, stays: Collection[str]) -> None:
    """Take out of what is kept for a request what a scan has found in models that stay."""
    if stays:
        left = ended_digests(workspace, request_id) - frozenset(stays)
        _keep(workspace.request(request_id), left, workspace.keys())


def ended_digests(workspace: Workspace, request_id: str | None = None) -> frozenset[str]:
    """Return what is kept of the digests of a request, or (None) of all: `Keys.of_erased`."""
    folders = workspace.requests() if request_id is None else [workspace.request(request_id)]
    keys, found = workspace.keys(), set[str]()
    for folder in folders:
        lists = _lists_of(folder)
        kept = lists.get(KEPT, ())
        found |= {*kept} - {*_filling(folder.id, len(kept), keys)}
        found |= {*map(keys.of_erased, lists.get(OLDER, ()))}
    return frozenset(found)


def digests_served(workspace: Workspace, live: Iterable[ModelRecord]) -> frozenset[str]:
    """Return the digests of live models as they are served, as `ended_digests` has its own."""
    found = set[str]()
    for record in live:
        paths = {name: record.paths[name] for name in SERVED if name in record.paths}
        found |= _digests(workspace, [replace(record, paths=paths)])
    return frozenset(map(workspace.keys().of_erased, found))


def _lists_of(folder: RequestFolder) -> Mapping[str, Sequence[str]]:
    """Read what is kept of a request's digests; raises Damaged where it is no such list."""
    if not folder.ended.exists():
        return {}
    with reading_own(folder.ended):
        document = read_json(folder.ended)
        return {name: [bytes.fromhex(one).hex() for one in document[name]]
                for name in (KEPT, OLDER) if name in document}  # fmt: skip


def _keep(folder: RequestFolder, digests: Iterable[str], keys: Keys) -> None:
    """Write digests as they are kept, and among them those that hide how many they are."""
    kept = set(digests)
    size = max(FEWEST, 1 << len(kept).bit_length())
    filling = _filling(folder.id, size - len(kept), keys)
    write_atomic(folder.ended, canonical_json({KEPT: sorted([*kept, *filling])}) + b"\n")


def _filling(request: str, number: int, keys: Keys) -> list[str]:
    """Return so many that look like digests of something erased, for a request always the same."""
    return [keys.of_erased(digest_json([request, place])) for place in range(number)]


def _key_older(workspace: Workspace, keys: Keys) -> None:
    for folder in workspace.requests():
        lists = _lists_of(folder)
        if OLDER in lists:
            _keep(folder, map(keys.of_erased, lists[OLDER]), keys)


def lengths_of(
    workspace: Workspace, records: Iterable[ModelRecord], *, live: Iterable[ModelRecord] = ()
) -> tuple[int, ...]:
    """Return how long the files of models are, each length once, in ascending order.

    By them a copy is found that something was appended to. They say something of the rows, so they
    are kept sealed, and no longer than the run. What `live` models took over is left out: each
    length has to be tried on each file, and most files stay.
    """
    kept = _inodes(workspace, live)
    files = (path for path in _all_files(workspace, records) if _inode(path) not in kept)
    return tuple(sorted({path.stat().st_size for path in files}))


def _digests(
    workspace: Workspace,
    records: Iterable[ModelRecord],
    *,
    without: Collection[tuple[int, int]] = (),
) -> set[str]:
    """Return the digests of all files of models, and of the members and tensors in them.

    Files with one of the inodes `without` are not read.
    """
    found: set[str] = set()
    scratch = workspace.temporary if workspace.temporary.is_dir() else None
    for path in _all_files(workspace, records):
        if without and _inode(path) in without:
            continue
        found.add(digest_file(path))
        with suppress(Exception):  # of what cannot be read, the file's own is enough
            drawn = is_of_nonces(path)
            Search(Matcher(()), found.add, scratch=scratch, drawn=drawn).read(path)
    return found


def _inodes(workspace: Workspace, records: Iterable[ModelRecord]) -> set[tuple[int, int]]:
    return set(map(_inode, _all_files(workspace, records)))


def _inode(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_dev, about.st_ino


def _all_files(workspace: Workspace, records: Iterable[ModelRecord]) -> Iterator[Path]:
    for record in records:
        for folder in record.paths.values():
            yield from _files(workspace.absolute(folder))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size >= SMALLEST:
            yield path
