"""URIs in MLMD are absolute, and are read as places in the workspace, wherever that lies by now.

TFX writes absolute URIs, so a workspace that was moved, copied or restored elsewhere has those of
the folder in which it was made. A command that reads takes them for what they are here; one that
writes says so to MLMD first (`settled.settle`), since TFX itself looks for artifacts by their URIs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

INSIDE = "/tfx/"  # every artifact of a pipeline lies in this folder of its workspace


@dataclass(frozen=True)
class Places:
    """Where a workspace lies, and where it lay when something was written into MLMD."""

    root: str
    formerly: tuple[str, ...] = ()

    def here(self, uri: str) -> str:
        """Return a URI as it is where the workspace lies now."""
        if uri.startswith(self.root + INSIDE):
            return uri
        for root in self.formerly:
            if uri.startswith(root + INSIDE):
                return self.root + uri.removeprefix(root)
        return uri

    def spellings(self, uri: str) -> tuple[str, ...]:
        """Return a URI of here, and what it was wherever the workspace lay before."""
        if not uri.startswith(self.root + INSIDE):
            return (uri,)
        return (uri, *(root + uri.removeprefix(self.root) for root in self.formerly))


def places(root: Path, uris: Iterable[str]) -> Places:
    """Return the places of a workspace, which some of its artifacts' URIs tell."""
    there = {uri.rpartition(INSIDE)[0] for uri in uris if INSIDE in uri}
    return Places(str(root), tuple(sorted(there - {str(root)})))
