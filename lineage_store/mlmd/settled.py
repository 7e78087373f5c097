"""A workspace that lies elsewhere now says so to MLMD, before anything is written there.

Killed on the way, the next command finds it out again: the ledgers, which tell where a workspace
lay, come last.
"""

from pathlib import Path

from lineage_store.mlmd.metadata_store import PLACED, Metadata
from lineage_store.mlmd.pages import artifact_pages
from lineage_store.workspace.folder import MARKER, Workspace


def settle(workspace: Workspace, metadata: Metadata) -> None:
    """Write into MLMD where artifacts lie now, if the workspace lies elsewhere than it did.

    A server may be asked by the workspace that was copied, too: its URIs stay while that is there.
    """
    formerly = metadata.places.formerly
    if not formerly:
        return
    if workspace.metadata.file is None and any(Path(one, MARKER).exists() for one in formerly):
        return
    last = []
    for page in artifact_pages(metadata):
        moved = [(one, metadata.places.here(one.uri)) for one in page]
        placed = {one.id for one in page if metadata.type_name(one.type_id) == PLACED}
        last += [(one, uri) for one, uri in moved if one.id in placed]
        metadata.move((one, uri) for one, uri in moved if one.id not in placed)
    metadata.move(last)
