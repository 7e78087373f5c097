"""What is written to be sent, until it was sent: a folder a request, for the owner alone.

It lies beside the workspace and not in it: a letter names the person, and a receipt is handed out
once. So a hand-over that fails is made again from here, and nothing stays once it was sent.
"""

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from lineage_store.errors import BadInput, NothingFound
from unweave.web.process.desk import Desk

REQUEST = re.compile("q[0-9]{1,12}")
EPOCH = (1980, 1, 1, 0, 0, 0)
ROWS = ".rows"
PARTIAL, BEFORE = ".partial", ".before"  # beside a folder: being written, and there before
_WRITING = Lock()


def folder_of(desk: Desk, request: str) -> Path:
    """Return where what is sent for a request lies; raises NothingFound for what is none."""
    if not REQUEST.fullmatch(request):
        raise NothingFound("There is no such request.")
    return desk.outbox / request


def files_of(desk: Desk, request: str) -> tuple[str, ...]:
    """Return the names of what is written to be sent for a request."""
    folder = folder_of(desk, request)
    if _WRITING.acquire(blocking=False):  # nobody writes it now
        try:
            _take_up(folder.with_name(request + PARTIAL), folder)
        finally:
            _WRITING.release()
    return tuple(sorted(one.name for one in folder.glob("*") if one.is_file()))


@contextmanager
def new_place(desk: Desk, request: str) -> Iterator[Path]:
    """Yield a folder that there is not yet, to be written by a command.

    What was written before of the same request is put aside until the new one is there, and comes
    back if it fails: a receipt lies nowhere else. One is written at a time.
    """
    folder = folder_of(desk, request)
    _not_by_mail(desk, request)
    partial, aside = folder.with_name(request + PARTIAL), folder.with_name(request + BEFORE)
    with _WRITING:
        desk.outbox.mkdir(mode=0o700, exist_ok=True)
        _take_up(partial, folder)
        if _has_receipt(folder):
            raise BadInput(
                "A pack with a receipt is written already, and there is no second one: hand that "
                "over."
            )
        if folder.exists():
            _erase(aside)
            folder.rename(aside)
        try:
            yield folder
        except BaseException:
            if aside.exists() and not folder.exists():
                aside.rename(folder)
            raise
        _erase(aside)


def _not_by_mail(desk: Desk, request: str) -> None:
    """Let nothing wait to be mailed: what is written next was not said to be sent to anybody."""
    with desk.accounts() as accounts:
        accounts.mails.end(request)


def _take_up(partial: Path, folder: Path) -> None:
    """Take up what a command left that was killed, which may have ended the request before.

    It is refused to be written over (`answer_pack.new_folder`), and its receipt lies nowhere else.
    """
    if partial.exists() and any(partial.iterdir()) and not _has_receipt(folder):
        _erase(folder)
        partial.rename(folder)


def _has_receipt(folder: Path) -> bool:
    return any(folder.glob("receipt*"))


def _erase(folder: Path) -> None:
    """Erase a folder, if it is there; what cannot be erased is told, and not passed over."""
    if folder.exists():
        shutil.rmtree(folder)


def rows_folder(desk: Desk, request: str) -> Path:
    """Return where rows lie that a restriction kept and that are put back."""
    return folder_of(desk, request).with_name(request + ROWS)


def rows_there(desk: Desk, request: str) -> tuple[str, ...]:
    """Return the names of the files of rows that are put back."""
    return tuple(sorted(one.name for one in rows_folder(desk, request).glob("*.csv")))


def contents(desk: Desk, request: str) -> dict[str, bytes]:
    """Return all that is written for a request, by name; raises NothingFound if nothing is."""
    folder, names = folder_of(desk, request), files_of(desk, request)
    if not names:
        raise NothingFound("Nothing is written to be sent for this request.")
    return {name: (folder / name).read_bytes() for name in names}


def packed(desk: Desk, request: str) -> bytes:
    """Return all that is written for a request as one ZIP file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in contents(desk, request).items():
            member = zipfile.ZipInfo(f"{request}/{name}", EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(member, data)
    return stream.getvalue()


def empty(desk: Desk, request: str) -> None:
    """Erase what was written for a request, and what was left of writing it."""
    folder = folder_of(desk, request)
    _not_by_mail(desk, request)
    with _WRITING:
        for ending in ("", PARTIAL, BEFORE):
            _erase(folder.with_name(request + ending))


def empty_as_mailed(desk: Desk, request: str) -> None:
    """Erase a letter that was mailed, unless another was written meanwhile.

    Until it is erased the desk's file is locked, which whoever writes another must change first.
    """
    folder = folder_of(desk, request)
    with desk.accounts() as accounts:
        if accounts.mails.end(request):
            for ending in ("", PARTIAL, BEFORE):
                _erase(folder.with_name(request + ending))
