"""unweave: data lineage that can forget.

What it offers is imported when it is asked for: `unweave.tfx`, which stands in other people's
pipelines, must not bring in the pipelines of this house, whose names may be theirs.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_store.sources import DatabaseQuery, Reading
    from unweave.api.project import Project
    from unweave.api.verify import verify

__all__ = ["DatabaseQuery", "Project", "Reading", "__version__", "verify"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from unweave.session.version import installed_version

        return installed_version()
    if name in ("DatabaseQuery", "Reading"):
        from lineage_store import sources

        return getattr(sources, name)
    if name == "Project":
        from unweave.api.project import Project

        return Project
    if name == "verify":
        from unweave.api.verify import verify

        return verify
    raise AttributeError(f"module 'unweave' has no attribute {name!r}")
