"""Receipts: the nonces that open a person's commitments, sealed until they are handed out, once.

Who has a receipt can test a guess of the id and the rows that it is about (law 9), so it is the
person's and lies nowhere for long. `keys/receipts/<name>.json` holds it sealed, and until when.
Once it was handed out, or the day has passed, the sealed bytes are overwritten, and what stays in
the file is when that was.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lineage_store.canonical import (
    Json,
    canonical_json,
    read_json,
    reading_own,
    sync_folder,
    write_atomic,
)
from lineage_store.errors import NothingFound
from lineage_store.keys.sealed import seal, unseal
from lineage_store.keys.secret import Keys, keyed

DAYS = 90
SEALED = "sealed"
SPENT = ".spent"


@dataclass(frozen=True)
class ReceiptState:
    """What became of a receipt: it is to be had `until` a day, or was `handed_out` at a time.

    Neither, where nobody asked for it in time, or there never was one.
    """

    until: str | None = None
    handed_out: str | None = None


@dataclass(frozen=True)
class Receipts:
    """The receipts of a workspace: their folder, and the key that they are sealed under."""

    folder: Path
    key: bytes

    @classmethod
    def of(cls, folder: Path, keys: Keys) -> "Receipts":
        """Return the receipts in a folder; their key is derived from that of sealed requests."""
        return cls(folder, keyed(keys.requests, "receipts", b""))

    def file(self, name: str) -> Path:
        """Return where a receipt lies; it need not be there."""
        return self.folder / f"{name}.json"

    def keep(
        self,
        name: str,
        receipt: Json,
        *,
        today: str,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Seal a receipt, for 90 days at most; safe to repeat."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(self.folder.parent)
        until = date.fromisoformat(today) + timedelta(days=DAYS)
        sealed = seal(
            receipt, key=self.key, belongs_to=f"receipt {name}", random_bytes=random_bytes
        )
        _write(self.file(name), {"until": until.isoformat(), SEALED: sealed.hex()})

    def read(self, name: str, *, today: str) -> Any:
        """Return a receipt that may still be handed out.

        Raises NothingFound if there is none, if it was handed out or its day has passed: with when.
        """
        if not self.file(name).exists():
            raise NothingFound(f"There is no receipt {name}: name a finished deletion.")
        found = _read(self.file(name))
        if "handed_out" in found:
            raise NothingFound(
                f"The receipt {name} was handed out on {found['handed_out']}: it is given once, "
                f"and nobody but who has it can open the commitments of its certificate."
            )
        if SEALED not in found or found["until"] < today:
            raise NothingFound(
                f"The receipt {name} was to be had until {found['until']}, for {DAYS} days, and "
                f"nobody asked for it: the commitments of its certificate stay closed."
            )
        with reading_own(self.file(name)):
            sealed = bytes.fromhex(found[SEALED])
        return unseal(sealed, key=self.key, belongs_to=f"receipt {name}")

    def kept(self, name: str, *, today: str) -> ReceiptState:
        """Say what became of a receipt."""
        if not self.file(name).exists():
            return ReceiptState()
        found = _read(self.file(name))
        there = SEALED in found and found["until"] >= today
        return ReceiptState(found["until"] if there else None, found.get("handed_out"))

    def was_handed_out(self, name: str, *, time: str) -> None:
        """Destroy what was sealed, and keep when it was handed out."""
        _destroy(self.file(name), {"handed_out": time})

    def sweep(self, *, today: str) -> None:
        """Destroy the receipts whose day has passed, and what a killed command left of others."""
        for spent in self.folder.glob(f"*{SPENT}"):
            _finish(spent)
        for file, found in self._all():
            if SEALED in found and found["until"] < today:
                _destroy(file, {"until": found["until"]})

    def _all(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for file in sorted(self.folder.glob("*.json")):
            yield file, _read(file)


def _read(file: Path) -> dict[str, Any]:
    """Read what a file says; raises Damaged where it is none of a receipt's."""
    with reading_own(file):
        found: dict[str, Any] = read_json(file)
        if SEALED in found or "handed_out" not in found:
            date.fromisoformat(found["until"])
    return found


def _write(file: Path, value: Json) -> None:
    write_atomic(file, canonical_json(value) + b"\n")


def _destroy(file: Path, left: Json) -> None:
    """Put what is left in a receipt's place; killed anywhere, `_finish` does the rest."""
    os.link(file, file.with_suffix(SPENT))
    _write(file, left)
    _finish(file.with_suffix(SPENT))


def _finish(spent: Path) -> None:
    """Overwrite what a receipt was, unless nothing has taken its place yet."""
    if not spent.samefile(spent.with_suffix(".json")):
        overwrite(spent)
    spent.unlink()


def overwrite(file: Path) -> None:
    """Write zeros over a file, and make sure that they are on the disk."""
    with file.open("r+b") as stream:
        stream.write(bytes(file.stat().st_size))
        stream.flush()
        os.fsync(stream.fileno())
