"""The digests of the files that a deletion takes away, by which a copy of one is found later.

Before anything is erased, the SHA-256 of every file of the models that end is written into the
request's folder (`ended.json`), but for files that a live model has too. What has one of these
digests anywhere in the workspace, under whatever name, is a residue: a copy that was made, or what
a backup brought back. The list stays, for later scans and for `unweave audit`.

It says nothing of a person: rows stand in these files beside row keys, which nobody can compute
without the workspace's secret.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from lineage_store.canonical import canonical_json, digest_file, read_json, write_atomic
from lineage_store.index.models import ModelRecord
from lineage_store.workspace import Workspace
from unlearning.families.known_families import shipped_files

SMALLEST = 64
"""Bytes. A shorter file (an empty split, a marker) is alike everywhere."""


def record_ended(
    workspace: Workspace,
    request_id: str,
    *,
    ended: Iterable[ModelRecord],
    live: Iterable[ModelRecord],
) -> None:
    """Write the digests of the files of ended models, unless it was done before.

    `live` are the models that stay, the new ones among them.
    """
    file = workspace.request(request_id).ended
    if file.exists():
        return  # by a run that was killed; some of the files are gone by now
    gone = set(_digests(workspace, ended))
    stays = set(_digests(workspace, live)) if gone else set()
    stays |= set(map(digest_file, (workspace.root / "modules").glob("*")))
    stays |= set(map(digest_file, shipped_files()))  # which every model of their family has
    value = {"sha256": sorted(gone - stays)}
    write_atomic(file, canonical_json(value) + b"\n")


def ended_digests(workspace: Workspace, request_id: str | None = None) -> frozenset[str]:
    """Return the digests that a request has written, or (None) all requests."""
    folders = workspace.requests() if request_id is None else [workspace.request(request_id)]
    files = [folder.ended for folder in folders if folder.ended.exists()]
    return frozenset(one for file in files for one in read_json(file)["sha256"])


def _digests(workspace: Workspace, records: Iterable[ModelRecord]) -> Iterator[str]:
    for record in records:
        for folder in record.paths.values():
            for path in _files(workspace.absolute(folder)):
                yield digest_file(path)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size >= SMALLEST:
            yield path
