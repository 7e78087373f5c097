"""unweave: data lineage that can forget."""

from typing import Any

from unweave.project import Project
from unweave.verification import verify

__all__ = ["Project", "__version__", "verify"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from unweave.version import installed_version

        return installed_version()
    raise AttributeError(f"module 'unweave' has no attribute {name!r}")
