"""What a running deletion must remember and a finished one must not, sealed while it is on disk.

`requests/<id>/open.sealed` holds the ids, the row keys and the rows' distinctive values, sealed
(`lineage_store.keys.sealed`) under a key that is used for nothing else and lies in `keys/<id>.open`
(mode 600). A killed run finds both and goes on. The key is destroyed last of all: from then on
nothing can be read of what a disk or a backup may still keep of the sealed file.
"""

import os
from collections.abc import Callable, Container
from dataclasses import dataclass

from lineage_store.canonical import Json, sync_folder, write_atomic
from lineage_store.errors import BadInput
from lineage_store.keys import seal, unseal
from lineage_store.workspace import RequestFolder

KEY_BYTES = 32


@dataclass(frozen=True)
class OpenRequest:
    """What a running deletion must remember and a finished one must not: ids and row keys.

    `kind` says what the ids are of, "subject" or "row". `tokens` are the distinctive values of the
    rows, as text, and `numbers` those of their numbers, as stored, each at least 40 bits.
    `keys_of` are the row keys of each id, and `reason` is what was said of why. `left_out` are the
    ids that the scan may leave out of unweave's own files, as whoever asked has decided, and
    `lengths` those of the files that are erased. `spellings` are how the data spell ids that were
    given otherwise. `others` counts the people besides, whose some of the rows are as well.
    `nonce` (32 bytes) opens the certificate's commitments, and of several ids each one's.
    """

    kind: str
    ids: tuple[str, ...]
    pseudonyms: tuple[bytes, ...]
    row_keys: tuple[bytes, ...]
    nonce: bytes
    tokens: tuple[str, ...] = ()
    numbers: tuple[bytes, ...] = ()
    keys_of: tuple[tuple[bytes, ...], ...] = ()
    reason: str | None = None
    left_out: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    spellings: tuple[str, ...] = ()
    others: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All by which those who go are known: the ids as given, and as the data spell them."""
        return (*self.ids, *self.spellings)

    @property
    def subjects(self) -> tuple[bytes, ...] | None:
        """The pseudonyms of those whose rows are deleted; None if rows are, whosever they are."""
        return None if self.kind == "row" else self.pseudonyms

    def keyed_patterns(self, *, staying: Container[bytes] = ()) -> list[bytes]:
        """Return the keyed bytes that must be nowhere afterwards, raw and in hexadecimal.

        `staying` are the keys that rows of others have too: finding them proves nothing.
        """
        keyed = [*(key for key in self.row_keys if key not in staying), *self.pseudonyms]
        return [*keyed, *(value.hex().encode("ascii") for value in keyed)]


def save_open(
    folder: RequestFolder,
    request: OpenRequest,
    *,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> None:
    """Seal the open file under a new key; both are readable by their owner alone."""
    value: dict[str, Json] = {
        "kind": request.kind,
        "ids": list(request.ids),
        "pseudonyms": [value.hex() for value in request.pseudonyms],
        "row_keys": [value.hex() for value in request.row_keys],
        "nonce": request.nonce.hex(),
        "tokens": list(request.tokens),
        "numbers": [value.hex() for value in request.numbers],
        "keys_of": [[value.hex() for value in keys] for keys in request.keys_of],
        "reason": request.reason,
        "left_out": list(request.left_out),
        "lengths": list(request.lengths),
        "spellings": list(request.spellings),
        "others": request.others,
    }
    folder.path.mkdir(parents=True, exist_ok=True)
    sync_folder(folder.path.parent)
    key = random_bytes(KEY_BYTES)
    write_atomic(folder.open_key, key)
    sealed = seal(value, key=key, belongs_to=_bound_to(folder), random_bytes=random_bytes)
    write_atomic(folder.open_file, sealed)


def load_open(folder: RequestFolder) -> OpenRequest:
    """Read the open file; raises BadInput if its key is gone or is another's, or it was changed."""
    try:
        key = folder.open_key.read_bytes()
        sealed = folder.open_file.read_bytes()
        value = unseal(sealed, key=key, belongs_to=_bound_to(folder))
    except (OSError, BadInput, ValueError) as error:
        raise BadInput(
            f"The deletion {folder.id} cannot be finished, since what it was to erase can no "
            f"longer be read: restore the workspace, keys/{folder.open_key.name} included, from a "
            f"backup."
        ) from error
    return OpenRequest(
        value["kind"],
        tuple(value["ids"]),
        tuple(bytes.fromhex(item) for item in value["pseudonyms"]),
        tuple(bytes.fromhex(item) for item in value["row_keys"]),
        bytes.fromhex(value["nonce"]),
        tuple(value["tokens"]),
        tuple(bytes.fromhex(item) for item in value["numbers"]),
        tuple(tuple(map(bytes.fromhex, keys)) for keys in value["keys_of"]),
        value.get("reason"),
        tuple(value.get("left_out", value["ids"])),  # an older unweave left them out unasked
        tuple(value.get("lengths", ())),
        tuple(value.get("spellings", ())),
        value.get("others"),
    )


def destroy_open(folder: RequestFolder) -> None:
    """Destroy the key, then remove what it sealed; safe to repeat.

    The key loses its name first: killed before it is overwritten or after, a run finds no key.
    """
    key = folder.open_key
    spent = key.with_suffix(".spent")
    if key.exists():
        key.rename(spent)
        sync_folder(key.parent)
    if spent.exists():
        with spent.open("r+b") as stream:
            stream.write(bytes(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        spent.unlink()
        sync_folder(key.parent)
    if folder.open_file.exists():
        folder.open_file.unlink()
        sync_folder(folder.path)


def _bound_to(folder: RequestFolder) -> str:
    return f"unweave.dev/open/v1/{folder.id}"
