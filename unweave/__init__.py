"""unweave: data lineage that can forget."""

from typing import TYPE_CHECKING, Any

from unweave.api.project import Project
from unweave.api.verify import verify

if TYPE_CHECKING:
    from lineage_store.sources import DatabaseQuery, Reading

__all__ = ["DatabaseQuery", "Project", "Reading", "__version__", "verify"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from unweave.api.version import installed_version

        return installed_version()
    if name in ("DatabaseQuery", "Reading"):
        from lineage_store import sources

        return getattr(sources, name)
    raise AttributeError(f"module 'unweave' has no attribute {name!r}")
