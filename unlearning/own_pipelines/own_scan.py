"""The folders in which nothing of the forget set may be left: whatever a pipeline writes to."""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_store.counted import counted
from lineage_store.errors import ResidueFound
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.scan import Places, Scan, occurring_in, scan_apart
from unlearning.erasure.spellings import spellings
from unlearning.erasure.tokens import is_distinctive
from unlearning.planning import OpenRequest

TOLD = 5


@dataclass(frozen=True)
class OwnFolders:
    """Folders that are searched, and paths below them that are not; `files` alone likewise."""

    folders: tuple[Path, ...]
    skip: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()

    def without(self, *more: Path) -> "OwnFolders":
        """Return the same but for some paths."""
        return OwnFolders(self.folders, (*self.skip, *more), self.files)

    def roots(self) -> list[tuple[Path, list[str]]]:
        """Return each folder that is searched, no part twice, and what of it is skipped."""
        tops = sorted({one.resolve() for one in self.folders if one.exists()})
        roots = [one for one in tops if not any(one != o and one.is_relative_to(o) for o in tops)]
        found = [(one, _below(one, self.skip)) for one in roots]
        for file in self.files:
            whole = file.resolve()
            if whole.exists() and not any(whole.is_relative_to(one) for one in roots):
                beside = {whole.name, f"{whole.name}-wal", f"{whole.name}-journal"}
                others = [one for one in os.listdir(whole.parent) if one not in beside]
                found.append((whole.parent, others))
        return found


def values_elsewhere(folders: OwnFolders, opened: OpenRequest) -> frozenset[str]:
    """Return the values of a request's rows that files have which stay, whatever for.

    A value may be a word that others write as well: `Unknown` stands in what TensorFlow makes of
    any rows. Ids and keys are never among them.
    """
    written = {one: spellings(one) for one in opened.tokens if is_distinctive(one)}
    if not written:
        return frozenset()
    matcher, seen = Matcher(set().union(*written.values())), set[bytes]()
    for root, skip in folders.roots():
        skipped = [root / one for one in skip]
        for file in root.rglob("*"):
            if file.is_file() and not any(file.is_relative_to(one) for one in skipped):
                seen |= occurring_in(file, matcher)
    return frozenset(one for one, patterns in written.items() if not seen.isdisjoint(patterns))


def scan_own(
    folders: OwnFolders,
    opened: OpenRequest,
    *,
    when: str,
    left_out: Collection[str] = (),
) -> Scan:
    """Search for the ids, keys and distinctive values of a request; raises ResidueFound.

    The values that are `left_out` are not searched for. The search runs in a process
    of its own, since a file of ML Metadata may be among what is read.
    """
    texts = [*opened.names, *opened.tokens]
    searched = [one for one in texts if is_distinctive(one) and one not in left_out]
    patterns = [*opened.keyed_patterns(), *_spelled(searched)]
    scans = [scan_apart(root, patterns, places=Places(skip)) for root, skip in folders.roots()]
    total = Scan(
        files=sum(one.files for one in scans),
        bytes=sum(one.bytes for one in scans),
        patterns=len(patterns),
        found=tuple(name for one in scans for name in one.found),
        unread=tuple(name for one in scans for name in one.unread),
        # Of ids alone: how many values others have as well would answer guesses (law 9).
        not_distinctive=sum(not is_distinctive(one) for one in opened.names),
    )
    if not total.clean:
        left = [*total.found, *total.unread]
        raise ResidueFound(
            f"{when} {counted(len(left), 'file still holds', 'files still hold')} something of the "
            f"deleted rows, or {'is' if len(left) == 1 else 'are'} not understood: "
            f"{', '.join(left[:TOLD])}. Move them out of the folders of the pipeline "
            f"or remove them, and run the same forget again; where they stand for another reason, "
            f"as a word that others write, accept with `accept_left_out` that such values are not "
            f"searched for."
        )
    return total


def _spelled(texts: Iterable[str]) -> list[bytes]:
    return sorted({pattern for text in texts for pattern in spellings(text)})


def _below(root: Path, paths: Sequence[Path]) -> list[str]:
    whole = (path.resolve() for path in paths)
    return [str(path.relative_to(root)) for path in whole if path.is_relative_to(root)]
