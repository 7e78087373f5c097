"""What is sent of a request that was filed in several workspaces: a letter, and each one's proofs.

Each part's pack is written by its own workspace, into its own outbox, with all that keeps a receipt
from being lost (`outbox.new_place`); the home's letter is told what each of them did. Nothing is
copied: what is handed over is put together when it is, of what lies in each outbox, and stops if
one of them cannot be read. So no pack lacks a workspace that its letter speaks of.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.index import queue
from lineage_store.rights import TO_BE_ANSWERED
from unweave.desk.what_is_told import proofs_of
from unweave.letters.facts import Elsewhere, Proven
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import EPOCH, contents, empty, files_of, new_place
from unweave.web.several.filed_parts import FiledParts
from unweave.web.several.joined_workspaces import own_file
from unweave.web.several.part_states import PartState, must_be_done, parts_of

LETTERS = ("letter.txt", "letter.html", "letter.pdf")
DATA_RIGHTS = ("access", "portability")  # each workspace's own letter goes with its data
Said = Mapping[str, Any]


def write_parts(desk: Desk, request: str, to: Said, *, by: str) -> list[dict[str, Any]]:
    """Write the packs of a request's parts, and return what the home's letter says of each.

    Raises BadInput while a part stops the request, before anything is written.
    """
    parts = must_be_done(desk, request)
    for one in parts:
        assert one.told is not None and one.part is not None
        if one.told["state"] not in (TO_BE_ANSWERED, "done"):
            continue
        there = one.place.reached
        if _is_written(there, one):
            continue
        with new_place(there, one.part) as out:
            said = {"request": one.part, "out": str(out), **to, "by": by}
            have_done(there, "answer_pack", said)
    return [_told(one).to_json() for one in parts]


def refuse_parts(desk: Desk, request: str, said: Said, *, by: str) -> None:
    """Refuse a request in each other workspace, before it is at home: nobody is told twice.

    The reason stands in letters and nowhere else, so it cannot be carried over later. Raises
    BadInput for one that cannot be reached, or where it is done already.
    """
    parts = parts_of(desk, request)
    for one in parts:
        if one.told is None:
            raise BadInput(f"It is refused in every workspace, or in none. {one.why}")
        if one.told["state"] == "done":
            raise BadInput(
                f"In {one.place.name} it is done: it cannot be refused as a whole any more."
            )
    for one in parts:
        assert one.told is not None
        if one.told["ended"] is not None:
            continue
        with TemporaryDirectory(prefix="unweave-refused-") as folder:
            out = {"request": one.part, "out": f"{folder}/letter", "by": by}
            have_done(one.place.reached, "refuse", {**out, **said})


def all_written(desk: Desk, request: str) -> tuple[str, ...]:
    """Return the names of what is written of a request at home, and in parts that can be read."""
    names = list(files_of(desk, request))
    for one in parts_of(desk, request) if names else ():
        if one.told is not None and one.part is not None:
            names += [f"{one.place.name}/{name}" for name in _sent_of(one, one.place.reached)]
    return tuple(names)


def all_contents(desk: Desk, request: str) -> dict[str, bytes]:
    """Return all that is written of a request, each part's in a folder of its workspace's name.

    Raises NothingFound if nothing is; BadInput if what a letter speaks of cannot be read.
    """
    found = contents(desk, request)
    if not _is_over(desk, request):
        return found
    for one in must_be_done(desk, request):
        assert one.part is not None and one.told is not None
        there = one.place.reached
        if files_of(there, one.part):
            written = contents(there, one.part)
            names = _sent_of(one, there)
            found |= {f"{one.place.name}/{name}": written[name] for name in names}
        elif one.told["state"] == "done":
            raise BadInput(
                f"What {one.place.name} wrote of {one.part} is not there any more: write the "
                f"answer once more."
            )
    return found


def all_packed(desk: Desk, request: str) -> bytes:
    """Return all that is written of a request as one ZIP file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in all_contents(desk, request).items():
            member = zipfile.ZipInfo(f"{request}/{name}", EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(member, data)
    return stream.getvalue()


def end_parts(desk: Desk, request: str) -> list[tuple[Desk, str]]:
    """Erase what was written of the parts of a request that was answered, and look at them no more.

    Returns those that were answered by it, each with its desk.
    """
    answered = []
    for one in parts_of(desk, request):
        if one.told is not None and one.told["ended"] is not None and one.part is not None:
            empty(one.place.reached, one.part)
            answered.append((one.place.reached, one.part))
    with own_file(desk) as (own, _):
        FiledParts(own).close(request)
    return answered


def _is_over(desk: Desk, request: str) -> bool:
    with desk.session.reading() as (_, connection):
        return queue.find(connection, request).ended is not None


def _is_written(there: Desk, one: PartState) -> bool:
    """Say whether a part's receipts, or data, lie in its outbox: there are no second ones."""
    assert one.part is not None and one.told is not None
    names = files_of(there, one.part)
    if one.told["right"] in DATA_RIGHTS:
        return one.told["ended"] is not None and bool(names)
    return any(name.startswith("receipt") for name in names)


def _sent_of(one: PartState, there: Desk) -> tuple[str, ...]:
    """Return which files of a part are sent: its letter, of data alone."""
    assert one.part is not None and one.told is not None
    names = files_of(there, one.part)
    if one.told["ended"] is None or one.told["state"] in ("refused", "cancelled"):
        return ()
    if one.told["right"] in DATA_RIGHTS:
        return names
    return tuple(name for name in names if name not in LETTERS)


def _told(one: PartState) -> Elsewhere:
    """Return what a letter says of a part, as it is now."""
    there = one.place.reached
    with there.session.reading() as (workspace, connection):
        part = queue.find(connection, one.part or "")
        proofs = proofs_of(connection, workspace, part, today=there.today)
    names = files_of(there, part.id)
    return Elsewhere(
        place=one.place.name,
        request=part.id,
        outcome=part.outcome or part.state(there.today),
        found=part.found,
        alike=part.alike,
        exact=proofs.exact,
        approximate=proofs.approximate,
        until=proofs.until,
        # A receipt that lies in the pack was handed out into it, and goes with the letter.
        proven=tuple(
            replace(proven, receipt="enclosed") if _receipt_of(proven) in names else proven
            for proven in proofs.proven
        ),
    )


def _receipt_of(proven: Proven) -> str:
    return "receipt.json" if proven.number is None else f"receipt-{proven.number}.json"
