"""Rows that a restriction kept are written out when it is lifted: to be trained on again.

They lie nowhere else then, so they stay in the outbox, in a folder of their own, until somebody
says that they have them.
"""

import csv
import io
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.log import NamesShown
from unweave.web.accounts.users import User
from unweave.web.operations.acting import act
from unweave.web.process.clerk import ClerkFailed
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import EPOCH, rows_folder, rows_there

TABLE = "rows.csv"


def lift(desk: Desk, user: User, request: str, *, columns: Sequence[str] = ()) -> None:
    """Lift a restriction; rows that were kept are written out, with the columns of a table."""
    folder = rows_folder(desk, request)
    if folder.exists():
        raise BadInput("Rows of this request are put back already: take them first.")
    desk.outbox.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)
    said: dict[str, Any] = {"put_back": str(folder / TABLE)}
    try:
        with TemporaryDirectory(prefix="unweave-columns-") as aside:
            if columns:
                beside = Path(aside) / "columns.csv"
                beside.write_text(_line(columns), encoding="utf-8")
                said["beside"] = str(beside)
            act(desk, user, request, "lift", said)
    except ClerkFailed:
        raise  # it may be lifted, and the rows lie there
    except BaseException:
        shutil.rmtree(folder)
        raise
    if not any(folder.iterdir()):  # none were kept
        folder.rmdir()


def take_rows(desk: Desk, user: User, request: str) -> bytes:
    """Hand the rows over as one ZIP file: they are people's, and that is an event."""
    folder, stream, names = rows_folder(desk, request), io.BytesIO(), rows_there(desk, request)
    if not names:
        raise NothingFound("No rows of this request are put back here.")
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            member = zipfile.ZipInfo(f"{request}/{name}", EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(member, (folder / name).read_bytes())
    desk.log(user, lambda number: NamesShown(request, "rows put back", number))
    return stream.getvalue()


def erase_rows(desk: Desk, request: str) -> None:
    """Erase the rows here, as whoever has them says."""
    folder = rows_folder(desk, request)
    if not folder.exists():
        raise NothingFound("No rows of this request are put back here.")
    shutil.rmtree(folder)


def _line(columns: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(columns)
    return text.getvalue()
