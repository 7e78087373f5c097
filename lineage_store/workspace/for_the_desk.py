"""A workspace as the desk has it open: by its two keys, and never by the secret."""

from dataclasses import dataclass
from pathlib import Path

from lineage_store.keys.desk_keys import DeskKeys, read_desk_keys
from lineage_store.workspace.folder import Workspace, open_workspace


@dataclass(frozen=True)
class DeskWorkspace(Workspace):
    """The paths of a workspace, and the keys of the desk in the place of its own."""

    def keys(self) -> DeskKeys:
        """Return the keys that the desk holds; raises BadInput if one is gone or not private."""
        return read_desk_keys(self.root / "keys")


def open_for_the_desk(root: Path) -> DeskWorkspace:
    """Open an existing workspace for the desk; raises what `open_workspace` does."""
    return DeskWorkspace(open_workspace(root).root)
