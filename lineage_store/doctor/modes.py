"""Who may read a workspace: nobody but its owner, whatever an earlier unweave or a hand did.

Where the workspace's own folder is closed, nobody gets at what is in it, so that is looked at; and
the keys, since these are copied and kept elsewhere.
"""

from collections.abc import Iterator
from pathlib import Path

from lineage_store.doctor.differences import Difference
from lineage_store.workspace import Workspace, is_loose

OTHERS = 0o077


def loose_modes(workspace: Workspace) -> tuple[Difference, ...]:
    """Say what of the workspace others than its owner may read, or change."""
    if is_loose(workspace.root):
        what = "others than its owner may read it: run chmod 700 on it"
        found = [Difference("the workspace's folder", what, True)]
    else:
        found = []
    for path in _keys(workspace):
        if is_loose(path):
            what = "others than its owner may read it: run chmod go= on it"
            found.append(Difference(f"keys/{path.name}", what, True))
    return tuple(found)


def close_modes(workspace: Workspace) -> None:
    """Take from others than the owner what they may do."""
    for path in (workspace.root, *_keys(workspace)):
        if is_loose(path):
            path.chmod(path.stat().st_mode & ~OTHERS & 0o777)


def _keys(workspace: Workspace) -> Iterator[Path]:
    """Yield the files of the keys, but for the public key, which is for all."""
    for path in sorted((workspace.root / "keys").glob("*")):
        if path != workspace.public_key and path.is_file():
            yield path
