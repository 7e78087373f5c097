"""A full disk, whoever met it, said in unweave's own words."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from lineage_store.errors import DiskFull, UnweaveError

FULL = ("no space left", "disk is full", "disk full", "out of space")


@contextmanager
def translated() -> Iterator[None]:
    """Turn a full disk, whoever met it, into the one error that says so."""
    try:
        yield
    except UnweaveError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full() from error
        raise
    except sqlite3.OperationalError as error:
        if "disk i/o error" in str(error).lower():  # on a full disk too, for the index of its log
            raise _full("The disk is full or fails") from error
        if any(words in str(error).lower() for words in FULL):
            raise _full() from error
        raise
    except Exception as error:  # TensorFlow, Beam and MLMD have errors of their own for it
        if any(words in str(error).lower() for words in FULL):
            raise _full() from error
        raise


def _full(what: str = "The disk is full") -> DiskFull:
    return DiskFull(
        f"{what}: what was begun has been taken away again; make room and run the same "
        f"command once more."
    )
