"""Rows that a restriction keeps: out of all models, sealed, to be put back (Article 18 GDPR).

`keys/restricted/<request>.json` holds the rows of one request, sealed (ChaCha20-Poly1305) under a
key that is derived from the workspace's secret and used for nothing else, and bound to the request.
Whoever has the secret can read them, as they can the rows of live models: the secret is who holds
the key. The residual scan reads the file like any other, and finds nothing in it, since it is
sealed; that rows are kept there is not for the scan to find out: it is in the index (`restricted`),
in the certificate of the run that took them out, and in `request show`. No training reads the
folder. When the restriction ends, the file is overwritten and goes, once the rows were put back
into a file if that was asked for.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, read_json, sync_folder, write_atomic
from lineage_store.errors import BadInput
from lineage_store.keys import overwrite, seal, unseal
from lineage_store.keys.secret import keyed
from lineage_store.workspace.folder import Workspace

FOLDER = "restricted"
SEALED = "sealed"


@dataclass(frozen=True)
class KeptRow:
    """One row as a model's data had it: whose (by id), of which model and split, and its values.

    `values` are by column, None for a row without a label, of which none were kept; `labels` are
    the columns that the model learnt to tell. A `joint` row is of somebody else, too. Where the
    id is the row's own, `subject` is whose it is, as the data spell that, if that is known.
    """

    id: str
    model: str
    split: str
    row_key: str
    joint: bool
    values: dict[str, str] | None
    labels: tuple[str, ...] = ()
    subject: str | None = None


def keep_rows(workspace: Workspace, request: str, rows: Iterable[KeptRow]) -> None:
    """Seal the rows of a request, and write them; safe to repeat."""
    file = _file(workspace, request)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    sync_folder(file.parent.parent)
    entries: list[Any] = [{**asdict(one), "labels": list(one.labels)} for one in rows]
    sealed = seal(entries, key=_key(workspace), belongs_to=_bound(request), random_bytes=os.urandom)
    write_atomic(file, canonical_json({SEALED: sealed.hex()}) + b"\n")


def rows_kept_of(workspace: Workspace, request: str) -> Sequence[KeptRow]:
    """Return the rows that are kept of a request, which a run took out of the models.

    Raises BadInput if they are not there, were sealed with another secret, or changed.
    """
    file = _file(workspace, request)
    if not file.exists():
        raise BadInput(
            f"The rows that {request} keeps are gone: restore keys/{FOLDER}/{file.name} from a "
            f"backup."
        )
    try:
        sealed = bytes.fromhex(read_json(file)[SEALED])
        entries = unseal(sealed, key=_key(workspace), belongs_to=_bound(request))
        return tuple(KeptRow(**{**one, "labels": tuple(one["labels"])}) for one in entries)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(
            f"The rows that {request} keeps cannot be read: restore keys/{FOLDER}/{file.name} from "
            f"a backup."
        ) from error


def is_kept(workspace: Workspace, request: str) -> bool:
    """Whether there is a file of rows that are kept of a request."""
    return _file(workspace, request).exists()


def destroy_kept(workspace: Workspace, request: str) -> None:
    """Overwrite what is kept of a request, and remove it; safe to repeat."""
    file = _file(workspace, request)
    if file.exists():
        overwrite(file)
        file.unlink()
        sync_folder(file.parent)


def all_kept(workspace: Workspace) -> list[str]:
    """Return the requests of which rows are kept."""
    folder = workspace.root / "keys" / FOLDER
    return sorted(file.stem for file in folder.glob("q*.json"))


def _file(workspace: Workspace, request: str) -> Path:
    return workspace.root / "keys" / FOLDER / f"{request}.json"


def _key(workspace: Workspace) -> bytes:
    return keyed(workspace.keys().requests, "restricted rows", b"")


def _bound(request: str) -> str:
    return f"the kept rows of {request}"
