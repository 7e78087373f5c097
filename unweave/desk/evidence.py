"""The evidence of deletions for an auditor, in one file that can be checked without the workspace.

    README.txt            what is in it, and the commands that check it
    public.pem, head      the signer's key, the log's signed head of now
    audit.json            what the audit of now found
    r3/certificate.json   the signed proof, and those of each id, numbered (certificates/)
    r3/checks-*.json      the checks of each model; plan.json, erasure.json as they outlive the run
    r3/asked.json, r3/deleted.json   proofs that both events are in the log of that head
    r3/since.json         proof that the log only grew since the head in the certificate

It has no names and no receipts. Which deletions are looked at may be drawn at random: then the log
keeps the seed, so that nobody can draw until the draw pleases.
"""

import io
import random
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files as files_of
from typing import Any

from lineage_store.canonical import canonical_json
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.index import deletions, models
from lineage_store.keys import load_public_key
from lineage_store.log import (
    ORIGIN,
    DeletionAsked,
    RowsDeleted,
    TreeHead,
    events,
    of_kind,
    proofs,
)
from lineage_store.workspace import Workspace
from unweave.desk.what_is_told import predicate_of

EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member: the same evidence gives the same bytes
README = "evidence_readme.txt"
LAST = "9999-12-31"


def drawn(connection: sqlite3.Connection, *, draw: int, seed: int) -> list[str]:
    """Draw finished deletions at random by a seed; raises BadInput if there are fewer."""
    there = [one.id for one in deletions.all_requests(connection) if one.state == "done"]
    if not 0 < draw <= len(there):
        raise BadInput(f"There are {len(there)} finished deletions: draw from 1 to {len(there)}.")
    chosen = set(random.Random(seed).sample(there, draw))
    return [one for one in there if one in chosen]


def within(
    connection: sqlite3.Connection,
    *,
    since: str | None = None,
    until: str | None = None,
    model: str | None = None,
) -> list[str]:
    """Return the finished deletions of an interval, both days in it, or of a model's whole line.

    Raises NothingFound for a model that there is not, BadInput where there is no such deletion.
    """
    made = None
    if model is not None:
        line = models.of_line(connection, models.find_model(connection, model).family)
        made = {one.request for one in line}
    found = [
        one.id
        for one in deletions.all_requests(connection)
        if one.state == "done"
        and (made is None or one.id in made)
        and (since or "") <= (one.ended or "")[:10] <= (until or LAST)
    ]
    if not found:
        raise BadInput("No deletion has ended there: choose another interval, or another model.")
    return found


def evidence(
    connection: sqlite3.Connection,
    workspace: Workspace,
    chosen: Sequence[str],
    *,
    audited: Mapping[str, Any],
) -> bytes:
    """Return the evidence of some deletions, as a ZIP file.

    Raises NothingFound for one that there is not, BadInput for one that has not ended, CheckFailed
    where the log does not hold what it should.
    """
    checkpoint = workspace.head_file.read_bytes()
    head = events.verify_head(checkpoint, load_public_key(workspace.public_key), origin=ORIGIN)
    files: dict[str, bytes] = {
        "README.txt": files_of(__package__).joinpath(README).read_bytes(),
        "public.pem": workspace.public_key.read_bytes(),
        "head": checkpoint,
        "audit.json": canonical_json(dict(audited)) + b"\n",
    }
    for one in chosen:
        if deletions.find_request(connection, one).state != "done":
            raise BadInput(f"The deletion {one} has not ended: there is no evidence of it yet.")
        files |= {f"{one}/{name}": data for name, data in _of_one(
            connection, workspace, one, checkpoint=checkpoint, head=head)}  # fmt: skip
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in sorted(files.items()):
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(member, data)
    return stream.getvalue()


def _of_one(
    connection: sqlite3.Connection,
    workspace: Workspace,
    deletion: str,
    *,
    checkpoint: bytes,
    head: TreeHead,
) -> Iterator[tuple[str, bytes]]:
    folder = workspace.request(deletion)
    kept = (folder.certificate, folder.plan, folder.erasure, *sorted(folder.path.glob("checks-*")))
    for file in (*kept, *sorted(folder.path.glob("certificates/*.json"))):
        if file.exists():
            yield str(file.relative_to(folder.path)), file.read_bytes()
    log = predicate_of(folder.certificate)["log"]
    asked = {"request": deletion, "digest": log["event"]["body"]["digest"]}
    for name, number in (
        ("asked.json", _number(connection, DeletionAsked, asked)),
        ("deleted.json", _number(connection, RowsDeleted, {"request": deletion})),
    ):
        yield name, proofs.inclusion(connection, number, checkpoint=checkpoint, size=head.size)
    earlier = log["checkpoint"].encode("utf-8")
    old = events.verify_head(earlier, load_public_key(workspace.public_key), origin=ORIGIN)
    yield (
        "since.json",
        proofs.consistency(
            connection, earlier=earlier, old_size=old.size, checkpoint=checkpoint, size=head.size
        ),
    )


def _number(
    connection: sqlite3.Connection,
    kind: type[DeletionAsked] | type[RowsDeleted],
    body: Mapping[str, str],
) -> int:
    """Return the number of the last event of a kind that says so."""
    found = [
        event.seq
        for event, _ in of_kind(connection, kind)
        if all(event.body.get(name) == value for name, value in body.items())
    ]
    if not found:
        raise CheckFailed(
            f"The event log does not say {kind.name!r} of {body['request']}: restore it from a "
            f"backup."
        )
    return found[-1]
