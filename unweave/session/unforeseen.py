"""What nobody foresaw: told in one sentence, and where it happened written to a file.

An error of a library may hold whatever it was given: names, values of rows, paths. So its message
is kept nowhere. Its kind, and the places in the code that led to it, are in a file that its owner
alone may read, in the workspace or, where that cannot be written, in the temporary folder. No
frame's variables are in it.
"""

import contextlib
import errno
import os
import platform
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from unweave.session.version import installed_version


def write_details(error: BaseException, *, workspace: Path, command: str) -> Path | None:
    """Write down where an error came from; return the file, None if none can be written."""
    lines = [f"unweave {installed_version()}, Python {platform.python_version()}: {command}"]
    lines += _chain(error)
    text = "\n".join(lines) + "\n"
    folders = [workspace] if (workspace / "format.json").exists() else []
    for folder in (*folders, Path(tempfile.gettempdir())):
        with contextlib.suppress(OSError):
            descriptor, name = tempfile.mkstemp(prefix="unforeseen-", suffix=".txt", dir=folder)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as out:
                out.write(text)
            return Path(name).absolute()
    return None


def sentence(error: BaseException, details: Path | None) -> str:
    """Say what happened without a word of the error's own."""
    where = "" if details is None else f" Where it happened is written in {details}."
    return (
        f"Something that nobody foresaw went wrong ({_kind(error)}): run the same command again, "
        f"and report it if it stays.{where}"
    )


def _chain(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _chain(cause)
        yield "and then"
    yield _kind(error)
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        yield f"  {code.co_filename}, line {line}, in {code.co_name}"


def _kind(error: BaseException) -> str:
    """The error's type, and the system's own word if it has a number."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    number = error.errno if isinstance(error, OSError) else None
    return name if number is None else f"{name}, {errno.errorcode.get(number, number)}"
