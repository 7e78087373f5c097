"""Passwords of servers: from the environment, or from a file that its owner alone can read.

None stands in an address, an option or a workspace.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lineage_store.errors import BadInput


@dataclass(frozen=True)
class PasswordPlace:
    """The two variables of the environment that may say a password: itself, or its file."""

    variable: str
    file_variable: str

    def read(self, environment: Mapping[str, str] = os.environ) -> str:
        """Return the password; empty if none is set.

        Raises BadInput for a file that cannot be read, or that others than its owner can read.
        """
        if self.variable in environment:
            return environment[self.variable]
        if self.file_variable not in environment:
            return ""
        return password_in(Path(environment[self.file_variable]), named_by=self.file_variable)


def password_in(file: Path, *, named_by: str) -> str:
    """Return the password in a file; raises BadInput if it is not readable, or not only by us."""
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise BadInput(
                f"The file that {named_by} names can be read by others: run chmod 600 on it."
            )
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            f"The file that {named_by} names cannot be read: check the path and its mode."
        ) from None
