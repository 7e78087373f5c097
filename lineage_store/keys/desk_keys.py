"""The two keys that the desk holds, in files of their own, so that it need not open the secret.

    desk-lookup     finds a person by an id: keys of look-up and pseudonyms, the secret's name
    desk-requests   opens what the request queue seals: ids, names, reasons, names of staff

Both are derived from the secret (`secret.derive`), and every command that writes makes them where
they are missing. Who has them can read who asks and find whether somebody has rows. They cannot
place a row, write to the manifest or sign, and nothing of the secret follows from them.
"""

import stat
from contextlib import suppress
from pathlib import Path

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput
from lineage_store.keys.secret import Keys

LOOKUP, REQUESTS = "desk-lookup", "desk-requests"
KEY_BYTES, NAME_BYTES = 32, 8


class DeskKeys(Keys):
    """The keys of a workspace that the desk has; to ask for another is refused."""

    def __init__(self, *, lookup: bytes, pseudonyms: bytes, requests: bytes, key_id: str) -> None:
        held = {"lookup": lookup, "pseudonyms": pseudonyms, "requests": requests, "key_id": key_id}
        for name, value in held.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> bytes:
        """Refuse a key that the desk has not: only what is not there is asked for here."""
        if name not in ("row", "placement", "manifest"):
            raise AttributeError(name)
        raise BadInput(
            "The desk does not hold the key that this takes: ask at the command line, as the owner "
            "of the workspace."
        )


def keep_desk_keys(folder: Path, keys: Keys) -> None:
    """Write the desk's keys into the folder of keys, where they are missing or others'."""
    lookup = keys.lookup + keys.pseudonyms + bytes.fromhex(keys.key_id)
    for name, data in ((LOOKUP, lookup), (REQUESTS, keys.requests)):
        there = None
        with suppress(FileNotFoundError):
            there = (folder / name).read_bytes()
        if there != data:
            write_atomic(folder / name, data)


def read_desk_keys(folder: Path) -> DeskKeys:
    """Read the desk's keys; raises BadInput if one is missing, damaged or readable by others."""
    lookup = _read(folder / LOOKUP, 2 * KEY_BYTES + NAME_BYTES)
    return DeskKeys(
        lookup=lookup[:KEY_BYTES],
        pseudonyms=lookup[KEY_BYTES : 2 * KEY_BYTES],
        requests=_read(folder / REQUESTS, KEY_BYTES),
        key_id=lookup[2 * KEY_BYTES :].hex(),
    )


def _read(file: Path, size: int) -> bytes:
    try:
        mode, data = stat.S_IMODE(file.stat().st_mode), file.read_bytes()
    except OSError as error:
        raise BadInput(
            f"The desk's key {file} cannot be read ({error.strerror}): every command that writes "
            f"makes it, `unweave user add` for one."
        ) from error
    if mode & 0o077:
        raise BadInput(
            f"The desk's key {file} can be read by others (mode {mode:03o}): run chmod 600 on it."
        )
    if len(data) != size:
        raise BadInput(f"The desk's key {file} is damaged: remove it, and it is made again.")
    return data
