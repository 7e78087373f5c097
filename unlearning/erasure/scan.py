"""The residual scan: search every file of a workspace for what must be gone.

Patterns are row keys and pseudonyms (128 bits, raw and in hexadecimal), and the ids and values of
the rows that are distinctive (`tokens`) in all their spellings, unless rows that stay have them
too. They are searched in all bytes of all files, and in what the known formats hold
(`file_formats`). A file with the digest of one that an ended model had is found by it
(`erased_digests`). A file that cannot be read or is not understood is told: nobody can say that it
holds nothing.

It runs in a process of its own (`python -m unlearning.erasure.scan`), since MLMD's file must not be
opened by a process that holds it open already; the patterns come on standard input, in
hexadecimal, never as arguments.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from lineage_store.cells import is_of_nonces
from lineage_store.errors import CheckFailed
from lineage_store.keys import erased
from lineage_store.progress import counter
from lineage_store.without_numbers import roughly
from unlearning.erasure.contents import PIECE, NotUnderstood
from unlearning.erasure.entries import Entry, entries, files
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.search import Residue, Search
from unlearning.erasure.spellings import spellings
from unlearning.erasure.tokens import is_distinctive

Heard: TypeAlias = Callable[[str], None]

SAID_EVERY = 1 << 26
OWN_FOLDERS = frozenset(("data", "keys", "modules", "named", "serving", "tfx"))
FEWEST_PATTERNS = 1 << 16  # more than the texts of some hundred rows have, however spelled
OWN_FILES = ("unweave.sqlite", "metadata.sqlite", "pseudonyms.sqlite")  # and their logs


@dataclass(frozen=True)
class Scan:
    """What a scan read and found: `found` names files relative to the root, `unread` likewise.

    `not_distinctive` are ids that were not searched for, and `left_out` ids that were not searched
    for in unweave's own files. What is found elsewhere than in the bytes of a
    file says so in brackets; why something could not be read stands there, too. `stays` are those
    digests that what stays has as well: they prove nothing, and are kept nowhere.
    """

    files: int
    bytes: int
    patterns: int
    found: tuple[str, ...]
    unread: tuple[str, ...]
    not_distinctive: int = 0
    left_out: int = 0
    stays: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was found and everything was read."""
        return not self.found and not self.unread

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, without digests."""
        values = {name: value for name, value in self.__dict__.items() if name != "stays"}
        return {**values, "found": list(self.found), "unread": list(self.unread)}

    @property
    def past(self) -> "Scan":
        """What outlives the deletion: of bytes and patterns their order (`roughly`).

        Among the bytes are the run's own files, which hold what was searched for; and what is
        searched for are those values of the rows that nobody else has.
        """
        patterns = roughly(self.patterns, least=FEWEST_PATTERNS)
        return replace(self, bytes=roughly(self.bytes), patterns=patterns)


@dataclass(frozen=True)
class Places:
    """What a scan skips, and what stays when all is erased, by paths relative to its folder."""

    skip: Sequence[str] = ()
    stay: Sequence[str] = ()


EVERYWHERE = Places()


def distinctive(texts: Iterable[str], *, staying: Sequence[Path]) -> list[str]:
    """Return those texts that are distinctive and occur in none of the staying folders."""
    candidates = [text for text in texts if is_distinctive(text)]
    by_pattern: dict[bytes, set[str]] = {}
    for text in candidates:
        for pattern in spellings(text):
            by_pattern.setdefault(pattern, set()).add(text)
    shared: set[str] = set()
    for pattern in occurring(by_pattern, staying):
        shared |= by_pattern[pattern]
    return [text for text in candidates if text not in shared]


def occurring(patterns: Collection[bytes], folders: Sequence[Path]) -> set[bytes]:
    """Return those of the patterns that occur in the bytes of any file below the folders.

    What was found is not searched for any longer: what many rows have is found in the first file.
    """
    left, found = set(patterns), set[bytes]()
    matcher, anew = Matcher(left), 1
    paths = (path for folder in folders for path in files(folder))
    for number, path in enumerate(paths, 1):
        if not left:
            break
        found |= occurring_in(path, matcher)
        if number == anew:  # seldom: to make ready what searches costs as much as a file
            anew *= 2
            if not found.isdisjoint(left):
                left -= found
                matcher = Matcher(left)
    return found


def occurring_in(path: Path, matcher: Matcher) -> set[bytes]:
    """Return those patterns of a matcher that occur in the bytes of a file."""
    found: set[bytes] = set()
    tail = b""
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            found.update(matcher.occurring(tail + piece))
            tail = (tail + piece)[-matcher.longest :]
    return found


def scan_folder(
    root: Path,
    patterns: Sequence[bytes],
    *,
    elsewhere: Sequence[bytes] = (),
    digests: Collection[str] = (),
    digest_key: bytes | None = None,
    lengths: Sequence[int] = (),
    places: Places = EVERYWHERE,
    progress: Callable[[int, int], None] | None = None,
) -> Scan:
    """Scan all that lies below a folder but what `places` tells to skip.

    `digests` are those of erased content, as `secret.erased` gives them under a `digest_key`.
    `elsewhere` are patterns that are searched for in all but what unweave itself wrote, and
    `lengths` (ascending) those of files that were erased. What `places` say stays is read first:
    digests that it has are no sign of anything erased (`stays`). `progress` is told of bytes read,
    and of all there are. Raises ValueError for a pattern shorter than 5 bytes.
    """
    everywhere = Matcher(patterns)
    all_of_them = Matcher([*patterns, *elsewhere]) if elsewhere else everywhere
    scratch = root / "tmp" if (root / "tmp").is_dir() else None
    kept = _Erased(digests, digest_key)
    tell = None
    if progress is not None:
        whole = sum(entry.size or 0 for entry in entries(root, skip=places.skip))
        tell = lambda amount: progress(amount, whole)  # noqa: E731
    found: dict[str, None] = {}
    unread: dict[str, None] = {}
    read = total = 0
    for entry, stays in _staying_first(entries(root, skip=places.skip), places.stay):
        matcher = everywhere if is_own(entry.name) else all_of_them
        name = _name_for_people(root, entry, matcher)
        found.update((f"{name} ({where})", None) for where in _said_by(entry, matcher))
        if entry.trouble is not None:
            unread[f"{name} ({entry.trouble})"] = None
        if entry.size is None:
            continue
        read += 1
        total += entry.size
        try:
            seen, began = kept.listeners(name, stays) if digests else (None, None)
            drawn = is_of_nonces(entry.path)
            Search(matcher, seen, lengths, scratch, tell, began, drawn).read(entry.path)
        except Residue:
            found[name] = None
        except NotUnderstood as error:
            unread[f"{name} (not understood: {error})"] = None
        except Exception:  # whatever a reader raises for a file that it cannot read
            unread[f"{name} (not understood)"] = None
    found.update(dict.fromkeys(kept.begin_with_erased()))
    return Scan(
        read,
        total,
        len(patterns) + len(elsewhere),
        tuple(found),
        tuple(unread),
        stays=tuple(sorted(kept.stays)),
    )


class _Erased:
    """The digests of what was erased, and those of them that what stays has, too."""

    def __init__(self, digests: Collection[str], key: bytes | None) -> None:
        self._digests, self._key = digests, key
        self.stays: set[str] = set()
        self._beginnings: list[tuple[str, str]] = []

    def listeners(self, name: str, stays: bool) -> tuple[Heard, Heard | None]:
        """Return who is told the digests in a file, and who those of its beginnings, if another."""
        if not stays:
            return self._must_not_be, None
        return self._note, lambda digest: self._note_beginning(name, digest)

    def begin_with_erased(self) -> Iterator[str]:
        """Yield the names of files that stay and begin with something erased."""
        return (name for name, keyed in self._beginnings if keyed not in self.stays)

    def _keyed(self, digest: str) -> str:
        return digest if self._key is None else erased(self._key, digest)

    def _note(self, digest: str) -> None:
        keyed = self._keyed(digest)
        if keyed in self._digests:
            self.stays.add(keyed)

    def _note_beginning(self, name: str, digest: str) -> None:
        keyed = self._keyed(digest)
        if keyed in self._digests:
            self._beginnings.append((name, keyed))

    def _must_not_be(self, digest: str) -> None:
        keyed = self._keyed(digest)
        if keyed in self._digests and keyed not in self.stays:
            raise Residue


def _staying_first(found: Iterable[Entry], staying: Sequence[str]) -> Iterator[tuple[Entry, bool]]:
    """Yield the entries below folders that stay, then all others, and say which they are."""
    tops = tuple(f"{one}/" for one in staying)
    others = []
    for entry in found:
        if tops and f"{entry.name}/".startswith(tops):
            yield entry, True
        else:
            others.append(entry)
    for entry in others:
        yield entry, False


def is_own(name: str) -> bool:
    """Say whether unweave itself writes what has this name in a workspace."""
    top = name.partition("/")[0]
    return top in OWN_FOLDERS or top.startswith(OWN_FILES)


def _said_by(entry: Entry, matcher: Matcher) -> Iterator[str]:
    """Yield by what, besides the bytes of a file, an entry gives something away."""
    if matcher.matches(os.fsencode(entry.name)):
        yield "its name"
    if entry.target is not None and matcher.matches(entry.target):
        yield "where the link points to"
    if any(map(matcher.matches, entry.attributes)):
        yield "its extended attributes"


def _name_for_people(root: Path, entry: Entry, matcher: Matcher) -> str:
    """Name an entry without saying what was searched for: what holds it is told by its inode."""
    if not matcher.matches(os.fsencode(entry.name)):
        return entry.name
    parts = entry.name.split("/")
    clean = []
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if matcher.matches(os.fsencode(part)) or last:
            number = os.lstat(root.joinpath(*parts[: place + 1])).st_ino
            part = f"(inode {number})"
        clean.append(part)
    return "/".join(clean)


def scan_apart(
    root: Path,
    patterns: Sequence[bytes],
    *,
    elsewhere: Sequence[bytes] = (),
    digests: Collection[str] = (),
    digest_key: bytes | None = None,
    lengths: Sequence[int] = (),
    places: Places = EVERYWHERE,
) -> Scan:
    """Run `scan_folder` in a process of its own.

    Raises CheckFailed if that process fails: what was not scanned is not known to be gone.
    """
    question = {
        "root": str(root),
        "patterns": [pattern.hex() for pattern in patterns],
        "elsewhere": [pattern.hex() for pattern in elsewhere],
        "digests": sorted(digests),
        "digest_key": None if digest_key is None else digest_key.hex(),
        "lengths": list(lengths),
        "skip": list(places.skip),
        "stay": list(places.stay),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "unlearning.erasure.scan"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        answer = _answer_of(process, json.dumps(question))
    if process.returncode or answer is None:
        raise CheckFailed("The scan for residues did not run to its end: the deletion is not done.")
    lists = {name: tuple(answer[name]) for name in ("found", "unread", "stays")}
    return Scan(**{**answer, **lists})


def _answer_of(process: "subprocess.Popen[str]", question: str) -> dict[str, Any] | None:
    """Put the question, tell how far it has come, and return the answer."""
    assert process.stdin is not None and process.stdout is not None
    with suppress(BrokenPipeError):  # it has ended; its exit status says so
        process.stdin.write(question)
        process.stdin.close()
    add = None
    for line in process.stdout:
        message: dict[str, Any] = json.loads(line)
        if "read" not in message:
            return message
        add = add or counter("scanning", message["of"])
        add(message["read"])
    return None


def _progress() -> Callable[[int, int], None]:
    """Return what writes how far the scan has come, a line for each 64 MiB."""
    unsaid = 0

    def progress(amount: int, whole: int) -> None:
        nonlocal unsaid
        unsaid += amount
        if unsaid >= SAID_EVERY:
            print(json.dumps({"read": unsaid, "of": whole}), flush=True)
            unsaid = 0

    return progress


def main() -> None:
    """Read a question from standard input and print the answer, both as JSON."""
    question = json.load(sys.stdin)
    scan = scan_folder(
        Path(question["root"]),
        [bytes.fromhex(pattern) for pattern in question["patterns"]],
        elsewhere=[bytes.fromhex(pattern) for pattern in question["elsewhere"]],
        digests=frozenset(question["digests"]),
        digest_key=bytes.fromhex(question["digest_key"]) if question["digest_key"] else None,
        lengths=question["lengths"],
        places=Places(question["skip"], question["stay"]),
        progress=_progress(),
    )
    print(json.dumps({**scan.to_json(), "stays": scan.stays}))


if __name__ == "__main__":
    main()
