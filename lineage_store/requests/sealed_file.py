"""What the controller says of itself and of others, in a file that only the workspace's key reads.

A contact or a recipient may be a person, who may ask to be forgotten like anybody: in clear their
name would be found by the scan, and stop the deletion.
"""

import os
from pathlib import Path
from typing import Any

from lineage_store.canonical import Json, canonical_json, read_json, write_atomic
from lineage_store.keys import seal, unseal
from lineage_store.workspace.folder import Workspace

SEALED = "sealed"


def read_sealed(workspace: Workspace, file: Path) -> Any:
    """Read a sealed file; raises ValueError or BadInput for one that is none."""
    document: Any = read_json(file)
    sealed = bytes.fromhex(document[SEALED])
    return unseal(sealed, key=workspace.keys().requests, belongs_to=file.name)


def write_sealed(workspace: Workspace, file: Path, value: Json) -> None:
    """Seal a value into a file."""
    sealed = seal(
        value, key=workspace.keys().requests, belongs_to=file.name, random_bytes=os.urandom
    )
    write_atomic(file, canonical_json({SEALED: sealed.hex()}) + b"\n")
