"""The inbox: request files that others drop into a folder, and whose of them are believed.

A file is accepted by who owns it (a user id of the policy, and nobody else may have been able to
write it) or by who signed it: FILE.sig beside it holds an Ed25519 signature of all its bytes, raw
or in base64. All is read through one descriptor, opened without following a link and checked
before, so that nothing can be put in its place meanwhile. A file is taken whole or not at all.

CSV: one request a line, with a column `subject` or `row` and any of the columns of FIELDS.
JSON: one object or a list of them, with a list `subjects` or `rows` and the same fields.

A name that stands twice, of a column or in an object, refuses the file: readers take one of the two
values, and nobody can say which of the people was meant.

What is refused is told by the file's name and the place in it, never by what stands there.
"""

import csv
import io
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lineage_store.data.record import csv_reader
from lineage_store.errors import BadInput
from lineage_store.keys.signing import from_base64, is_signed_by, public_key_of
from lineage_store.requests.policy import Policy, Sender

FIELDS = (
    "reason", "legal_basis", "deadline", "received", "requester", "verified_by", "verified_how",
    "guarantee", "strategy", "exact_by", "right", "ground", "came_by",
)  # fmt: skip
LARGEST = 1 << 24
DELIMITERS = (",", ";", "\t")  # the first where none is there: one column
SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class Entry:
    """One request as a file asks it: `ids` of subjects, or of rows; `fields` are of FIELDS."""

    kind: Literal["subject", "row"]
    ids: tuple[str, ...]
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Accepted:
    """A file that is believed, and what it asks."""

    path: Path
    sender: Sender
    entries: tuple[Entry, ...]

    def remove(self) -> None:
        """Remove the file and its signature: they hold ids, and the queue has them now."""
        self.path.unlink(missing_ok=True)
        signature_of(self.path).unlink(missing_ok=True)


@dataclass(frozen=True)
class Refused:
    """A file that is left where it lies, and why."""

    path: Path
    why: str


def signature_of(path: Path) -> Path:
    """Return where a file's signature is looked for."""
    return path.with_name(f"{path.name}.sig")


def look_through(folder: Path, policy: Policy) -> Iterator[Accepted | Refused]:
    """Yield every file of a folder in order of name, but signatures and hidden ones.

    Raises BadInput if the folder cannot be read.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise BadInput(f"The folder {folder} cannot be read: {error.strerror}.") from error
    for name in names:
        path = folder / name
        if name.startswith(".") or name.endswith(".sig"):
            continue
        try:
            data, owner = _read(path)
            sender = _sender(path, data, owner, policy)
            yield Accepted(path, sender, tuple(_entries(path, data)))
        except BadInput as error:
            yield Refused(path, str(error))


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BadInput(f"It cannot be read, or is a link: {error.strerror}.") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise BadInput("It is no file of its own, but a folder, a device or a link.")
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BadInput(f"It is larger than {LARGEST >> 20} MiB: drop several files instead.")
    return data, found


def _sender(path: Path, data: bytes, owner: os.stat_result, policy: Policy) -> Sender:
    """Return who a file comes from; a signature that is there must hold, whoever owns the file."""
    if signature_of(path).exists():
        signature, _ = _read(signature_of(path))
        for sender in policy.senders:
            if sender.key is not None and _signed(sender.key, data, signature):
                return sender
        raise BadInput("Its signature is none of an accepted key: sign it again, or remove it.")
    found = policy.sender(uid=owner.st_uid)
    if found is None:
        raise BadInput(
            "It is neither signed nor owned by anybody whose files are accepted here: see "
            "unweave request policy."
        )
    if stat.S_IMODE(owner.st_mode) & 0o022:
        raise BadInput("Others than its owner can write it: run chmod go-w on it.")
    return found


def _signed(key: str, data: bytes, signature: bytes) -> bool:
    if len(signature) != SIGNATURE_BYTES:
        try:
            signature = from_base64(signature.decode("ascii").strip())
        except ValueError:
            return False
    return is_signed_by(public_key_of(from_base64(key)), message=data, signature=signature)


def _entries(path: Path, data: bytes) -> Iterator[Entry]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("It is not UTF-8.") from error
    if path.suffix.lower() == ".csv":
        found = list(_csv_entries(text))
    elif path.suffix.lower() == ".json":
        found = list(_json_entries(text))
    else:
        raise BadInput("It is neither a .csv nor a .json file.")
    if not found:
        raise BadInput("It asks for nothing.")
    yield from found


def _csv_entries(text: str) -> Iterator[Entry]:
    first = text.partition("\n")[0]
    lines = csv_reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count))
    try:
        names = [name.strip() for name in next(lines, [])]
        if len(names) != len(set(names)):
            raise BadInput("Line 1 names a column twice: nothing of the file is taken.")
        if names:
            _must_be_known(names, "Line 1", "column", ("subject", "row"))
            if not {"subject", "row"} & {*names}:
                raise BadInput("Line 1 has no column called subject, nor one called row.")
        for number, fields in enumerate(lines, start=2):
            if not fields:
                continue
            if len(fields) != len(names):
                raise BadInput(f"Line {number} has not as many fields as line 1.")
            value: dict[str, Any] = dict(zip(names, fields, strict=True))
            for one, many in (("subject", "subjects"), ("row", "rows")):
                if value.get(one):
                    value[many] = [value[one]]
                value.pop(one, None)
            yield _entry(value, f"Line {number}")
    except csv.Error as error:
        raise BadInput("It is no CSV: quotes are open, or a field is too long.") from error


def _json_entries(text: str) -> Iterator[Entry]:
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise BadInput("It is no JSON.") from error
    for number, item in enumerate(value if isinstance(value, list) else [value], start=1):
        if not isinstance(item, dict):
            raise BadInput(f"Request {number} is no object.")
        yield _entry(item, f"Request {number}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadInput("An object in it has a field twice: nothing of the file is taken.")
    return value


def _must_be_known(names: Sequence[str], where: str, what: str, ids: Sequence[str]) -> None:
    """Raise BadInput for a name that no request has, by its number: it may be a person's."""
    for number, name in enumerate(names, start=1):
        if name not in (*ids, *FIELDS):
            raise BadInput(
                f"{where} has a {what} that no request has, number {number}; there are: "
                f"{', '.join((*ids, *FIELDS))}."
            )


def _entry(value: Mapping[str, Any], where: str) -> Entry:
    _must_be_known(list(value), where, "field", ("subjects", "rows"))
    subjects, rows = value.get("subjects"), value.get("rows")
    ids: Sequence[Any] | None = subjects or rows
    if (subjects and rows) or not ids or not isinstance(ids, list):
        raise BadInput(f"{where} names neither subjects nor rows, or both.")
    if not all(isinstance(one, str) and one for one in ids):
        raise BadInput(f"{where} has an id that is empty or no text.")
    fields = {name: value[name] for name in FIELDS if value.get(name)}
    if not all(isinstance(one, str) for one in fields.values()):
        raise BadInput(f"{where} has a field that is no text.")
    return Entry("subject" if subjects else "row", tuple(dict.fromkeys(ids)), fields)
