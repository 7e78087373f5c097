"""unweave: data lineage that can forget."""

from unweave.project import Project, verify
from unweave.version import VERSION as __version__

__all__ = ["Project", "__version__", "verify"]
