"""When the workspace was audited last by the command, and whether anything was found.

Nothing is kept where whoever audits may only read.
"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from lineage_store.canonical import canonical_json, read_json, write_atomic

FILE = "last-audit.json"


@dataclass(frozen=True)
class LastAudit:
    """The time of an audit, and how many findings it had."""

    time: str
    findings: int


def keep_last_audit(root: Path, audit: LastAudit) -> None:
    """Write down that there was an audit, if the workspace may be written to."""
    if os.access(root, os.W_OK):
        write_atomic(root / FILE, canonical_json(asdict(audit)))


def last_audit(root: Path) -> LastAudit | None:
    """Return the last audit, if one is known."""
    try:
        return LastAudit(**read_json(root / FILE))
    except (OSError, ValueError, TypeError):
        return None
