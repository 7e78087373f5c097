"""unweave: data lineage that can forget."""

from typing import Any

from lineage_store.sources import Reading
from unweave.api.project import Project
from unweave.api.verify import verify

__all__ = ["Project", "Reading", "__version__", "verify"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from unweave.api.version import installed_version

        return installed_version()
    raise AttributeError(f"module 'unweave' has no attribute {name!r}")
