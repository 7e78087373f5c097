"""ML Metadata's SQLite file is rewritten, so that nothing that was overwritten is on its pages.

SQLite leaves what was there before in the free parts of its pages, and ML Metadata does not ask it
to overwrite them. This happens in a process of its own: ML Metadata links a SQLite of its own, and
a process that opens the file by another drops its locks.
"""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from lineage_store.errors import BadInput, WorkspaceBusy

TOP = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds
BUSY = WorkspaceBusy.exit_status


def rewrite(file: Path) -> None:
    """Rewrite a file of ML Metadata; safe to repeat.

    Raises WorkspaceBusy as long as another program uses it, BadInput where it cannot be rewritten.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(file.absolute())],
        cwd=TOP,
        capture_output=True,
        check=False,
    )
    if done.returncode == BUSY:
        raise WorkspaceBusy(
            f"Another program uses the file of ML Metadata ({file}), and as long as it does, what "
            f"was taken out of it stays on its old pages: close it and run the same forget again."
        )
    if done.returncode:
        raise BadInput(
            f"The file of ML Metadata ({file}) could not be rewritten, and what was taken out of "
            f"it may be on its old pages: it takes as much room beside it as it has itself; make "
            f"that, and run the same forget again."
        )


def main(file: str) -> int:
    """Rewrite a file in this process; return the exit status."""
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("VACUUM")
    except sqlite3.DatabaseError as error:
        return BUSY if "locked" in str(error) else BadInput.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
