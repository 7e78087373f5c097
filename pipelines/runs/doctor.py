"""The doctor: what the index and MLMD should say, made again from log and disk, and compared.

Nothing is compared while a deletion waits to be finished, which leaves things half done on
purpose. A repair is followed by another comparison, so that what is said to be right is.
"""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lineage_store.canonical import sync_folder
from lineage_store.doctor import (
    Difference,
    Rebuilt,
    close_modes,
    compare_metadata,
    loose_modes,
    rebuild,
    write_missing,
)
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.index import must_be_none_running, reading_index, writing_index
from lineage_store.mlmd import Metadata, Names, made_by_tfx, settle, translating_server_errors
from lineage_store.workspace import Workspace, reading_folder, who_works
from pipelines.runs.restricting import compare_restrictions, repair_restrictions
from unlearning.registry.compare_index import IndexFindings, compare_index, repair_index

Answer = dict[str, Any]
JOURNALS = ("-journal", "-wal", "-shm")


def examine(workspace: Workspace) -> Answer:
    """Say what differs; changes nothing. Raises Unfinished or WorkspaceBusy as `audit` does."""
    return _answer((*_compare(workspace), *loose_modes(workspace)), left=None)


def repair(workspace: Workspace) -> Answer:
    """Put right what can be; the caller holds the lock. Raises Unfinished as `examine` does."""
    found = (*_compare(workspace), *loose_modes(workspace))
    close_modes(workspace)
    _repair_index(workspace)
    repair_restrictions(workspace)
    with translating_server_errors(workspace.metadata):
        _repair_metadata(workspace, _compare_index(workspace))
    return _answer(found, left=(*_compare(workspace), *loose_modes(workspace)))


def make_metadata_anew(workspace: Workspace) -> Answer:
    """Make MLMD again from log and ledgers, whatever it held, and put right what else can be.

    The caller holds the lock. Raises BadInput where MLMD is a server, a file that was named, or
    has nothing to hold, and CheckFailed where log or ledgers are not whole: then nothing is
    changed. What is killed after its file went is a lost file, which `repair` makes again.
    """
    file = workspace.metadata.file
    if file is None:
        raise BadInput(
            "ML Metadata of this workspace is a server: empty its database there, and run unweave "
            "doctor `repair`, which makes again what can be."
        )
    if file.resolve() != workspace.metadata_file.resolve():
        raise BadInput(
            f"ML Metadata of this workspace is the file that was named for it, {file}, and others "
            f"may record there: move it away if none does, and run unweave doctor `repair`, which "
            f"makes again what can be."
        )
    findings = _compare_index(workspace)
    if not any(map(made_by_tfx, findings.models)):
        raise BadInput("No model was made by TFX: there is nothing that ML Metadata is to hold.")
    if findings.logged is None or findings.incomplete:
        raise CheckFailed(
            "The log or a live model's ledger is not whole, so ML Metadata cannot be made of them, "
            "and nothing was changed: unweave doctor says what is missing."
        )
    # A journal that is left would be played into the new file.
    for one in (*(file.with_name(file.name + end) for end in JOURNALS), file):
        one.unlink(missing_ok=True)
    sync_folder(file.parent)
    return repair(workspace)


def _compare(workspace: Workspace) -> tuple[Difference, ...]:
    findings = _compare_index(workspace)
    with translating_server_errors(workspace.metadata):
        of_metadata = _compare_metadata(workspace, findings)
    return (*findings.differences, *compare_restrictions(workspace), *of_metadata)


def _compare_index(workspace: Workspace) -> IndexFindings:
    with reading_index(workspace) as connection:
        connection.execute("BEGIN")  # one state of the index, whatever others write
        must_be_none_running(connection, worker=who_works(workspace.root))
        return compare_index(connection, workspace)


def _repair_index(workspace: Workspace) -> None:
    findings = _compare_index(workspace)
    with writing_index(workspace) as connection:
        repair_index(connection, findings, temporary=workspace.temporary)


def _compare_metadata(workspace: Workspace, findings: IndexFindings) -> tuple[Difference, ...]:
    if findings.logged is None or not any(map(made_by_tfx, findings.models)):
        return ()
    unread = Difference("MLMD", "it was not compared, since a ledger is not whole on disk", False)
    if findings.incomplete:
        return (unread,)
    if not workspace.metadata.is_there():
        what = "its file is gone; what TFX alone knew and the history of what was erased are lost"
        return (Difference("MLMD", what, True),)
    actual = Metadata.of(workspace)
    with reading_folder(workspace.root) as folder:
        try:
            rebuilt = _rebuilt(workspace, findings, folder, beside=actual)
        except (FileNotFoundError, ValueError):  # steps, say, which no ledger's digest covers
            return (unread,)
        return compare_metadata(rebuilt, actual)


def _repair_metadata(workspace: Workspace, findings: IndexFindings) -> None:
    if findings.incomplete or not any(map(made_by_tfx, findings.models)):
        return
    settle(workspace, Metadata.of(workspace, create=True))
    actual = Metadata.of(workspace)
    with TemporaryDirectory(dir=workspace.temporary) as folder:
        try:
            rebuilt = _rebuilt(workspace, findings, Path(folder), beside=actual)
        except (FileNotFoundError, ValueError):
            return  # told by the comparison
        write_missing(rebuilt, actual)


def _rebuilt(
    workspace: Workspace, findings: IndexFindings, folder: Path, *, beside: Metadata
) -> Rebuilt:
    assert findings.logged is not None
    return rebuild(
        workspace,
        Names(workspace.keys().key_id),
        findings.models,
        findings.logged.deletions,
        into=Metadata(folder / "metadata.sqlite", create=True),
        beside=beside,
    )


def _answer(found: tuple[Difference, ...], *, left: tuple[Difference, ...] | None) -> Answer:
    """Return the answer; `left` is what still differs after a repair, or None without one."""
    still = found if left is None else left
    differences = dict.fromkeys((*found, *still))
    return {
        "ok": not still,
        "repair": left is not None,
        "differences": [{**asdict(one), "repaired": one not in still} for one in differences],
        "left": len(still),
    }
